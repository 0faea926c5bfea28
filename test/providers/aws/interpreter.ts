/** Runs a state machine by the rules of Amazon States Language, as far as the rendered ones use it. Independent of the renderer. */

/** What a task gives, or the error that it fails with. */
export type Outcome = { readonly output: unknown } | { readonly error: string; readonly cause: string };

export interface Execution {
  readonly status: "SUCCEEDED" | "FAILED";
  readonly error?: string;
  readonly cause?: string;
}

type Json = Readonly<Record<string, unknown>>;

class Failure extends Error {
  override readonly cause: string;
  constructor(error: string, cause: string) {
    super(error);
    this.cause = cause;
  }
}

/** `call` is asked for each attempt of each task: the state's name, its resource and its parameters as they are then. */
export function execute(
  machine: unknown,
  input: unknown,
  call: (state: string, resource: string, parameters: Json) => Outcome,
  executionName = "execution",
): Execution {
  const context = {
    Execution: { StartTime: "2026-11-21T06:00:00Z", Id: "arn:execution", Name: executionName },
  };
  try {
    run(asJson(machine), input);
    return { status: "SUCCEEDED" };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { status: "FAILED", error: error.message, cause: error.cause };
  }

  function run(machine: Json, input: unknown): unknown {
    const states = asJson(machine.States);
    let name = String(machine.StartAt);
    let data = input;
    for (let steps = 0; steps < 1000; steps++) {
      const state = asJson(states[name]);
      const [next, output] = step(name, state, data);
      data = output;
      if (next === undefined) return data;
      name = next;
    }
    throw new Error("the machine doesn't end");
  }

  function step(name: string, state: Json, data: unknown): [string | undefined, unknown] {
    switch (state.Type) {
      case "Pass":
        return [follow(state), state.Result ?? (state.Parameters ? fill(state.Parameters, data) : data)];
      case "Choice": {
        const rule = (state.Choices as Json[]).find((candidate) => test(candidate, data));
        return [String(rule ? rule.Next : state.Default), data];
      }
      case "Succeed":
        return [undefined, data];
      case "Fail":
        throw new Failure(
          String(state.Error),
          String(state.Cause ?? intrinsic(String(state.CausePath), data)),
        );
      case "Parallel": {
        // A branch works on its own copy; none of ours fails.
        const results = (state.Branches as Json[]).map((branch) => run(branch, structuredClone(data)));
        return [follow(state), put(data, state.ResultPath, results)];
      }
      case "Task":
        return task(name, state, data);
      default:
        throw new Error(`${name} is a ${state.Type}`);
    }
  }

  function task(name: string, state: Json, data: unknown): [string | undefined, unknown] {
    const tries = new Map<Json, number>();
    for (;;) {
      const outcome = call(name, String(state.Resource), asJson(fill(state.Parameters, data)));
      if ("output" in outcome) return [follow(state), put(data, state.ResultPath, outcome.output)];
      const fits = ({ ErrorEquals }: Json) =>
        (ErrorEquals as string[]).some((one) => matches(one, outcome.error));
      const retrier = ((state.Retry ?? []) as Json[]).find(fits);
      const made = retrier ? (tries.get(retrier) ?? 0) : 0;
      if (retrier && made < Number(retrier.MaxAttempts)) {
        tries.set(retrier, made + 1);
        continue;
      }
      const catcher = ((state.Catch ?? []) as Json[]).find(fits);
      if (!catcher) throw new Failure(outcome.error, outcome.cause);
      const error = { Error: outcome.error, Cause: outcome.cause };
      return [String(catcher.Next), put(data, catcher.ResultPath, error)];
    }
  }

  function fill(template: unknown, data: unknown): unknown {
    if (Array.isArray(template)) return template.map((item) => fill(item, data));
    if (typeof template !== "object" || template === null) return template;
    return Object.fromEntries(
      Object.entries(template).map(([key, value]) =>
        key.endsWith(".$") ? [key.slice(0, -2), at(String(value), data)] : [key, fill(value, data)],
      ),
    );
  }

  function at(path: string, data: unknown): unknown {
    const [root, rest] = path.startsWith("$$") ? [context, path.slice(2)] : [data, path.slice(1)];
    const found = walk(root, rest);
    if (found === undefined) throw new Failure("States.ParameterPathFailure", path);
    return found;
  }

  function test(rule: Json, data: unknown): boolean {
    if (rule.And) return (rule.And as Json[]).every((one) => test(one, data));
    if (rule.Or) return (rule.Or as Json[]).some((one) => test(one, data));
    const value = walk(data, String(rule.Variable).slice(1));
    if (rule.IsPresent !== undefined) return (value !== undefined) === rule.IsPresent;
    if (value === undefined) throw new Failure("States.Runtime", `${rule.Variable} is not there`);
    if (rule.StringEquals !== undefined) return value === rule.StringEquals;
    const parts = String(rule.StringMatches)
      .split("*")
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
    return new RegExp(`^${parts.join(".*")}$`, "s").test(String(value));
  }
}

function matches(name: string, error: string): boolean {
  return (
    name === error || name === "States.ALL" || (name === "States.TaskFailed" && error !== "States.Timeout")
  );
}

function follow(state: Json): string | undefined {
  return state.End === true ? undefined : String(state.Next);
}

function walk(root: unknown, path: string): unknown {
  if (path.includes("[*]")) {
    // All that match, as one list.
    const [start = "", ...rests] = path.split("[*]");
    return rests.reduce<unknown[]>(
      (lists, rest) => lists.flatMap((list) => (list as unknown[]).map((item) => walk(item, rest))),
      [walk(root, start)],
    );
  }
  let value = root;
  for (const [, name, index] of path.matchAll(/\.([A-Za-z0-9_]+)|\[(\d+)\]/g)) {
    value = (value as Record<string, unknown> | undefined)?.[name ?? index ?? ""];
  }
  return value;
}

function put(data: unknown, path: unknown, result: unknown): unknown {
  if (path === null) return data;
  if (path === undefined) return result;
  if (typeof data !== "object" || data === null || Array.isArray(data)) {
    throw new Failure("States.ResultPathMatchFailure", String(path));
  }
  const copy = structuredClone(data) as Record<string, unknown>;
  const names = String(path).split(".").slice(1);
  let place = copy;
  names.forEach((name, index) => {
    if (index === names.length - 1) place[name] = result;
    else {
      place[name] ??= {};
      place = place[name] as Record<string, unknown>;
    }
  });
  return copy;
}

function intrinsic(text: string, data: unknown): string {
  const match = /^States\.JsonToString\((.*)\)$/.exec(text);
  return match ? JSON.stringify(walk(data, (match[1] ?? "").slice(1))) : String(walk(data, text.slice(1)));
}

function asJson(value: unknown): Json {
  if (typeof value !== "object" || value === null) throw new Error(`${JSON.stringify(value)} is no object`);
  return value as Json;
}
