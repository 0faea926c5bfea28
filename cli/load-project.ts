import type { Diagnostic } from "../model/diagnostic.js";
import { throwIfErrors, UserError } from "../model/diagnostic.js";
import { loadProject } from "../model/load.js";
import type { Project } from "../model/project.js";
import type { CliContext } from "./context.js";
import { say } from "./context.js";
import { colours } from "./output/colour.js";
import { formatDiagnostics } from "./output/diagnostics.js";

/**
 * The project of a command that needs a valid one; warnings are shown on stderr.
 * @throws UserError with every problem.
 */
export function loadValidProject(dir: string, context: CliContext): Project {
  const { project, diagnostics, file } = loadProject(dir, { cwd: context.cwd });
  throwIfErrors(diagnostics, file);
  if (project === null) throw new UserError(`${file} holds no project`, { code: "invalid-project" });
  const warnings: readonly Diagnostic[] = diagnostics.filter((d) => d.severity === "warning");
  if (warnings.length > 0) say(context, formatDiagnostics(warnings, colours(context.stderr, context.env)));
  return project;
}
