import type { StackCommandOptions } from "../command.js";
import { defineCommand, stackCommandArguments, stackCommandOptions } from "../command.js";

export const destroy = defineCommand<[string[]], StackCommandOptions>({
  name: "destroy",
  summary: "Remove everything that stacks have deployed",
  description: stackCommandArguments.note,
  arguments: [stackCommandArguments.stacks],
  options: [
    ...stackCommandOptions,
    { flags: "--yes", description: "needed with --all and --select, so that nothing is destroyed by a slip" },
  ],
  examples: [
    { command: "handoff destroy dev", note: "the stack's history and configuration stay" },
    { command: "handoff destroy client-a client-b", note: "both at a time" },
  ],
  run: async ([stacks], options, context) => {
    const { runStackCommand } = await import("../stacks.js");
    return await runStackCommand("destroy", stacks, options, context);
  },
});
