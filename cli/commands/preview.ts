import type { StackCommandOptions } from "../command.js";
import { defineCommand, stackCommandArguments, stackCommandOptions } from "../command.js";

export const preview = defineCommand<[string[]], StackCommandOptions>({
  name: "preview",
  summary: "Show what `up` would change, and change nothing",
  description: stackCommandArguments.note,
  arguments: [stackCommandArguments.stacks],
  options: stackCommandOptions,
  examples: [
    { command: "handoff preview dev", note: "exits 0 also when there are changes" },
    { command: "handoff preview dev --json", note: "the changes as data" },
  ],
  run: async ([stacks], options, context) => {
    const { runStackCommand } = await import("../stacks.js");
    return await runStackCommand("preview", stacks, options, context);
  },
});
