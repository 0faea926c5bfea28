import { defineCommand, stackOption } from "../command.js";

export interface LogsOptions {
  readonly stack?: string;
  readonly follow?: boolean;
  readonly json?: boolean;
}

export const logs = defineCommand<[string | undefined], LogsOptions>({
  name: "logs",
  summary: "Print the log of a run",
  arguments: [
    { name: "[run]", description: "id of a run, as `handoff runs` shows it (default: the newest)" },
  ],
  options: [
    stackOption,
    { flags: "-f, --follow", description: "go on until the run has ended" },
    { flags: "--json", description: "print each line as JSON" },
  ],
  examples: [
    { command: "handoff logs -s dev", note: "the newest run" },
    { command: "handoff logs -s dev --follow", note: "while it runs" },
  ],
  run: async ([runId], options, context) => {
    const { printLogs } = await import("../operate.js");
    return await printLogs(runId, options, context);
  },
});
