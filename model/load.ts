/** Reads a project's folder into the model; all that is wrong with it is reported at once, with its place. */
import path from "node:path";
import type { Diagnostic } from "./diagnostic.js";
import { dialectOf, versionProblem } from "./load/dialect.js";
import { freezeDeep } from "./load/freeze.js";
import { normalize } from "./load/normalize.js";
import { readProjectText } from "./load/read-file.js";
import { Report } from "./load/report.js";
import { checkShape } from "./load/shape.js";
import { parseYaml } from "./load/yaml.js";
import type { Project } from "./project.js";

export interface LoadedProject {
  /** Null when there is any error; frozen all through otherwise. */
  readonly project: Project | null;
  readonly diagnostics: readonly Diagnostic[];
  /** The file that was read, as it is shown in the diagnostics. */
  readonly file: string;
}

export interface LoadOptions {
  /** Paths in diagnostics are relative to it where that is shorter. Default: the process's current folder. */
  readonly cwd?: string;
}

/**
 * Reads `dir/project.yml` in either dialect. Never throws for a mistake of the user's: `project` is then null and
 * `diagnostics` has everything that was found. Nothing on disk is changed.
 */
export function loadProject(dir: string, options: LoadOptions = {}): LoadedProject {
  const cwd = options.cwd ?? process.cwd();
  const root = path.resolve(cwd, dir);
  const file = shownPath(path.join(root, "project.yml"), cwd);
  const read = readProjectText(root, file);
  if ("problem" in read) return { project: null, diagnostics: [read.problem], file };

  let dialect = dialectOf(peekVersion(read.text)) ?? "1";
  let yaml = parseYaml(read.text, dialect === "1" ? "1.2" : "1.1");
  const version = yaml.readable ? topLevel(yaml.value)?.version : undefined;
  const actual = dialectOf(version);
  if (actual && actual !== dialect) {
    dialect = actual;
    yaml = parseYaml(read.text, dialect === "1" ? "1.2" : "1.1");
  }
  const report = new Report(dialect, file, yaml);
  for (const { severity, code, message, hint, offset, path: at } of yaml.problems) {
    const { path: text } = report.locate(at ?? []);
    const location = { file, ...yaml.position(offset), ...(at && text ? { path: text } : {}) };
    report.push({ severity, code, message, hint, location });
  }
  const project = yaml.readable ? readDocument(yaml.value, version, root, cwd, report) : null;
  const diagnostics = report.diagnostics();
  const valid = !diagnostics.some((diagnostic) => diagnostic.severity === "error");
  return { project: valid && project ? freezeDeep(project) : null, diagnostics, file };
}

function readDocument(
  value: unknown,
  version: unknown,
  root: string,
  cwd: string,
  report: Report,
): Project | null {
  if (value === null || value === undefined) {
    report.error([], {
      code: "empty-file",
      message: "project.yml is empty",
      hint: "Start it with `version: 1` and `tasks:`, or make one with `handoff init`.",
    });
    return null;
  }
  const document = topLevel(value);
  if (!document) {
    report.error([], {
      code: "wrong-type",
      message: `project.yml must be a map (\`key: value\`), not ${Array.isArray(value) ? "a list" : "a single value"}`,
      hint: "Start it with `version: 1` and `tasks:`.",
    });
    return null;
  }
  const problem = versionProblem(version);
  if (problem) {
    report.error(["version"], problem);
    // What another version means can't be known; without one, version 1 is the best guess.
    if (version !== undefined) return null;
  }
  checkShape(document, report);
  return normalize(document, root, (file) => shownPath(file, cwd), report);
}

function topLevel(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

/** Which YAML the file is written in depends on its version: it must be known before parsing. */
function peekVersion(text: string): string | undefined {
  return /^\uFEFF?["']?version["']?[ \t]*:[ \t]*["']?([^\s"'#,}]+)/m.exec(text)?.[1];
}

function shownPath(file: string, cwd: string): string {
  const relative = path.relative(cwd, file);
  return relative !== "" && relative.length < file.length ? relative : file;
}
