import type { StackCommandOptions } from "../command.js";
import { defineCommand, refreshOption, stackCommandArguments, stackCommandOptions } from "../command.js";

export const up = defineCommand<[string[]], StackCommandOptions>({
  name: "up",
  summary: "Deploy stacks: create and change what project.yml says",
  description: stackCommandArguments.note,
  arguments: [stackCommandArguments.stacks],
  options: [...stackCommandOptions, refreshOption],
  examples: [
    { command: "handoff up dev", note: "this machine, when Pulumi.dev.yaml says cloud: local" },
    { command: "handoff up client-a client-b", note: "both at a time" },
    { command: "handoff up --all --retry 2 --report up.xml", note: "every client, in a CI" },
    {
      command: "handoff up --select cloud=aws,client=acme*",
      note: "those of one cloud and one group of clients",
    },
  ],
  run: async ([stacks], options, context) => {
    const { runStackCommand } = await import("../stacks.js");
    return await runStackCommand("up", stacks, options, context);
  },
});
