/**
 * Templates: the Jinja syntax that commands and files use, with the place of every mistake. docs/templates.md.
 * The language is ours because the Jinja libraries for JavaScript have no offsets in their trees, no bound on loops, and
 * can't tell an undefined name from an empty one; nunjucks also runs code.
 */
import { nearest } from "./nearest.js";
import { Evaluator } from "./template/evaluate.js";
import { defaultFilters, filters, tests } from "./template/filters.js";
import { isPlain } from "./template/lexer.js";
import { findUses, type NameUse } from "./template/names.js";
import { parse } from "./template/parser.js";
import { type Statement, TemplateSyntaxError } from "./template/syntax.js";
import { TemplateFailure, type TemplateValue } from "./template/values.js";

export { type BuiltinOptions, builtinNames, builtinScope, lineScope } from "./template/builtins.js";
export { safeName, shellQuote } from "./template/filters.js";
export { Instant, type TemplateValue } from "./template/values.js";

/** Names that a template can use. Only own properties count. */
export type TemplateScope = Readonly<Record<string, TemplateValue>>;

/** strict (version 1): an undefined name is an error. lenient (0.x): a warning, and empty. */
export type TemplateMode = "strict" | "lenient";

export interface TemplateProblem {
  readonly severity: "error" | "warning";
  readonly code: "template-syntax" | "undefined-name" | "unknown-filter" | "template-failed";
  readonly message: string;
  readonly hint?: string;
  /** The undefined name, or the unknown filter's. */
  readonly name?: string;
  /** Where in the text, from 0; line and column from 1. */
  readonly offset?: number;
  readonly line?: number;
  readonly column?: number;
}

export interface Rendered {
  /** With an error among `problems`, the text as far as it makes sense; don't run it. */
  readonly text: string;
  readonly problems: readonly TemplateProblem[];
}

function place(text: string, offset: number): { offset: number; line: number; column: number } {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { offset, line: before.split("\n").length, column: offset - lineStart + 1 };
}

function failed(text: string, error: unknown): TemplateProblem {
  if (!(error instanceof TemplateSyntaxError) && !(error instanceof TemplateFailure)) throw error;
  return {
    severity: "error",
    code: error instanceof TemplateSyntaxError ? "template-syntax" : "template-failed",
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.offset === undefined ? {} : place(text, error.offset)),
  };
}

function undefinedName(
  text: string,
  name: string,
  offset: number,
  mode: TemplateMode,
  known: Iterable<string>,
): TemplateProblem {
  const near = nearest(name, known);
  const hint = near
    ? `did you mean \`${near}\`?`
    : `add it to \`vars\`, or give it a value in the template: \`{{ ${name} | default("…") }}\``;
  const message = `\`${name}\` is undefined${mode === "lenient" ? " and left empty" : ""}`;
  return {
    severity: mode === "strict" ? "error" : "warning",
    code: "undefined-name",
    message,
    hint,
    name,
    ...place(text, offset),
  };
}

function unknown(
  text: string,
  { name, offset }: NameUse,
  what: "filter" | "test",
  known: Iterable<string>,
): TemplateProblem {
  const names = [...known];
  const near = nearest(name, names);
  const hint = near ? `did you mean \`${near}\`?` : `there are ${names.sort().join(", ")}`;
  return {
    severity: "error",
    code: "unknown-filter",
    message: `unknown ${what} \`${name}\``,
    hint,
    name,
    ...place(text, offset),
  };
}

function unknownFilters(text: string, body: readonly Statement[]): TemplateProblem[] {
  const uses = findUses(body);
  return [
    ...uses.unknownFilters.map((use) => unknown(text, use, "filter", [...filters.keys(), ...defaultFilters])),
    ...uses.unknownTests.map((use) => unknown(text, use, "test", ["defined", "undefined", ...tests.keys()])),
  ];
}

/** A template parsed once and rendered often, as for the lines of a foreach. Never throws for what the author wrote. */
export function compileTemplate(text: string): (scope: TemplateScope, mode: TemplateMode) => Rendered {
  if (isPlain(text)) {
    const rendered: Rendered = { text, problems: [] };
    return () => rendered;
  }
  let body: readonly Statement[];
  try {
    body = parse(text);
  } catch (error) {
    const rendered: Rendered = { text, problems: [failed(text, error)] };
    return () => rendered;
  }
  const unknowns = unknownFilters(text, body);
  if (unknowns.length > 0) return () => ({ text, problems: unknowns });
  return (scope, mode) => {
    const problems: TemplateProblem[] = [];
    const seen = new Set<number>();
    const evaluator = new Evaluator(scope, ({ label, offset }) => {
      if (seen.has(offset)) return;
      seen.add(offset);
      problems.push(undefinedName(text, label, offset, mode, Object.keys(scope)));
    });
    try {
      return { text: evaluator.render(body), problems };
    } catch (error) {
      return { text, problems: [...problems, failed(text, error)] };
    }
  };
}

/** Renders `text` once. Text without `{{`, `{%` or `{#` comes back as it is. */
export function renderTemplate(text: string, scope: TemplateScope, mode: TemplateMode): Rendered {
  return compileTemplate(text)(scope, mode);
}

/**
 * Everything wrong with a template that can be told without its values: syntax, unknown filters, names that are not in
 * `knownNames` (which must hold the builtin ones too).
 */
export function checkTemplate(
  text: string,
  knownNames: ReadonlySet<string>,
  mode: TemplateMode,
): TemplateProblem[] {
  if (isPlain(text)) return [];
  try {
    const body = parse(text);
    const missing = findUses(body).required.filter(({ name }) => !knownNames.has(name));
    return [
      ...unknownFilters(text, body),
      ...missing.map(({ name, offset }) => undefinedName(text, name, offset, mode, knownNames)),
    ];
  } catch (error) {
    return [failed(text, error)];
  }
}

/** Names that a template takes from its scope, guarded by `default` or not; empty when it can't be parsed. */
export function templateNames(text: string): ReadonlySet<string> {
  if (isPlain(text)) return new Set();
  try {
    return findUses(parse(text)).names;
  } catch (error) {
    if (error instanceof TemplateSyntaxError) return new Set();
    throw error;
  }
}
