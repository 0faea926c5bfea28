import type { StackCommandOptions } from "../command.js";
import { defineCommand, stackCommandArguments, stackCommandOptions } from "../command.js";

export const refresh = defineCommand<[string[]], StackCommandOptions>({
  name: "refresh",
  summary: "Read what is really there into the stacks' state",
  description: stackCommandArguments.note,
  arguments: [stackCommandArguments.stacks],
  options: stackCommandOptions,
  examples: [
    { command: "handoff refresh dev", note: "then `handoff preview dev` shows drift" },
    { command: "handoff refresh dev --json", note: "for a script" },
  ],
  run: async ([stacks], options, context) => {
    const { runStackCommand } = await import("../stacks.js");
    return await runStackCommand("refresh", stacks, options, context);
  },
});
