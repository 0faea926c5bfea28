import type { StackCommandOptions } from "../command.js";
import {
  defineCommand,
  expectNoChangesOption,
  stackCommandArguments,
  stackCommandOptions,
} from "../command.js";

export const refresh = defineCommand<[string[]], StackCommandOptions>({
  name: "refresh",
  summary: "Read what is really there into the stacks' state",
  description: stackCommandArguments.note,
  arguments: [stackCommandArguments.stacks],
  options: [...stackCommandOptions, expectNoChangesOption],
  examples: [
    { command: "handoff refresh dev", note: "then `handoff up dev` repairs what was changed by hand" },
    { command: "handoff refresh dev --json", note: "for a script" },
  ],
  run: async ([stacks], options, context) => {
    const { runStackCommand } = await import("../stacks.js");
    return await runStackCommand("refresh", stacks, options, context);
  },
});
