// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references as they are printed, and Workflows' expressions
/**
 * Runs a workflow's source as Workflows does, as far as ours use it: written from the documentation of its syntax and of its
 * standard library, not from providers/gcp. Anything that it doesn't know is an error of the source.
 */

// biome-ignore lint/suspicious/noExplicitAny: values of a language without types
type Value = any;

/** What `raise` raises, or a call that failed. */
export class WorkflowError extends Error {
  readonly value: Value;
  constructor(value: Value) {
    super(typeof value === "string" ? value : JSON.stringify(value));
    this.value = value;
  }
}

export interface World {
  /** Calls of connectors and of `http`. Raise `WorkflowError` as the service would. */
  call(name: string, args: Value): Promise<Value>;
  /** Seconds that a retry waits. */
  slept(seconds: number): void;
  readonly env: Readonly<Record<string, string>>;
  /** Seconds since 1970. */
  readonly now: number;
}

class Returned {
  readonly value: Value;
  constructor(value: Value) {
    this.value = value;
  }
}

/** The result of an execution with an argument. @throws WorkflowError when it ends as FAILED */
export async function execute(source: Value, argument: Value, world: World): Promise<Value> {
  return await new Execution(source, world).call("main", source.main.params.length === 0 ? [] : [argument]);
}

class Execution {
  readonly #source: Value;
  readonly #world: World;

  constructor(source: Value, world: World) {
    this.#source = source;
    this.#world = world;
  }

  async call(name: string, values: readonly Value[]): Promise<Value> {
    const { params = [], steps } = this.#source[name];
    const scope = new Map<string, Value>(
      params.map((param: string, index: number) => [param, values[index] ?? null]),
    );
    const result = await this.#steps(steps, scope);
    return result instanceof Returned ? result.value : null;
  }

  async #steps(steps: Value[], scope: Map<string, Value>): Promise<Returned | undefined> {
    for (const step of steps) {
      const [body] = Object.values(step);
      const result = await this.#step(body, scope);
      if (result) return result;
    }
    return undefined;
  }

  async #step(body: Value, scope: Map<string, Value>): Promise<Returned | undefined> {
    if (body.try) return await this.#tried(body, scope);
    if (body.parallel) return await this.#parallel(body.parallel.branches, scope);
    if (body.assign) {
      for (const assignment of body.assign) {
        const [[name, value] = ["", null]] = Object.entries(assignment);
        scope.set(name, this.#value(value, scope));
      }
      return undefined;
    }
    if (body.switch) {
      const chosen = body.switch.find(({ condition }: Value) => this.#value(condition, scope) === true);
      return chosen ? await this.#step(chosen, scope) : undefined;
    }
    if ("raise" in body) throw new WorkflowError(this.#value(body.raise, scope));
    if ("return" in body) return new Returned(this.#value(body.return, scope));
    if (body.call) {
      const args = this.#value(body.args ?? {}, scope);
      const own = this.#source[body.call];
      const result = own
        ? await this.call(
            body.call,
            (own.params ?? []).map((param: string) => args[param]),
          )
        : await this.#world.call(body.call, args);
      if (body.result) scope.set(body.result, result);
      return undefined;
    }
    throw new Error(`a step that does nothing: ${JSON.stringify(body)}`);
  }

  async #tried(body: Value, scope: Map<string, Value>): Promise<Returned | undefined> {
    const attempt = async () =>
      body.try.steps ? await this.#steps(body.try.steps, scope) : await this.#step(body.try, scope);
    let left = typeof body.retry === "object" ? body.retry.max_retries : 0;
    let delay = body.retry?.backoff?.initial_delay ?? 0;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof WorkflowError)) throw error;
        if (left > 0 && (await this.#retries(body.retry.predicate, error.value))) {
          left--;
          this.#world.slept(delay);
          delay = Math.min(delay * body.retry.backoff.multiplier, body.retry.backoff.max_delay);
          continue;
        }
        if (!body.except) throw error;
        const inner = new Map(scope).set(body.except.as, error.value);
        return await this.#steps(body.except.steps, inner);
      }
    }
  }

  async #retries(predicate: string, error: Value): Promise<boolean> {
    const name = /^\$\{(\w+)\}$/.exec(predicate)?.[1] ?? "";
    return (await this.call(name, [error])) === true;
  }

  /** All branches end; then the first error is raised, wrapped. Variables of the branches stay in them. */
  async #parallel(branches: Value[], scope: Map<string, Value>): Promise<undefined> {
    const ends = await Promise.allSettled(
      branches.map((branch) => this.#steps((Object.values(branch)[0] as Value).steps, new Map(scope))),
    );
    const failed = ends.filter((end) => end.status === "rejected").map((end) => end.reason);
    const broken = failed.find((reason) => !(reason instanceof WorkflowError));
    if (broken) throw broken;
    if (failed.length > 0) {
      const branchErrors = failed.map(({ value }) => ({ error: value }));
      throw new WorkflowError({ tags: ["UnhandledBranchError"], branches: branchErrors });
    }
    return undefined;
  }

  /** Texts that are one expression are evaluated; there are no texts with expressions among others. */
  #value(value: Value, scope: Map<string, Value>): Value {
    if (typeof value === "string") {
      const expression = /^\$\{([\s\S]*)\}$/.exec(value)?.[1];
      if (expression !== undefined) return this.#evaluate(expression, scope);
      if (value.includes("${")) throw new Error(`an expression within a text: ${value}`);
      return value;
    }
    if (Array.isArray(value)) return value.map((item) => this.#value(item, scope));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#value(item, scope)]));
  }

  /** The expressions' language is JavaScript's as far as ours go, but for `in`, and `default`, which is no name there. */
  #evaluate(expression: string, scope: Map<string, Value>): Value {
    if (expression.length > 400) throw new Error(`an expression of more than 400 characters: ${expression}`);
    const library: Readonly<Record<string, Value>> = {
      default_: (value: Value, otherwise: Value) => value ?? otherwise,
      map: {
        get: (from: Value, keys: string | string[]) =>
          (Array.isArray(keys) ? keys : [keys]).reduce((found, key) => found?.[key] ?? null, from),
        merge: (first: Value, second: Value) => ({ ...first, ...second }),
      },
      list: { concat: (list: readonly Value[], value: Value) => [...list, value] },
      time: { format: (seconds: number) => new Date(seconds * 1000).toISOString() },
      text: {
        decode(bytes: Value) {
          if (!Buffer.isBuffer(bytes)) throw new WorkflowError({ tags: ["TypeError"], message: "no bytes" });
          return bytes.toString("utf8");
        },
        replace_all: (source: string, part: string, by: string) => source.replaceAll(part, by),
      },
      base64: { decode: (text: string) => Buffer.from(text, "base64") },
      json: { decode: (value: Value) => JSON.parse(value.toString("utf8")) },
      sys: { get_env: (name: string) => this.#world.env[name], now: () => this.#world.now },
      has: (key: string, list: readonly Value[]) => list.includes(key),
    };
    const script = expression
      .replace(/\bdefault\(/g, "default_(")
      .replace(/^("[^"]*") in (.*)$/s, "has($1, $2)");
    const names = [...Object.keys(library), ...[...scope.keys()].filter((name) => !(name in library))];
    const values = names.map((name) => (name in library ? library[name] : scope.get(name)));
    try {
      return new Function(...names, `"use strict"; return (${script});`)(...values);
    } catch (error) {
      if (error instanceof WorkflowError) throw error;
      // A key that isn't there.
      if (error instanceof TypeError) throw new WorkflowError({ tags: ["KeyError"], message: error.message });
      throw new Error(`${expression}: ${String(error)}`);
    }
  }
}
