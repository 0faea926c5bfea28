import {
  type CallArguments,
  callMethod,
  compare,
  contains,
  defaultFilters,
  equal,
  filters,
  items,
  tests,
} from "./filters.js";
import type { Arguments, Expression, Statement } from "./syntax.js";
import {
  checkLength,
  Instant,
  isList,
  isMap,
  kindOf,
  print,
  TemplateFailure,
  type TemplateValue,
  truthy,
  Undefined,
  type Value,
  weigh,
} from "./values.js";

/** Evaluated nodes in one rendering; a loop can't run longer. */
const maxSteps = 1_000_000;
/** Items of `range`. */
const maxRange = 100_000;

/** Called with each name that is used and not defined, once per use. */
export type OnUndefined = (name: Undefined) => void;

/** One rendering: it looks names up, counts its steps, and gives up at a limit. */
export class Evaluator {
  readonly #scope: Readonly<Record<string, TemplateValue>>;
  readonly #onUndefined: OnUndefined;
  readonly #locals: Map<string, Value>[] = [new Map()];
  #steps = 0;
  #written = 0;

  constructor(scope: Readonly<Record<string, TemplateValue>>, onUndefined: OnUndefined) {
    this.#scope = scope;
    this.#onUndefined = onUndefined;
  }

  render(body: readonly Statement[]): string {
    let text = "";
    for (const statement of body) {
      const part = this.#statement(statement);
      text += part;
      checkLength(text.length);
    }
    return text;
  }

  #statement(statement: Statement): string {
    this.#step();
    switch (statement.kind) {
      case "text":
        return this.#write(statement.text);
      case "output":
        return this.#write(print(this.#defined(statement.value)));
      case "if": {
        const branch = statement.branches.find(({ test }) => truthy(this.#defined(test)));
        return this.render(branch?.body ?? statement.otherwise);
      }
      case "set": {
        const { value } = statement;
        const set = Array.isArray(value) ? this.render(value) : this.#evaluate(value as Expression);
        this.#locals.at(-1)?.set(statement.name, set);
        return "";
      }
      case "for":
        return this.#loop(statement);
    }
  }

  #write(text: string): string {
    this.#written += text.length;
    checkLength(this.#written);
    return text;
  }

  #loop(statement: Statement & { kind: "for" }): string {
    const iterable = this.#defined(statement.iterable);
    const all = iterable instanceof Undefined ? [] : located(statement.offset, () => items(iterable));
    const frame = new Map<string, Value>();
    this.#locals.push(frame);
    const bind = (item: TemplateValue): void => {
      if (statement.names.length === 1) {
        frame.set(statement.names[0] ?? "", item);
        return;
      }
      if (!isList(item) || item.length !== statement.names.length) {
        throw new TemplateFailure(
          `${kindOf(item)} can't be unpacked to ${statement.names.length} names`,
          statement.offset,
        );
      }
      statement.names.forEach((name, i) => {
        frame.set(name, item[i] ?? null);
      });
    };
    try {
      const { filter } = statement;
      const chosen =
        filter === null
          ? all
          : all.filter((item) => {
              this.#step();
              bind(item);
              return truthy(this.#defined(filter));
            });
      let text = "";
      chosen.forEach((item, i) => {
        this.#step();
        frame.clear();
        bind(item);
        frame.set("loop", {
          index: i + 1,
          index0: i,
          first: i === 0,
          last: i === chosen.length - 1,
          length: chosen.length,
          revindex: chosen.length - i,
        });
        text += this.render(statement.body);
      });
      frame.clear();
      return chosen.length > 0 ? text : this.render(statement.otherwise);
    } finally {
      this.#locals.pop();
    }
  }

  #step(): void {
    if (++this.#steps > maxSteps) {
      throw new TemplateFailure(
        `the template does more than ${maxSteps.toLocaleString("en")} steps`,
        undefined,
        "loop less",
      );
    }
  }

  /** The value of an expression whose being undefined is the author's mistake. */
  #defined(expression: Expression): Value {
    const value = this.#evaluate(expression);
    if (value instanceof Undefined) this.#onUndefined(value);
    return value;
  }

  /** As an argument or operand: undefined is reported, and counts as empty text. */
  #operand(expression: Expression): TemplateValue {
    const value = this.#defined(expression);
    return value instanceof Undefined ? "" : value;
  }

  #evaluate(expression: Expression): Value {
    this.#step();
    switch (expression.kind) {
      case "literal":
        return expression.value;
      case "name":
        return this.#name(expression.name, expression.offset);
      case "list":
        return bounded(expression.items.map((item) => this.#operand(item)));
      case "dict":
        return bounded(
          Object.fromEntries(
            expression.entries.map(([key, value]) => [print(this.#operand(key)), this.#operand(value)]),
          ),
        );
      case "member":
        return this.#member(expression);
      case "call":
        return bounded(located(expression.offset, () => this.#call(expression)));
      case "filter":
        return bounded(located(expression.offset, () => this.#filter(expression)));
      case "test":
        return located(expression.offset, () => this.#test(expression));
      case "not":
        return !truthy(this.#defined(expression.operand));
      case "negative": {
        const value = this.#operand(expression.operand);
        if (typeof value !== "number")
          throw new TemplateFailure(`${kindOf(value)} can't be negative`, expression.offset);
        return -value;
      }
      case "binary":
        return bounded(located(expression.offset, () => this.#binary(expression)));
      case "condition":
        if (truthy(this.#defined(expression.test))) return this.#evaluate(expression.then);
        return expression.otherwise ? this.#evaluate(expression.otherwise) : "";
    }
  }

  #name(name: string, offset: number): Value {
    for (let i = this.#locals.length - 1; i >= 0; i--) {
      const local = this.#locals[i]?.get(name);
      if (local !== undefined) return local instanceof Undefined ? new Undefined(local.label, offset) : local;
    }
    const value = Object.hasOwn(this.#scope, name) ? this.#scope[name] : undefined;
    return value === undefined ? new Undefined(name, offset) : value;
  }

  #member(expression: Expression & { kind: "member" }): Value {
    const object = this.#evaluate(expression.object);
    const key = this.#operand(expression.key);
    // Reported as the name that the author wrote, once.
    if (object instanceof Undefined) return object;
    if (isList(object) || typeof object === "string") {
      const index = typeof key === "number" ? key : Number.NaN;
      const item = object.at(index);
      if (Number.isInteger(index) && item !== undefined) return item;
    } else if (isMap(object)) {
      const name = print(key);
      const item = Object.hasOwn(object, name) ? object[name] : undefined;
      if (item !== undefined) return item;
    }
    return new Undefined(`${label(expression.object)}.${print(key)}`, expression.offset);
  }

  #arguments(args: Arguments): CallArguments {
    return {
      positional: args.positional.map((arg) => this.#operand(arg)),
      named: new Map([...args.named].map(([name, arg]) => [name, this.#operand(arg)])),
    };
  }

  #call(expression: Expression & { kind: "call" }): Value {
    const { callee } = expression;
    if (callee.kind === "name" && callee.name === "range")
      return this.#range(this.#arguments(expression.args));
    if (callee.kind === "member" && callee.key.kind === "literal" && typeof callee.key.value === "string") {
      const object = this.#defined(callee.object);
      if (object instanceof Undefined) return "";
      const result = callMethod(object, callee.key.value, this.#arguments(expression.args));
      if (result !== undefined) return result;
    }
    throw new TemplateFailure(
      `\`${label(callee)}\` can't be called`,
      undefined,
      "the only function is `range`; use filters: `{{ name | upper }}`",
    );
  }

  #range({ positional }: CallArguments): TemplateValue {
    const [a = 0, b, c = 1] = positional;
    const [start, stop, step] = b === undefined ? [0, a, 1] : [a, b, c];
    if (![start, stop, step].every(Number.isInteger) || step === 0) {
      throw new TemplateFailure("`range` takes one to three whole numbers, and no step of 0");
    }
    const length = Math.max(0, Math.ceil((Number(stop) - Number(start)) / Number(step)));
    if (length > maxRange)
      throw new TemplateFailure(`\`range\` of ${length} is too long: at most ${maxRange}`);
    return Array.from({ length }, (_, i) => Number(start) + i * Number(step));
  }

  #filter(expression: Expression & { kind: "filter" }): Value {
    if (defaultFilters.has(expression.name)) {
      const value = this.#evaluate(expression.operand);
      const { positional, named } = this.#arguments(expression.args);
      const alsoFalse = positional[1] ?? named.get("boolean") ?? false;
      const fallback = positional[0] ?? named.get("default_value") ?? "";
      return value instanceof Undefined || (truthy(alsoFalse) && !truthy(value)) ? fallback : value;
    }
    const filter = filters.get(expression.name);
    // Only when a caller renders what `checkTemplate` refused.
    if (!filter) throw new TemplateFailure(`unknown filter \`${expression.name}\``);
    const value = this.#defined(expression.operand);
    const args = this.#arguments(expression.args);
    return value instanceof Undefined ? "" : filter(value, args);
  }

  #test(expression: Expression & { kind: "test" }): boolean {
    const value = this.#evaluate(expression.operand);
    if (expression.name === "defined") return !(value instanceof Undefined);
    if (expression.name === "undefined") return value instanceof Undefined;
    const test = tests.get(expression.name);
    if (!test) throw new TemplateFailure(`unknown test \`${expression.name}\``);
    if (value instanceof Undefined) this.#onUndefined(value);
    return test(value, this.#arguments(expression.args));
  }

  #binary({ operator, left, right }: Expression & { kind: "binary" }): Value {
    if (operator === "and") {
      const first = this.#defined(left);
      return truthy(first) ? this.#evaluate(right) : first instanceof Undefined ? false : first;
    }
    if (operator === "or") {
      const first = this.#defined(left);
      return truthy(first) ? first : this.#evaluate(right);
    }
    const a = this.#operand(left);
    const b = this.#operand(right);
    switch (operator) {
      case "==":
        return equal(a, b);
      case "!=":
        return !equal(a, b);
      case "in":
        return contains(b, a);
      case "not in":
        return !contains(b, a);
      case "<":
        return compare(a, b) < 0;
      case ">":
        return compare(a, b) > 0;
      case "<=":
        return compare(a, b) <= 0;
      case ">=":
        return compare(a, b) >= 0;
      case "~":
        return print(a) + print(b);
      case "+":
        if (typeof a === "string" && typeof b === "string") return a + b;
        break;
    }
    if (typeof a !== "number" || typeof b !== "number") {
      throw new TemplateFailure(
        `\`${operator}\` can't take ${kindOf(a)} and ${kindOf(b)}`,
        undefined,
        a instanceof Instant
          ? "move a time with `shift(days=1)`"
          : "convert text with `| int`, or join it with `~`",
      );
    }
    return arithmetic(operator, a, b);
  }
}

function arithmetic(operator: string, a: number, b: number): number {
  if (b === 0 && ["/", "//", "%"].includes(operator)) throw new TemplateFailure("division by zero");
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "//":
      return Math.floor(a / b);
    case "%":
      return a - Math.floor(a / b) * b;
    default:
      return a ** b;
  }
}

/** How the author would name an expression, for a message. */
function label(expression: Expression): string {
  if (expression.kind === "name") return expression.name;
  if (expression.kind === "member" && expression.key.kind === "literal") {
    return `${label(expression.object)}.${print(expression.key.value)}`;
  }
  return "…";
}

function bounded(value: Value): Value {
  if (!(value instanceof Undefined)) checkLength(weigh(value));
  return value;
}

function located<T>(offset: number, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof TemplateFailure) error.offset ??= offset;
    throw error;
  }
}
