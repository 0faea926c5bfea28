import type { StackCommandOptions } from "../command.js";
import {
  defineCommand,
  expectNoChangesOption,
  stackCommandArguments,
  stackCommandOptions,
} from "../command.js";

export const drift = defineCommand<[string[]], StackCommandOptions>({
  name: "drift",
  summary: "Show what was changed by hand since the last `up`, and change nothing",
  description: `Compares what each cloud has with the stacks' state, by resource and property. ${stackCommandArguments.note}`,
  arguments: [stackCommandArguments.stacks],
  options: [...stackCommandOptions, expectNoChangesOption],
  examples: [
    { command: "handoff drift dev", note: "`handoff up dev --refresh` puts it right" },
    { command: "handoff drift --all --expect-no-changes --report drift.md", note: "every night, in a CI" },
  ],
  run: async ([stacks], options, context) => {
    const { runStackCommand } = await import("../stacks.js");
    return await runStackCommand("drift", stacks, options, context);
  },
});
