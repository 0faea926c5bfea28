import { defineCommand, jsonOption, stackOption } from "../command.js";

export interface TriggerOptions {
  readonly stack?: string;
  readonly wait?: boolean;
  readonly var?: readonly string[];
  readonly env?: readonly string[];
  readonly json?: boolean;
}

export const trigger = defineCommand<[string | undefined], TriggerOptions>({
  name: "trigger",
  summary: "Run a deployed job now",
  description:
    "Variables and environment variables given here are added to the job's own. With --wait the exit code is the run's.",
  arguments: [{ name: "[job]", description: "name of a job (default: the only one)" }],
  options: [
    stackOption,
    { flags: "--wait", description: "until it has ended, with its log on stderr" },
    { flags: "-v, --var <key=value>", description: "set a variable for this run", repeat: true },
    { flags: "-e, --env <key=value>", description: "set an environment variable for this run", repeat: true },
    jsonOption,
  ],
  examples: [
    { command: "handoff trigger -s dev", note: "prints the run's id" },
    { command: "handoff trigger -s dev --wait", note: "and waits for its end" },
  ],
  run: async ([job], options, context) => {
    const { triggerJob } = await import("../operate.js");
    return await triggerJob(job, options, context);
  },
});
