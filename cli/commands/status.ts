import { defineCommand, jsonOption } from "../command.js";

export interface StatusOptions {
  readonly all?: boolean;
  readonly json?: boolean;
}

export const status = defineCommand<[string[]], StatusOptions>({
  name: "status",
  summary: "Show how stacks are: the last run, what failed lately, the next time",
  description:
    "A stack that can't be asked has the reason in its row, and keeps no other from being shown. Exits with 1 when one could " +
    "not be asked.",
  arguments: [
    {
      name: "[stacks...]",
      description: "names of stacks (default: the only one that Pulumi.<stack>.yaml files name)",
    },
  ],
  options: [{ flags: "--all", description: "every stack that has a Pulumi.<stack>.yaml" }, jsonOption],
  examples: [
    { command: "handoff status --all", note: "a row a stack" },
    { command: "handoff status --all --json", note: "for a dashboard" },
  ],
  run: async ([stacks], options, context) => {
    const { showStatus } = await import("../status.js");
    return await showStatus(stacks, options, context);
  },
});
