import type { Dialect } from "../project.js";
import type { Report } from "./report.js";
import { namePattern } from "./schema-rules.js";
import type { DocumentPath } from "./yaml.js";

/** A name used at one place that must be defined at another. */
export interface Reference {
  readonly path: DocumentPath;
  readonly name: string;
}

/** Text of the file that is rendered when it is used. */
export interface TemplateUse {
  readonly path: DocumentPath;
  readonly text: string;
  /** Names that are known at this place alone: `_line` inside of a foreach. */
  readonly extra: readonly string[];
  /** For a command line: where its second part stands, and at which character of `text` it starts. */
  readonly second?: { readonly path: DocumentPath; readonly from: number };
}

/** What reading one file collects on its way, to be checked when all of it is read. */
export interface Context {
  readonly report: Report;
  readonly dialect: Dialect;
  readonly venvs: Reference[];
  readonly taskReferences: Reference[];
  /** Where a value of the file is the name of a secret. */
  readonly usedSecrets: Reference[];
  readonly envSecrets: Reference[];
  readonly templates: TemplateUse[];
}

export function makeContext(report: Report): Context {
  return {
    report,
    dialect: report.dialect,
    venvs: [],
    taskReferences: [],
    usedSecrets: [],
    envSecrets: [],
    templates: [],
  };
}

/*
 * Values of the wrong shape are reported by `checkShape`. The readers below take what is usable and leave the rest,
 * so that one mistake doesn't hide the others.
 */

export type RawMap = Readonly<Record<string, unknown>>;

export function asMap(value: unknown): RawMap {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as RawMap) : {};
}

export function isRawMap(value: unknown): value is RawMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Maps of a list, with their place in it. */
export function mapsOf(value: unknown, path: DocumentPath): { item: RawMap; path: DocumentPath }[] {
  return asList(value).flatMap((item, index) => (isRawMap(item) ? [{ item, path: [...path, index] }] : []));
}

/** Text of a scalar as the author wrote it (`1.10`, `0800`); undefined when it is none. */
export function asText(value: unknown, path: DocumentPath, context: Context): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return context.report.yaml.sourceOf(path) ?? String(value);
  if (typeof value !== "number") return undefined;
  const source = context.report.yaml.sourceOf(path);
  if (context.dialect === "1") return source ?? String(value);
  return numberText(value, source);
}

/** A number of a 0.x file as Python prints it: octal and sexagesimal are read, `1.0` keeps its decimal. */
function numberText(value: number, source: string | undefined): string {
  if (source === undefined || !Number.isInteger(value)) return String(value);
  if (/^[-+]?\d[\d_]*e/i.test(source)) return source;
  return source.includes(".") && Math.abs(value) < 1e16 ? value.toFixed(1) : String(value);
}

export function asFlag(value: unknown, fallback: boolean): boolean {
  return typeof value === "boolean" ? value : fallback;
}

/** `{key: value}` without the keys whose value is undefined. */
export function defined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

/** Runs a parser that throws for bad input; its message becomes a finding. */
export function parsed<T>(
  value: unknown,
  path: DocumentPath,
  context: Context,
  parse: (value: unknown) => T,
  code: string,
): T | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  try {
    return parse(value);
  } catch (error) {
    const [message = "", how] = (error as Error).message.split(/: write /);
    context.report.error(path, {
      code,
      message,
      hint: how ? `Write ${how}.` : `Change \`${String(path.at(-1))}\`.`,
    });
    return undefined;
  }
}

/** Complains about a name that was there before, in a place where names are unique. */
export class Names {
  readonly #seen = new Map<string, DocumentPath>();
  readonly #what: string;
  readonly #context: Context;

  constructor(what: string, context: Context) {
    this.#what = what;
    this.#context = context;
  }

  add(name: string, path: DocumentPath): void {
    const first = this.#seen.get(name);
    if (!first) {
      this.#seen.set(name, path);
      return;
    }
    this.#context.report.error(path, {
      code: "duplicate-name",
      message: `there are two ${this.#what} called \`${name}\`; the first is on line ${this.#context.report.locate(first).line}`,
      hint: "Give one of them another name.",
    });
  }
}

/** A name that is free of what would break paths and logs; in version 1 the schema has checked more. */
export function checkName(name: string, path: DocumentPath, context: Context): void {
  if (context.dialect === "1" || namePattern.test(name)) return;
  const broken =
    name.trim() === "" || name === "." || name === ".." || /[/\\\0\n]/.test(name) || name.length > 200;
  if (!broken) return;
  context.report.error(path, {
    code: "invalid-name",
    message: `${JSON.stringify(name)} can't be a name: files are named after it`,
    hint: "Use letters, digits, `_` and `-`.",
  });
}

/** A path that must stay in the workspace (or, for `what`, in another folder). */
export function checkInside(
  text: string,
  path: DocumentPath,
  context: Context,
  where: "workspace" | "repository" = "workspace",
): void {
  const depth = text
    .split(/[\\/]+/)
    .reduce(
      (at, part) => (at < 0 ? at : part === ".." ? at - 1 : part === "." || part === "" ? at : at + 1),
      0,
    );
  const absolute = /^(?:[\\/~]|[A-Za-z]:[\\/])/.test(text);
  if (text.includes("\0") || absolute || depth < 0 || text.trim() === "") {
    context.report.error(path, {
      code: "path-outside",
      message:
        text.trim() === ""
          ? `\`${String(path.at(-1))}\` is an empty path`
          : `\`${text}\` is outside of the ${where}`,
      hint: `Use a path relative to the ${where}, without \`..\`.`,
    });
  }
}
