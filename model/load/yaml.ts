import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
  type YAMLMap,
} from "yaml";
import { nearest } from "../nearest.js";

/** Keys and indexes from the top of a document. */
export type DocumentPath = readonly (string | number)[];

/** Offset-based finding; `loadProject` turns it into a `Diagnostic`. */
export interface YamlProblem {
  readonly severity: "error" | "warning";
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly offset: number;
  readonly path?: DocumentPath;
}

export interface YamlFile {
  /** Plain data: maps, lists, strings, numbers, booleans, null. */
  readonly value: unknown;
  readonly problems: readonly YamlProblem[];
  /** False after a syntax error: `value` can't be trusted. */
  readonly readable: boolean;
  /** Offset of the node at `path`; of its key with `key: true`; of the nearest ancestor that exists otherwise. */
  offsetOf(path: DocumentPath, options?: { key?: boolean }): number;
  /** The scalar at `path` as it is written in the file, without quotes. */
  sourceOf(path: DocumentPath): string | undefined;
  /** What the file has at the place of `path`, as it is written. */
  textAt(path: DocumentPath, length: number): string;
  /** Offset in the file of a character of the string at `path`; the string's start where it isn't written verbatim. */
  offsetInside(path: DocumentPath, characters: number): number;
  position(offset: number): { line: number; column: number };
}

/** Nodes that a file may have once its aliases are expanded. */
const maxNodes = 200_000;
const maxDepth = 60;
/** Words and signs of a file, as the lexer counts them: about six to a value. More would take over a second. */
const maxLexemes = 300_000;
/** A shorter file can't have that many. */
const lexedFrom = 100_000;

/** Reads YAML text; every problem is in the result, nothing is thrown for what the text holds. */
export function parseYaml(text: string, version: "1.1" | "1.2"): YamlFile {
  const lines = new LineCounter();
  const nested = nestingProblem(text) ?? sizeProblem(text);
  if (nested) {
    countLines(text, lines);
    return unreadable(lines, [nested]);
  }
  let document: Document.Parsed;
  try {
    document = parseDocument(text, {
      version,
      lineCounter: lines,
      prettyErrors: false,
      // Checked in our own walk: the library compares every pair of keys.
      uniqueKeys: false,
      merge: true,
      logLevel: "error",
      keepSourceTokens: false,
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return unreadable(lines, [tooDeep(0)]);
  }
  const overflow = document.errors.find((error) => error.message.includes("call stack"));
  if (overflow) return unreadable(lines, [tooDeep(overflow.pos[0])]);
  if (document.errors.length > 0) {
    return unreadable(
      lines,
      document.errors.slice(0, 50).map((error) => syntaxProblem(error, text)),
    );
  }
  return new ParsedYaml(document, lines, text);
}

class ParsedYaml implements YamlFile {
  readonly value: unknown;
  readonly readable: boolean;
  readonly problems: YamlProblem[] = [];
  readonly #targets = new Map<Alias, Node>();
  readonly #entries = new WeakMap<YAMLMap, Map<string, { key: Node | null; value: Node | null }>>();
  readonly #root: Node | null;
  readonly #lines: LineCounter;
  readonly #text: string;
  #nodes = 0;
  #stopped = false;

  constructor(document: Document.Parsed, lines: LineCounter, text: string) {
    this.#root = document.contents;
    this.#lines = lines;
    this.#text = text;
    for (const warning of document.warnings) this.problems.push(tagProblem(warning));
    this.#resolveAliases(this.#root, new Map(), 0);
    this.value = this.#stopped ? null : this.#convert(this.#root, [], new Set());
    this.readable = !this.#stopped && !this.problems.some((problem) => problem.code === "yaml-alias");
  }

  position(offset: number): { line: number; column: number } {
    return positionOf(this.#lines, offset);
  }

  offsetOf(path: DocumentPath, options: { key?: boolean } = {}): number {
    let node = this.#root;
    let offset = start(node) ?? 0;
    for (const [index, step] of path.entries()) {
      const entry = this.#child(node, step);
      if (!entry) break;
      const wantsKey = (options.key && index === path.length - 1) || start(entry.value) === undefined;
      offset = (wantsKey ? start(entry.key) : undefined) ?? start(entry.value) ?? offset;
      node = entry.value;
    }
    return offset;
  }

  textAt(path: DocumentPath, length: number): string {
    const from = this.offsetOf(path);
    return this.#text.slice(from, from + length);
  }

  sourceOf(path: DocumentPath): string | undefined {
    const node = this.#nodeAt(path);
    return isScalar(node) ? node.source : undefined;
  }

  offsetInside(path: DocumentPath, characters: number): number {
    const node = this.#nodeAt(path);
    const from = start(node);
    if (!isScalar(node) || typeof node.value !== "string" || from === undefined) return this.offsetOf(path);
    const quoted = node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE" ? 1 : 0;
    const first = from + quoted;
    // Escapes and folding move characters: only what stands in the file as it is can be pointed into.
    return this.#text.startsWith(node.value, first) ? first + characters : from;
  }

  #nodeAt(path: DocumentPath): Node | null {
    let node = this.#root;
    for (const step of path) {
      const entry = this.#child(node, step);
      if (!entry) return null;
      node = entry.value;
    }
    return isAlias(node) ? (this.#targets.get(node) ?? null) : node;
  }

  #child(parent: Node | null, step: string | number): { key: Node | null; value: Node | null } | undefined {
    const node = isAlias(parent) ? this.#targets.get(parent) : parent;
    if (isSeq(node)) {
      const item = node.items[Number(step)];
      return item === undefined ? undefined : { key: null, value: item as Node };
    }
    if (!isMap(node)) return undefined;
    let entries = this.#entries.get(node);
    if (!entries) {
      entries = new Map();
      this.#indexEntries(node, entries);
      this.#entries.set(node, entries);
    }
    return entries.get(String(step));
  }

  #indexEntries(map: YAMLMap, into: Map<string, { key: Node | null; value: Node | null }>): void {
    for (const pair of map.items) {
      const key = pair.key as Node | null;
      const value = pair.value as Node | null;
      if (isMergeKey(key)) {
        for (const source of this.#mergeSources(value)) {
          for (const inner of source.items) {
            const name = keyText(inner.key as Node | null);
            if (!into.has(name))
              into.set(name, { key: inner.key as Node, value: inner.value as Node | null });
          }
        }
      } else into.set(keyText(key), { key, value });
    }
  }

  /** Aliases mean the last node before them that has the anchor: one walk in the order of the text. */
  #resolveAliases(node: Node | null, anchors: Map<string, Node>, depth: number): void {
    if (this.#stopped) return;
    if (depth > maxDepth) {
      this.#stop(tooDeep(start(node) ?? 0));
      return;
    }
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target) this.#targets.set(node, target);
      else {
        const near = nearest(node.source, anchors.keys());
        this.problems.push({
          severity: "error",
          code: "yaml-alias",
          message: `alias \`*${shorten(node.source)}\` repeats nothing: there is no \`&${shorten(node.source)}\` before it`,
          hint: near
            ? `Rename it to \`*${near}\`.`
            : "Put `&name` before the value to repeat, or quote a text that starts with `*`.",
          offset: start(node) ?? 0,
        });
      }
      return;
    }
    if ((isScalar(node) || isMap(node) || isSeq(node)) && node.anchor) anchors.set(node.anchor, node);
    if (isSeq(node)) for (const item of node.items) this.#resolveAliases(item as Node, anchors, depth + 1);
    if (isMap(node)) {
      for (const pair of node.items) {
        this.#resolveAliases(pair.key as Node | null, anchors, depth + 1);
        this.#resolveAliases(pair.value as Node | null, anchors, depth + 1);
      }
    }
  }

  #convert(node: Node | null, path: DocumentPath, open: Set<Node>): unknown {
    if (this.#stopped || node === null || node === undefined) return null;
    if (++this.#nodes > maxNodes) {
      this.#stop({
        severity: "error",
        code: "alias-expansion",
        message: `the file has more than ${maxNodes} values once its aliases are expanded`,
        hint: "Use fewer aliases (`*name`) inside of what other aliases repeat.",
        offset: start(node) ?? 0,
        path,
      });
      return null;
    }
    if (isAlias(node)) {
      const target = this.#targets.get(node);
      if (target && open.has(target)) {
        this.#stop({
          severity: "error",
          code: "alias-cycle",
          message: `alias \`*${node.source}\` is inside of what it repeats`,
          hint: "Write the value out instead of repeating its own parent.",
          offset: start(node) ?? 0,
          path,
        });
        return null;
      }
      return this.#convert(target ?? null, path, open);
    }
    if (isScalar(node)) return scalarValue(node.value, node.source);
    if (path.length > maxDepth) {
      this.#stop(tooDeep(start(node) ?? 0));
      return null;
    }
    open.add(node);
    const value = isSeq(node)
      ? node.items.map((item, index) => this.#convert(item as Node, [...path, index], open))
      : isMap(node)
        ? this.#convertMap(node, path, open)
        : null;
    open.delete(node);
    return value;
  }

  #convertMap(map: YAMLMap, path: DocumentPath, open: Set<Node>): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    const seen = new Map<string, number>();
    const merges: YAMLMap[] = [];
    for (const pair of map.items) {
      const key = pair.key as Node | null;
      if (isMergeKey(key)) {
        merges.push(...this.#mergeSources(pair.value as Node | null));
        continue;
      }
      const name = keyText(key);
      const offset = start(key) ?? start(pair.value as Node | null) ?? 0;
      if (name === "__proto__") {
        this.problems.push({
          severity: "error",
          code: "invalid-name",
          message: "`__proto__` can't be used as a key",
          hint: "Choose another name.",
          offset,
          path,
        });
        continue;
      }
      const first = seen.get(name);
      if (first !== undefined) {
        this.problems.push({
          severity: "error",
          code: "duplicate-key",
          message: `key \`${shorten(name)}\` is here twice; the first is on line ${this.position(first).line}`,
          hint: "Remove one of the two, or put their values together under one key.",
          offset,
          path: [...path, name],
        });
        continue;
      }
      seen.set(name, offset);
      result[name] = this.#convert(pair.value as Node | null, [...path, name], open);
    }
    for (const source of merges) {
      if (open.has(source)) continue;
      const merged = this.#convertMap(source, path, new Set([...open, source]));
      for (const [name, value] of Object.entries(merged)) if (!(name in result)) result[name] = value;
      this.#nodes += source.items.length;
    }
    return result;
  }

  #mergeSources(value: Node | null): YAMLMap[] {
    const target = isAlias(value) ? this.#targets.get(value) : value;
    if (isMap(target)) return [target];
    if (!isSeq(target)) return [];
    return target.items
      .map((item) => (isAlias(item) ? this.#targets.get(item) : item))
      .filter((item): item is YAMLMap => isMap(item));
  }

  #stop(problem: YamlProblem): void {
    if (!this.#stopped) this.problems.push(problem);
    this.#stopped = true;
  }
}

function start(node: Node | null | undefined): number | undefined {
  return node?.range?.[0];
}

/** A key is what is written: YAML 1.1 would make `on` and `no` booleans. */
function keyText(key: Node | null): string {
  if (!isScalar(key)) return key === null ? "" : "(a key that is not a string)";
  return typeof key.value === "string" ? key.value : (key.source ?? String(key.value ?? ""));
}

function isMergeKey(key: Node | null): boolean {
  return isScalar(key) && (key.value === "<<" || typeof key.value === "symbol") && key.type === "PLAIN";
}

function scalarValue(value: unknown, source: string | undefined): unknown {
  if (
    value === null ||
    typeof value === "string" ||
    typeof value === "number" ||
    typeof value === "boolean"
  ) {
    return value;
  }
  // Dates, big integers and binary of YAML 1.1 are text to us.
  return source ?? String(value);
}

function positionOf(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function unreadable(lines: LineCounter, problems: readonly YamlProblem[]): YamlFile {
  return {
    value: null,
    readable: false,
    problems,
    offsetOf: () => 0,
    textAt: () => "",
    sourceOf: () => undefined,
    offsetInside: () => 0,
    position: (offset) => positionOf(lines, offset),
  };
}

function countLines(text: string, lines: LineCounter): void {
  lines.addNewLine(0);
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines.addNewLine(at + 1);
}

function tooDeep(offset: number): YamlProblem {
  return {
    severity: "error",
    code: "too-deep",
    message: `values are nested more than ${maxDepth} levels deep`,
    hint: "Put what is nested into tasks of its own.",
    offset,
  };
}

/** Brackets that are open at once on one line, found before the parser recurses into each of them. */
function nestingProblem(text: string): YamlProblem | undefined {
  const run = /(?:[[{]\s*){100}|(?:[-?][ \t]+){100}/.exec(text);
  return run ? tooDeep(run.index) : undefined;
}

/** Parsing takes ten times as long as this walk over the lexer's output, and more where brackets are nested. */
function sizeProblem(text: string): YamlProblem | undefined {
  if (text.length < lexedFrom) return undefined;
  let count = 0;
  let offset = 0;
  let depth = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === "[" || lexeme === "{") depth++;
    else if (lexeme === "]" || lexeme === "}") depth--;
    if (depth > maxDepth) return tooDeep(offset);
    if (++count > maxLexemes) {
      return {
        severity: "error",
        code: "file-too-large",
        message: "project.yml has too many values to be read",
        hint: "Put data into files under `files/`; a project has at most some 50,000 values.",
        offset,
      };
    }
    // The lexer's own marks aren't in the text.
    if (!lexerMarks.has(lexeme)) offset += lexeme.length;
  }
  return undefined;
}

const lexerMarks: ReadonlySet<string> = new Set(["\u0002", "\u0018", "\u001f"]);

function tagProblem(error: YAMLError): YamlProblem {
  return {
    severity: "warning",
    code: "yaml-tag",
    message: sentence(error.message),
    hint: "Remove the tag (`!…`); the value is read as if it weren't there.",
    offset: error.pos[0],
  };
}

function syntaxProblem(error: YAMLError, text: string): YamlProblem {
  const offset = error.pos[0];
  const make = (code: string, message: string, hint: string): YamlProblem => ({
    severity: "error",
    code,
    message,
    hint,
    offset,
  });
  const lineStart = text.lastIndexOf("\n", Math.max(offset - 1, 0)) + 1;
  const lineEnd = text.indexOf("\n", offset);
  const line = text.slice(lineStart, lineEnd < 0 ? undefined : lineEnd);
  if (error.code === "TAB_AS_INDENT" || /^ *\t/.test(line)) {
    return make(
      "yaml-tab",
      "a tab is used for indentation",
      "Indent with spaces: YAML doesn't allow tabs there.",
    );
  }
  if (/(?::|-)\s+\{\{|(?::|-)\s+\{%/.test(line)) {
    return make(
      "yaml-syntax",
      "a value that starts with `{{` is not a string in YAML",
      'Put the whole value in quotes: `args: "{{ name }}"`.',
    );
  }
  switch (error.code) {
    case "MULTIPLE_DOCS":
      return make(
        "yaml-multiple-documents",
        "the file holds several YAML documents",
        "Remove the line `---`.",
      );
    case "BAD_ALIAS":
      return make(
        "yaml-alias",
        sentence(error.message),
        "Define it before its use with `&name`, or quote the `*`.",
      );
    case "BAD_INDENT":
      return make("yaml-syntax", sentence(error.message), "Give keys of the same map the same indentation.");
    case "MISSING_CHAR":
      return make(
        "yaml-syntax",
        sentence(error.message),
        "Close what was opened: a quote, a `]`, a `}`, or add the `:`.",
      );
    case "MULTILINE_IMPLICIT_KEY":
    case "BLOCK_AS_IMPLICIT_KEY":
      return make(
        "yaml-syntax",
        sentence(error.message),
        "Quote a value that has `: ` in it, and check the indentation of the lines around.",
      );
    case "BAD_DQ_ESCAPE":
      return make(
        "yaml-syntax",
        sentence(error.message),
        "Use single quotes, or write `\\\\` for a backslash.",
      );
    case "BAD_SCALAR_START":
      return make("yaml-syntax", sentence(error.message), "Put the value in quotes.");
    default:
      return make(
        "yaml-syntax",
        sentence(error.message),
        "Check quotes, brackets and indentation around this place.",
      );
  }
}

function sentence(message: string): string {
  const first = message.split("\n")[0] ?? message;
  return first.charAt(0).toLowerCase() + first.slice(1);
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
