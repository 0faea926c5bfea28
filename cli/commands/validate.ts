import { ExitCode } from "../../model/diagnostic.js";
import { defineCommand, jsonOption, projectOption } from "../command.js";
import { print, printJson, say } from "../context.js";
import { colours } from "../output/colour.js";
import { countDiagnostics, formatDiagnostics } from "../output/diagnostics.js";
import { findProjectDir } from "../project-lookup.js";

export const validate = defineCommand<[], { project?: string; json?: boolean }>({
  name: "validate",
  summary: "Check project.yml and its files: every problem at once",
  description:
    "Each problem has its file, line and column and what to do about it. Warnings alone exit 0, errors 2. " +
    "Nothing is run and nothing is written.",
  options: [projectOption, jsonOption],
  examples: [
    { command: "handoff validate", note: "the project here" },
    { command: "handoff validate -p projects/fx --json", note: "for an editor or CI" },
  ],
  run: async (_args, options, context) => {
    const dir = findProjectDir(context.cwd, options.project);
    const { loadProject } = await import("../../model/load.js");
    const { project, diagnostics, file } = loadProject(dir, { cwd: context.cwd });
    const valid = project !== null && !diagnostics.some((d) => d.severity === "error");
    if (options.json) {
      printJson(context, { schemaVersion: 1, valid, file, name: project?.name ?? null, diagnostics });
      return valid ? ExitCode.ok : ExitCode.invalid;
    }
    const count = countDiagnostics(diagnostics);
    if (diagnostics.length > 0)
      say(context, formatDiagnostics(diagnostics, colours(context.stderr, context.env)));
    if (valid) {
      const tasks = project.tasks.length;
      print(context, `${file}: valid, ${tasks} task${tasks === 1 ? "" : "s"}${count ? `, ${count}` : ""}`);
    } else {
      say(context, `${file}: ${count}`);
    }
    return valid ? ExitCode.ok : ExitCode.invalid;
  },
});
