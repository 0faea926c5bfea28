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

/** Of errors and of warnings each, those beyond this many are counted, not kept. */
const maxDiagnostics = 100;

/** Collects what is found in one file, by document path. */
export class Report {
  readonly dialect: Dialect;
  readonly file: string;
  readonly yaml: YamlFile;
  readonly #found: Diagnostic[] = [];
  readonly #seen = new Set<string>();
  readonly #kept = { error: 0, warning: 0, info: 0 };
  readonly #left = { error: 0, warning: 0, info: 0 };
  #unchecked = false;

  constructor(dialect: Dialect, file: string, yaml: YamlFile) {
    this.dialect = dialect;
    this.file = file;
    this.yaml = yaml;
  }

  error(path: DocumentPath, finding: Finding | (() => Finding)): void {
    this.#add("error", path, finding);
  }

  warning(path: DocumentPath, finding: Finding | (() => Finding)): void {
    this.#add("warning", path, finding);
  }

  /** An error in version 1; in a 0.x file, which must go on working, a warning. */
  strict(path: DocumentPath, finding: Finding | (() => Finding)): void {
    this.#add(this.dialect === "1" ? "error" : "warning", path, finding);
  }

  /** Whether further errors (and, in 0.x, further `strict` ones) are only counted: what costs time to find can be left. */
  get full(): boolean {
    return this.#isFull("error") && (this.dialect === "1" || this.#isFull("warning"));
  }

  /** For a finding in another file, or one that has its own place. */
  push(diagnostic: Diagnostic): void {
    const { severity } = diagnostic;
    if (this.#isFull(severity)) {
      this.#left[severity]++;
      return;
    }
    this.#kept[severity]++;
    this.#found.push(diagnostic);
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
    const left = this.#left.error + this.#left.warning + this.#left.info;
    if (left > 0 || this.#unchecked) {
      sorted.push({
        // Warnings alone, however many, must not make a project invalid.
        severity: this.#left.error > 0 ? "error" : "warning",
        code: "too-many-problems",
        message: `${left > 0 ? `and ${left} more` : "and maybe more"}${this.#unchecked ? "; not all was checked" : ""}`,
        hint: "Mend those above, then validate again.",
        location: { file: this.file, line: 1, column: 1 },
      });
    }
    return sorted;
  }

  /** Says that something was left unchecked because the report is full. */
  leave(): void {
    this.#unchecked = true;
  }

  #isFull(severity: Severity): boolean {
    return this.#kept[severity] >= maxDiagnostics;
  }

  #add(severity: Severity, path: DocumentPath, lazy: Finding | (() => Finding)): void {
    if (this.#isFull(severity)) {
      this.#left[severity]++;
      return;
    }
    const finding = typeof lazy === "function" ? lazy() : lazy;
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
