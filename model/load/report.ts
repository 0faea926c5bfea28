import type { Diagnostic, Location, Severity } from "../diagnostic.js";
import type { Dialect } from "../project.js";
import type { DocumentPath, YamlFile } from "./yaml.js";

export interface Finding {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  /** Point at the key and not at its value. */
  readonly key?: boolean;
  /** Characters into the string at the path. */
  readonly inside?: number;
}

/** Diagnostics beyond this many are counted, not kept. */
const maxDiagnostics = 500;

/** Collects what is found in one file, by document path. */
export class Report {
  readonly dialect: Dialect;
  readonly file: string;
  readonly yaml: YamlFile;
  readonly #found: Diagnostic[] = [];
  readonly #seen = new Set<string>();
  #left = 0;

  constructor(dialect: Dialect, file: string, yaml: YamlFile) {
    this.dialect = dialect;
    this.file = file;
    this.yaml = yaml;
  }

  error(path: DocumentPath, finding: Finding): void {
    this.#add("error", path, finding);
  }

  warning(path: DocumentPath, finding: Finding): void {
    this.#add("warning", path, finding);
  }

  /** An error in version 1; in a 0.x file, which must go on working, a warning. */
  strict(path: DocumentPath, finding: Finding): void {
    this.#add(this.dialect === "1" ? "error" : "warning", path, finding);
  }

  /** For a finding in another file, or one that has its own place. */
  push(diagnostic: Diagnostic): void {
    if (this.#found.length >= maxDiagnostics) this.#left++;
    else this.#found.push(diagnostic);
  }

  locate(path: DocumentPath, options: { key?: boolean; inside?: number } = {}): Location {
    const offset =
      options.inside === undefined
        ? this.yaml.offsetOf(path, options)
        : this.yaml.offsetInside(path, options.inside);
    const text = formatPath(path);
    return { file: this.file, ...this.yaml.position(offset), ...(text ? { path: text } : {}) };
  }

  /** All findings in the order of the file, errors before warnings of the same place. */
  diagnostics(): Diagnostic[] {
    const sorted = [...this.#found].sort(
      (a, b) =>
        compare(Number(a.location?.file !== this.file), Number(b.location?.file !== this.file)) ||
        compare(a.location?.file ?? "", b.location?.file ?? "") ||
        compare(a.location?.line ?? 0, b.location?.line ?? 0) ||
        compare(a.location?.column ?? 0, b.location?.column ?? 0),
    );
    if (this.#left > 0) {
      sorted.push({
        severity: "error",
        code: "too-many-problems",
        message: `${this.#left} more problems are not shown`,
        hint: "Mend those above, then validate again.",
        location: { file: this.file, line: 1, column: 1 },
      });
    }
    return sorted;
  }

  #add(severity: Severity, path: DocumentPath, finding: Finding): void {
    const { code, message, hint } = finding;
    const location = this.locate(path, finding);
    // An alias or a merge brings one mistake to many places of the document: it is one mistake in the file.
    const identity = `${code} ${location.line}:${location.column} ${message}`;
    if (this.#seen.has(identity)) return;
    this.#seen.add(identity);
    this.push({ severity, code, message, hint, location });
  }
}

/** `tasks[0].pipeline[1].command`; keys that aren't plain words are quoted. */
export function formatPath(path: DocumentPath): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(step)) text += text ? `.${step}` : step;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

function compare<T extends string | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
