import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { listProjectFiles } from "../content.js";
import { UserError } from "../diagnostic.js";
import { readNoRender } from "../norender.js";
import type { Project } from "../project.js";
import { builtinNames, checkTemplate, type TemplateProblem } from "../template.js";
import type { Context, TemplateUse } from "./context.js";

/** Known to every template of a 0.x file besides. */
const legacyNames = ["HO_STAGE", "HO_TASK", "HO_RESOURCE_GROUP", "HO_BUCKET", "python_lib_dir"] as const;
/** Known inside of a foreach alone. */
const lineNames = ["_line", "_line_safe"] as const;
const modes = { "1": "strict", "0.x": "lenient" } as const;

/** Longer values can't be a command's argument either (Linux: 128 KiB). */
const maxValueLength = 32_768;
/** Of one text: a file of another template language would else fill the screen. */
const maxProblems = 20;
/** Larger files are data, not templates. */
const maxTemplateBytes = 1024 * 1024;

/** Every name in a template must be defined; looks into project.yml and the text files under `files/`. */
export function checkTemplates(
  project: Project,
  dir: string,
  show: (file: string) => string,
  context: Context,
): void {
  const names = knownNames(project);
  for (const use of context.templates) {
    if (context.report.full) {
      context.report.leave();
      break;
    }
    if (!use.text.includes("{{") && !use.text.includes("{%") && !use.text.includes("{#")) continue;
    checkUse(use, use.extra.length > 0 ? new Set([...names, ...use.extra]) : names, context);
  }
  checkFiles(dir, names, show, context);
}

function knownNames(project: Project): Set<string> {
  const names = new Set<string>(builtinNames);
  for (const name of lineNames) names.delete(name);
  for (const key of Object.keys(project.vars)) names.add(key);
  for (const { key } of project.secrets) names.add(key);
  for (const { vars, envs } of project.schedules) {
    for (const key of Object.keys(vars)) names.add(key);
    // 0.x: `a=$(date -I) b=1`, evaluated when the run starts.
    for (const [, name = ""] of (envs.__VARS ?? "").matchAll(/(?:^|\s)([A-Za-z_]\w*)=/g)) names.add(name);
  }
  if (project.dialect === "0.x") {
    for (const name of legacyNames) names.add(name);
    // The 0.x tool also looked into the environment.
    for (const key of Object.keys(project.envs)) names.add(key);
  }
  return names;
}

function checkUse(use: TemplateUse, names: Set<string>, context: Context): void {
  if (use.text.length > maxValueLength) {
    context.report.error(use.path, {
      code: "too-long",
      message: `a value with templates has ${use.text.length} characters; at most ${maxValueLength} can be rendered`,
      hint: "Put the text into a file under `files/`.",
    });
    return;
  }
  for (const problem of checkTemplate(use.text, names, modes[context.dialect]).slice(0, maxProblems)) {
    const second =
      use.second !== undefined && (problem.offset ?? 0) >= use.second.from ? use.second : undefined;
    const inside = (problem.offset ?? 0) - (second?.from ?? 0);
    const finding = {
      code: problem.code,
      message: problem.message,
      hint: hintFor(problem),
      inside,
    };
    if (problem.severity === "error") context.report.error(second?.path ?? use.path, finding);
    else context.report.warning(second?.path ?? use.path, finding);
  }
}

function hintFor(problem: TemplateProblem): string {
  if (problem.hint) return problem.hint.charAt(0).toUpperCase() + problem.hint.slice(1);
  return problem.name === undefined
    ? "Close each `{{` with `}}`, and each `{% if %}` with `{% endif %}`."
    : `Define it under \`vars\`: \`${problem.name}: …\`, or give a default: \`{{ ${problem.name} | default("") }}\`.`;
}

function checkFiles(dir: string, names: Set<string>, show: (file: string) => string, context: Context): void {
  let files: string[];
  try {
    files = listProjectFiles(dir);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    context.report.error([], {
      code: error.code,
      message: error.message,
      hint: error.hint ?? "Check the files.",
    });
    return;
  }
  const raw = readNoRender(path.join(dir, "files"));
  for (const relative of files) {
    if (context.report.full) {
      context.report.leave();
      break;
    }
    if (relative === "project.yml" || raw.matches(relative.replace(/^files\//, ""))) continue;
    const file = path.join(dir, relative);
    const text = templateText(file);
    if (text === undefined) continue;
    for (const problem of checkTemplate(text, names, modes[context.dialect]).slice(0, maxProblems)) {
      const before = text.slice(0, problem.offset ?? 0);
      const lineStart = before.lastIndexOf("\n") + 1;
      context.report.push({
        severity: problem.severity,
        code: problem.code,
        message: problem.message,
        hint: hintFor(problem),
        location: {
          file: show(file),
          line: before.split("\n").length,
          column: before.length - lineStart + 1,
        },
      });
    }
  }
}

/** Text of a file that has templates in it; undefined for data and for what can't be read. */
function templateText(file: string): string | undefined {
  try {
    if (statSync(file).size > maxTemplateBytes) return undefined;
    const bytes = readFileSync(file);
    const marked = ["{{", "{%", "{#"].some((mark) => bytes.includes(mark));
    if (!marked || bytes.includes(0)) return undefined;
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
