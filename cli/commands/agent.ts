import { defineCommand, jsonOption } from "../command.js";

const start = defineCommand<[], { foreground?: boolean }>({
  name: "start",
  summary: "Start the agent in the background",
  description:
    "Does nothing when it runs already. Start it when the machine starts, with cron's @reboot or a systemd unit.",
  options: [{ flags: "--foreground", description: "stay in this terminal, for a service manager" }],
  examples: [{ command: "handoff agent start", note: "schedules of every local stack fire from now on" }],
  run: async (_args, options, context) => {
    const { startTheAgent } = await import("../agent.js");
    return await startTheAgent(options, context);
  },
});

const stop = defineCommand<[], object>({
  name: "stop",
  summary: "Stop the agent",
  description: "Runs that are going on go on; the agent takes them over at its next start.",
  examples: [{ command: "handoff agent stop", note: "nothing fires until the next start" }],
  run: async (_args, _options, context) => {
    const { stopTheAgent } = await import("../agent.js");
    return await stopTheAgent(context);
  },
});

const status = defineCommand<[], { json?: boolean }>({
  name: "status",
  summary: "Say whether the agent runs; exits 1 when it does not",
  options: [jsonOption],
  examples: [{ command: "handoff agent status --json", note: "for a monitor" }],
  run: async (_args, options, context) => {
    const { showAgentStatus } = await import("../agent.js");
    return await showAgentStatus(options, context);
  },
});

export const agent = {
  name: "agent",
  summary: "Start and stop the local platform's scheduler",
  description:
    "One for each user of the machine (or each HANDOFF_HOME). It fires the schedules and triggers of local stacks.",
  subcommands: [start, stop, status],
  examples: [{ command: "handoff agent start", note: "then: handoff agent status" }],
};
