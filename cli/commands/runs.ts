import { defineCommand, jsonOption, stackOption } from "../command.js";

export interface RunsOptions {
  readonly stack?: string;
  readonly limit: string;
  readonly json?: boolean;
}

export const runs = defineCommand<[], RunsOptions>({
  name: "runs",
  summary: "List the runs of a stack, the newest first",
  options: [
    stackOption,
    { flags: "-n, --limit <count>", description: "at most so many", default: "20" },
    jsonOption,
  ],
  examples: [
    { command: "handoff runs -s dev", note: "what ran, when, and how it ended" },
    { command: "handoff runs -s dev -n 1 --json", note: "the newest, as data" },
  ],
  run: async (_args, options, context) => {
    const { listRuns } = await import("../operate.js");
    return await listRuns(options, context);
  },
});
