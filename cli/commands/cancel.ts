import type { CancelCommandOptions } from "../cancel.js";
import { defineCommand } from "../command.js";

export const cancel = defineCommand<[string[]], CancelCommandOptions>({
  name: "cancel",
  summary: "Release stacks whose update was killed",
  description:
    "An update locks its stack. One that was killed on another machine leaves the lock behind; `up` says whose it is and since when. " +
    "A dead lock of this machine is removed by the next `up` by itself.",
  arguments: [{ name: "<stacks...>", description: "names of stacks" }],
  options: [
    { flags: "--force", description: "also when the update runs on this machine, now" },
    { flags: "--json", description: "print JSON on stdout" },
  ],
  examples: [
    { command: "handoff cancel client-a", note: "then `handoff up client-a` goes on from where it stopped" },
  ],
  run: async ([stacks], options, context) => {
    const { cancelStacks } = await import("../cancel.js");
    return await cancelStacks(stacks, options, context);
  },
});
