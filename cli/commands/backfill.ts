import { defineCommand, jsonOption, stackOption } from "../command.js";

export interface BackfillOptions {
  readonly stack?: string;
  readonly from: string;
  readonly to?: string;
  readonly parallel: string;
  readonly keepGoing?: boolean;
  readonly dryRun?: boolean;
  readonly var?: readonly string[];
  readonly env?: readonly string[];
  readonly json?: boolean;
}

export const backfill = defineCommand<[string], BackfillOptions>({
  name: "backfill",
  summary: "Run a schedule again for each of its times in the past",
  description:
    "Each run stands for the instant that the schedule would have fired at: `scheduled_at`, `_today` and HANDOFF_SCHEDULED_AT " +
    "say so. Times without a zone are the schedule's own. Oldest first; the first failure ends it, once what runs has ended, " +
    "unless --keep-going. An interruption starts no more runs; those under way go on.",
  arguments: [{ name: "<schedule>", description: "name of the schedule" }],
  options: [
    stackOption,
    { flags: "--from <time>", description: "first instant, such as 2026-01-31 or 2026-01-31T06:00" },
    { flags: "--to <time>", description: "up to this instant, itself not included (default: now)" },
    { flags: "--parallel <count>", description: "runs at the same time", default: "1" },
    { flags: "--keep-going", description: "go on after a failed run" },
    { flags: "--dry-run", description: "list the instants, run nothing" },
    { flags: "-v, --var <key=value>", description: "set a variable for these runs", repeat: true },
    {
      flags: "-e, --env <key=value>",
      description: "set an environment variable for these runs",
      repeat: true,
    },
    jsonOption,
  ],
  examples: [
    { command: "handoff backfill nightly --from 2026-01-01 --to 2026-02-01 -s client-a", note: "January" },
    { command: "handoff backfill nightly --from 2026-01-01 --dry-run -s client-a", note: "which instants" },
  ],
  run: async ([schedule], options, context) => {
    const { backfillSchedule } = await import("../backfill.js");
    return await backfillSchedule(schedule, options, context);
  },
});
