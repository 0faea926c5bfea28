import { TemplateSyntaxError } from "./syntax.js";

export interface Token {
  readonly kind: "name" | "number" | "string" | "operator";
  /** A string's content, unescaped. */
  readonly value: string;
  readonly offset: number;
}

/** A piece of a template: text as it is, or what stands between `{{ }}` or `{% %}`. Comments leave no piece. */
export type Piece =
  | { readonly kind: "text"; readonly text: string; readonly offset: number }
  | {
      readonly kind: "output" | "statement";
      readonly tokens: readonly Token[];
      readonly offset: number;
      readonly end: number;
    };

const rawHint = "text that holds braces of its own stands between `{% raw %}` and `{% endraw %}`";
const operators = ["**", "//", "==", "!=", "<=", ">=", ..."+-*/%~<>=()[]{},.:|"];
const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  "\\": "\\",
  "'": "'",
  '"': '"',
};
const rawStart = /\{%-?\s*raw\s*(-?)%\}/y;
const rawEnd = /\{%(-?)\s*endraw\s*(-?)%\}/g;

/** Index of the next `{{`, `{%` or `{#` that opens a tag. The shell's `${#name}` is no comment. */
function nextTag(text: string, from: number): number {
  for (let at = text.indexOf("{", from); at >= 0; at = text.indexOf("{", at + 1)) {
    const next = text[at + 1];
    if (next === "{" || next === "%" || (next === "#" && text[at - 1] !== "$")) return at;
  }
  return -1;
}

/** True when `text` is the same rendered as not: the common case, found without parsing. */
export function isPlain(text: string): boolean {
  return nextTag(text, 0) < 0;
}

/** The string literal that starts at `start`, and the index behind it. Unknown escapes stay as written, as in Python. */
function readString(text: string, start: number): { value: string; end: number } {
  const quote = text[start];
  let value = "";
  for (let at = start + 1; at < text.length; at++) {
    const c = text[at];
    if (c === quote) return { value, end: at + 1 };
    if (c === "\\") {
      const next = text[++at] ?? "";
      value += escapes[next] ?? `\\${next}`;
    } else {
      value += c;
    }
  }
  throw new TemplateSyntaxError("a string is not closed", start, `add the missing ${quote}`);
}

/** Tokens from `start` up to `close`. */
function readTag(
  text: string,
  start: number,
  open: number,
  close: string,
): { tokens: Token[]; end: number; trim: boolean } {
  const tokens: Token[] = [];
  const word = /[A-Za-z_]\w*/y;
  const digits = /\d+(?:\.\d+)?/y;
  let braces = 0;
  let at = start;
  while (at < text.length) {
    const c = text[at] ?? "";
    if (/\s/.test(c)) {
      at++;
      continue;
    }
    if (braces === 0 && text.startsWith(close, at)) return { tokens, end: at + 2, trim: false };
    if (braces === 0 && c === "-" && text.startsWith(close, at + 1))
      return { tokens, end: at + 3, trim: true };
    if (c === '"' || c === "'") {
      const { value, end } = readString(text, at);
      tokens.push({ kind: "string", value, offset: at });
      at = end;
      continue;
    }
    word.lastIndex = at;
    digits.lastIndex = at;
    const name = word.exec(text)?.[0];
    const number = digits.exec(text)?.[0];
    const operator = operators.find((o) => text.startsWith(o, at));
    const value = name ?? number ?? operator;
    if (value === undefined) {
      throw new TemplateSyntaxError(
        `unexpected \`${String.fromCodePoint(text.codePointAt(at) ?? 0)}\` in a template`,
        at,
        rawHint,
      );
    }
    if (value === "{") braces++;
    if (value === "}") braces = Math.max(0, braces - 1);
    tokens.push({
      kind: name !== undefined ? "name" : number !== undefined ? "number" : "operator",
      value,
      offset: at,
    });
    at += value.length;
  }
  const opening = close === "}}" ? "{{" : "{%";
  throw new TemplateSyntaxError(`\`${opening}\` is not closed`, open, `add \`${close}\`; ${rawHint}`);
}

/**
 * Cuts a template into pieces.
 * @throws TemplateSyntaxError
 */
export function scan(text: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trimNext = false;
  const addText = (from: number, to: number, trimEnd: boolean): void => {
    let piece = text.slice(from, to);
    if (trimNext) piece = piece.trimStart();
    if (trimEnd) piece = piece.trimEnd();
    if (piece !== "") pieces.push({ kind: "text", text: piece, offset: from });
  };
  for (;;) {
    const open = nextTag(text, at);
    if (open < 0) break;
    addText(at, open, text[open + 2] === "-");
    trimNext = false;
    if (text[open + 1] === "#") {
      const end = text.indexOf("#}", open + 2);
      if (end < 0)
        throw new TemplateSyntaxError("a comment `{#` is not closed", open, `add \`#}\`; ${rawHint}`);
      trimNext = end > open + 2 && text[end - 1] === "-";
      at = end + 2;
      continue;
    }
    rawStart.lastIndex = open;
    const raw = rawStart.exec(text);
    if (raw) {
      rawEnd.lastIndex = open + raw[0].length;
      const end = rawEnd.exec(text);
      if (!end) throw new TemplateSyntaxError("`{% raw %}` is not closed", open, "add `{% endraw %}`");
      trimNext = raw[1] === "-";
      addText(open + raw[0].length, end.index, end[1] === "-");
      trimNext = end[2] === "-";
      at = end.index + end[0].length;
      continue;
    }
    const isOutput = text[open + 1] === "{";
    const start = open + (text[open + 2] === "-" ? 3 : 2);
    const { tokens, end, trim } = readTag(text, start, open, isOutput ? "}}" : "%}");
    pieces.push({ kind: isOutput ? "output" : "statement", tokens, offset: open, end });
    trimNext = trim;
    at = end;
  }
  addText(at, text.length, false);
  return pieces;
}
