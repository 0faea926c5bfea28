import { ExpressionParser } from "./expression.js";
import { type Piece, scan } from "./lexer.js";
import { type Statement, TemplateSyntaxError } from "./syntax.js";

const maxNesting = 50;
/** Jinja's tags that read other files or define things; a project's templates have no use for them. */
const unsupported = new Set(
  "include import from extends block macro call filter with autoescape do trans break continue".split(" "),
);

/**
 * Parses a template.
 * @throws TemplateSyntaxError
 */
export function parse(text: string): readonly Statement[] {
  const pieces = scan(text);
  let at = 0;
  let nesting = 0;

  /** Statements up to one of the `ends`, and the parser standing behind the word that ended them. */
  function block(ends: readonly string[], opened: { word: string; offset: number } | null) {
    if (++nesting > maxNesting) {
      throw new TemplateSyntaxError("template blocks are nested too deeply", opened?.offset ?? 0);
    }
    const body: Statement[] = [];
    for (let piece = pieces[at]; piece; piece = pieces[at]) {
      at++;
      if (piece.kind === "text") {
        body.push({ kind: "text", text: piece.text });
        continue;
      }
      const tag = new ExpressionParser(piece.tokens, piece.end - 2);
      if (piece.kind === "output") {
        body.push({ kind: "output", value: tag.expression(), offset: piece.offset });
        tag.finish();
        continue;
      }
      const word = tag.word("a tag such as `if` or `for`");
      if (ends.includes(word)) {
        nesting--;
        return { body, word, tag };
      }
      body.push(statement(word, tag, piece));
    }
    if (opened) {
      throw new TemplateSyntaxError(
        `\`{% ${opened.word} %}\` is not closed`,
        opened.offset,
        `add \`{% end${opened.word} %}\``,
      );
    }
    nesting--;
    return { body, word: "", tag: new ExpressionParser([], text.length) };
  }

  function statement(word: string, tag: ExpressionParser, piece: Piece): Statement {
    const offset = piece.offset;
    if (word === "if") {
      const branches: { test: ReturnType<ExpressionParser["expression"]>; body: Statement[] }[] = [];
      let test = tag.expression();
      tag.finish();
      for (;;) {
        const { body, word: end, tag: next } = block(["elif", "else", "endif"], { word, offset });
        branches.push({ test, body });
        if (end === "elif") {
          test = next.expression();
          next.finish();
          continue;
        }
        next.finish();
        if (end === "endif") return { kind: "if", branches, otherwise: [] };
        const last = block(["endif"], { word, offset });
        last.tag.finish();
        return { kind: "if", branches, otherwise: last.body };
      }
    }
    if (word === "for") {
      const names = [tag.word("a variable")];
      while (tag.take(",")) names.push(tag.word("a variable"));
      tag.expect("in");
      const iterable = tag.disjunction();
      const filter = tag.take("if") ? tag.expression() : null;
      tag.finish();
      const { body, word: end, tag: next } = block(["else", "endfor"], { word, offset });
      next.finish();
      const last = end === "else" ? block(["endfor"], { word, offset }) : null;
      last?.tag.finish();
      return { kind: "for", names, iterable, filter, body, otherwise: last?.body ?? [], offset };
    }
    if (word === "set") {
      const name = tag.word("a variable");
      if (tag.take("=")) {
        const value = tag.expression();
        tag.finish();
        return { kind: "set", name, value };
      }
      tag.finish();
      const { body, tag: next } = block(["endset"], { word, offset });
      next.finish();
      return { kind: "set", name, value: body };
    }
    if (/^(end|else$|elif$)/.test(word))
      throw new TemplateSyntaxError(`\`{% ${word} %}\` closes nothing`, offset);
    const known = unsupported.has(word) ? "is not supported here" : "is no tag";
    throw new TemplateSyntaxError(
      `\`{% ${word} %}\` ${known}`,
      offset,
      "the tags are `if`, `for`, `set` and `raw`",
    );
  }

  return block([], null).body;
}
