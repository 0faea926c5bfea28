import type { StackCommandOptions } from "../command.js";
import {
  defineCommand,
  expectNoChangesOption,
  refreshOption,
  stackCommandArguments,
  stackCommandOptions,
} from "../command.js";

export const preview = defineCommand<[string[]], StackCommandOptions>({
  name: "preview",
  summary: "Show what `up` would change, and change nothing",
  description: stackCommandArguments.note,
  arguments: [stackCommandArguments.stacks],
  options: [...stackCommandOptions, refreshOption, expectNoChangesOption],
  examples: [
    { command: "handoff preview dev", note: "exits 0 also when there are changes" },
    { command: "handoff preview dev --json", note: "the changes as data" },
    { command: "handoff preview --all --report changes.md", note: "for a pull request's comment" },
  ],
  run: async ([stacks], options, context) => {
    const { runStackCommand } = await import("../stacks.js");
    return await runStackCommand("preview", stacks, options, context);
  },
});
