import type { StackCommandOptions } from "../command.js";
import { defineCommand, stackCommandArguments, stackCommandOptions } from "../command.js";

export const up = defineCommand<[string[]], StackCommandOptions>({
  name: "up",
  summary: "Deploy stacks: create and change what project.yml says",
  description: stackCommandArguments.note,
  arguments: [stackCommandArguments.stacks],
  options: stackCommandOptions,
  examples: [
    { command: "handoff up dev", note: "this machine, when Pulumi.dev.yaml says cloud: local" },
    { command: "handoff up client-a client-b", note: "one after the other" },
  ],
  run: async ([stacks], options, context) => {
    const { runStackCommand } = await import("../stacks.js");
    return await runStackCommand("up", stacks, options, context);
  },
});
