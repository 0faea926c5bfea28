import { defineCommand, jsonOption } from "../command.js";

export const doctor = defineCommand<[], { json?: boolean }>({
  name: "doctor",
  summary: "Say what is missing on this machine and how to get it",
  description:
    "Exits 0 when all that is needed for `run` and `up` to this machine is there, else 1. What is optional never fails it.",
  options: [jsonOption],
  examples: [{ command: "handoff doctor", note: "each tool, what it is for, and its version" }],
  run: async (_args, options, context) => {
    const { diagnoseMachine } = await import("../doctor.js");
    return await diagnoseMachine(options, context);
  },
});
