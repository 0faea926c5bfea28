import type { Token } from "./lexer.js";
import { type Arguments, type Expression, TemplateSyntaxError } from "./syntax.js";

/** Far more than anybody writes; keeps the parser and the evaluator from running out of stack. */
const maxDepth = 60;
const maxNodes = 1000;
const constants = new Map<string, boolean | null>([
  ["true", true],
  ["True", true],
  ["false", false],
  ["False", false],
  ["none", null],
  ["None", null],
]);
const reserved = new Set(["and", "or", "not", "in", "is", "if", "else", "elif", "for"]);
const comparisons = new Set(["==", "!=", "<", ">", "<=", ">="]);

/** Reads the tokens of one tag. Precedences are Jinja's: or, and, not, comparison, + -, ~, * / // %, unary, **, filter. */
export class ExpressionParser {
  readonly #tokens: readonly Token[];
  readonly #end: number;
  #at = 0;
  #depth = 0;
  #nodes = 0;

  /** @param end offset behind the tag, for what is missing there */
  constructor(tokens: readonly Token[], end: number) {
    this.#tokens = tokens;
    this.#end = end;
  }

  get offset(): number {
    return this.#tokens[this.#at]?.offset ?? this.#end;
  }

  fail(message: string, hint?: string): never {
    throw new TemplateSyntaxError(message, this.offset, hint);
  }

  #found(): string {
    const token = this.#tokens[this.#at];
    return token ? `\`${token.value.slice(0, 40)}\`` : "the end of the tag";
  }

  #is(kind: Token["kind"], value: string, ahead = 0): boolean {
    const token = this.#tokens[this.#at + ahead];
    return token?.kind === kind && token.value === value;
  }

  /** Takes the operator or the word when it is next. */
  take(value: string): boolean {
    if (!this.#is("operator", value) && !this.#is("name", value)) return false;
    this.#at++;
    return true;
  }

  expect(value: string): void {
    if (!this.take(value)) this.fail(`expected \`${value}\` and found ${this.#found()}`);
  }

  /** An identifier. */
  word(what: string): string {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "name") return this.fail(`expected ${what} and found ${this.#found()}`);
    this.#at++;
    return token.value;
  }

  finish(): void {
    if (this.#at < this.#tokens.length) this.fail(`unexpected ${this.#found()} in a template`);
  }

  /** A whole expression, with `a if b else c`. */
  expression(): Expression {
    return this.#nested(() => {
      const then = this.disjunction();
      if (!this.take("if")) return then;
      const test = this.disjunction();
      return { kind: "condition", test, then, otherwise: this.take("else") ? this.expression() : null };
    });
  }

  #nested(parse: () => Expression): Expression {
    if (++this.#depth > maxDepth) this.fail("a template expression is nested too deeply");
    const parsed = parse();
    this.#depth--;
    return parsed;
  }

  #counted(node: Expression): Expression {
    if (++this.#nodes > maxNodes) this.fail("a template expression is too long");
    return node;
  }

  #leftToRight(next: () => Expression, operators: readonly string[]): Expression {
    let left = next();
    for (;;) {
      const offset = this.offset;
      const operator = operators.find((o) => this.take(o));
      if (operator === undefined) return left;
      left = this.#counted({ kind: "binary", operator, left, right: next(), offset });
    }
  }

  /** An expression without `if … else`: what a `for` goes over, as the `if` there is the loop's. */
  disjunction = (): Expression => this.#leftToRight(this.#conjunction, ["or"]);
  #conjunction = (): Expression => this.#leftToRight(this.#negation, ["and"]);

  #negation = (): Expression => {
    const offset = this.offset;
    if (!this.take("not")) return this.#comparison();
    return this.#nested(() => ({ kind: "not", operand: this.#negation(), offset }));
  };

  #comparison(): Expression {
    const first = this.#sum();
    let left = first;
    let result: Expression | null = null;
    for (;;) {
      const offset = this.offset;
      const value = this.#tokens[this.#at]?.kind === "string" ? "" : (this.#tokens[this.#at]?.value ?? "");
      let operator: string;
      if (comparisons.has(value) || value === "in") {
        this.#at++;
        operator = value;
      } else if (value === "not" && this.#is("name", "in", 1)) {
        this.#at += 2;
        operator = "not in";
      } else {
        return result ?? first;
      }
      const right = this.#sum();
      const compared = this.#counted({ kind: "binary", operator, left, right, offset });
      // `a < b < c` means both.
      result = result ? { kind: "binary", operator: "and", left: result, right: compared, offset } : compared;
      left = right;
    }
  }

  #sum = (): Expression => this.#leftToRight(this.#concatenation, ["+", "-"]);
  #concatenation = (): Expression => this.#leftToRight(this.#product, ["~"]);
  #product = (): Expression => this.#leftToRight(this.#power, ["*", "//", "/", "%"]);
  #power = (): Expression => this.#leftToRight(this.#unary, ["**"]);

  #unary = (): Expression => {
    const offset = this.offset;
    const operator = ["-", "+"].find((o) => this.take(o));
    if (operator === undefined) return this.#suffixes(this.#primary(), true);
    const operand = this.#nested(this.#unary);
    return operator === "+" ? operand : this.#suffixes({ kind: "negative", operand, offset }, true);
  };

  #primary(): Expression {
    const token = this.#tokens[this.#at];
    if (!token) return this.fail("expected an expression and found the end of the tag");
    if (token.kind === "operator") return this.#bracketed(token);
    this.#at++;
    if (token.kind === "number") return { kind: "literal", value: Number(token.value) };
    if (token.kind === "string") {
      let value = token.value;
      for (let next = this.#tokens[this.#at]; next?.kind === "string"; next = this.#tokens[this.#at]) {
        value += next.value;
        this.#at++;
      }
      return { kind: "literal", value };
    }
    const constant = constants.get(token.value);
    if (constant !== undefined) return { kind: "literal", value: constant };
    if (reserved.has(token.value)) {
      this.#at--;
      this.fail(`unexpected \`${token.value}\` in a template`);
    }
    return { kind: "name", name: token.value, offset: token.offset };
  }

  #bracketed(token: Token): Expression {
    if (this.take("(")) {
      const items: Expression[] = [];
      let isTuple = false;
      while (!this.take(")")) {
        items.push(this.#counted(this.expression()));
        if (this.take(",")) isTuple = true;
        else {
          this.expect(")");
          break;
        }
      }
      const [only] = items;
      return only && !isTuple ? only : { kind: "list", items };
    }
    if (this.take("[")) {
      const items: Expression[] = [];
      while (!this.take("]")) {
        items.push(this.#counted(this.expression()));
        if (this.take(",")) continue;
        this.expect("]");
        break;
      }
      return { kind: "list", items };
    }
    if (this.take("{")) {
      const entries: [Expression, Expression][] = [];
      while (!this.take("}")) {
        const key = this.#counted(this.expression());
        this.expect(":");
        entries.push([key, this.expression()]);
        if (this.take(",")) continue;
        this.expect("}");
        break;
      }
      return { kind: "dict", entries };
    }
    return this.fail(
      `unexpected \`${token.value}\` in a template`,
      "text that holds braces of its own stands between `{% raw %}` and `{% endraw %}`",
    );
  }

  #suffixes(start: Expression, filters: boolean): Expression {
    let node = start;
    for (;;) {
      const offset = this.offset;
      if (this.take(".")) {
        const token = this.#tokens[this.#at];
        if (token?.kind === "number" && /^\d+$/.test(token.value)) {
          this.#at++;
          node = {
            kind: "member",
            object: node,
            key: { kind: "literal", value: Number(token.value) },
            offset,
          };
        } else {
          node = {
            kind: "member",
            object: node,
            key: { kind: "literal", value: this.word("a name after `.`") },
            offset,
          };
        }
      } else if (this.take("[")) {
        node = { kind: "member", object: node, key: this.expression(), offset };
        this.expect("]");
      } else if (this.#is("operator", "(")) {
        node = { kind: "call", callee: node, args: this.#arguments(), offset };
      } else if (filters && this.take("|")) {
        node = this.#named("filter", node, "a filter's name after `|`");
      } else if (filters && this.take("is")) {
        const negate = this.take("not");
        const test = this.#named("test", node, "a test's name after `is`");
        node = negate ? { kind: "not", operand: test, offset } : test;
      } else {
        return node;
      }
      this.#counted(node);
    }
  }

  #named(kind: "filter" | "test", operand: Expression, what: string): Expression {
    const offset = this.offset;
    const name = this.word(what);
    let args: Arguments = { positional: [], named: new Map() };
    if (this.#is("operator", "(")) {
      args = this.#arguments();
    } else if (kind === "test") {
      // `x is divisibleby 3`
      const next = this.#tokens[this.#at];
      if (next && next.kind !== "operator" && !reserved.has(next.value)) {
        args = { positional: [this.#suffixes(this.#primary(), false)], named: new Map() };
      }
    }
    return { kind, operand, name, args, offset };
  }

  #arguments(): Arguments {
    this.expect("(");
    const positional: Expression[] = [];
    const named = new Map<string, Expression>();
    while (!this.take(")")) {
      if (this.#tokens[this.#at]?.kind === "name" && this.#is("operator", "=", 1)) {
        const name = this.word("a name");
        this.expect("=");
        named.set(name, this.#counted(this.expression()));
      } else if (named.size > 0) {
        this.fail("a positional argument follows a named one");
      } else {
        positional.push(this.#counted(this.expression()));
      }
      if (this.take(",")) continue;
      this.expect(")");
      break;
    }
    return { positional, named };
  }
}
