import { defineCommand, projectOption } from "../command.js";

export interface RunOptions {
  readonly project?: string;
  readonly workspace?: string;
  readonly var?: readonly string[];
  readonly env?: readonly string[];
  readonly stage: string;
  readonly scheduledAt?: string;
  readonly json?: boolean;
}

export const run = defineCommand<[string[]], RunOptions>({
  name: "run",
  summary: "Run the project here, now",
  description:
    "Log lines go to stderr. With --json the last line of stdout is the run's record. The value of a secret is read from " +
    "<project>/.secrets/<KEY>, else from the environment variable of its name. Ctrl-C stops the run cleanly, a second one at once.",
  arguments: [{ name: "[tasks...]", description: "names of tasks (default: all)" }],
  options: [
    projectOption,
    {
      flags: "-w, --workspace <dir>",
      description: "folder to run in (default: <project>/.handoff/workspace)",
    },
    { flags: "-v, --var <key=value>", description: "set a variable; beats project.yml", repeat: true },
    {
      flags: "-e, --env <key=value>",
      description: "set an environment variable; beats project.yml",
      repeat: true,
    },
    { flags: "--stage <stage>", description: "{{ _stage }} in templates", default: "dev" },
    {
      flags: "--scheduled-at <instant>",
      description: "instant that the run stands for, ISO 8601 (default: now)",
    },
    { flags: "--json", description: "print the run's record as the last line of stdout" },
  ],
  examples: [
    { command: "handoff run", note: "every task of the project here" },
    { command: "handoff run load -v base=EUR", note: "one task, another variable" },
    { command: "handoff run --scheduled-at 2026-03-03T06:00:00Z", note: "as last Tuesday would have" },
  ],
  run: async ([tasks], options, context) => {
    const { runHere } = await import("../run.js");
    return await runHere(tasks, options, context);
  },
});
