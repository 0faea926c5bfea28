import { defaultFilters, filters, tests } from "./filters.js";
import type { Arguments, Expression, Statement } from "./syntax.js";

export interface NameUse {
  readonly name: string;
  readonly offset: number;
}

export interface Uses {
  /** Names that the scope must have: not set or looped over in the template, nor guarded by `default` or `is defined`. */
  readonly required: readonly NameUse[];
  /** Every name that the template takes from its scope, guarded or not. */
  readonly names: ReadonlySet<string>;
  readonly unknownFilters: readonly NameUse[];
  readonly unknownTests: readonly NameUse[];
}

/** What a template uses, found without rendering it. */
export function findUses(body: readonly Statement[]): Uses {
  const required: NameUse[] = [];
  const names = new Set<string>();
  const unknownFilters: NameUse[] = [];
  const unknownTests: NameUse[] = [];
  const guarded = new Set<string>();

  function args({ positional, named }: Arguments, local: ReadonlySet<string>): void {
    for (const arg of [...positional, ...named.values()]) expression(arg, local, false);
  }

  function expression(e: Expression, local: ReadonlySet<string>, isGuarded: boolean): void {
    switch (e.kind) {
      case "literal":
        return;
      case "name":
        if (local.has(e.name)) return;
        names.add(e.name);
        if (!isGuarded) required.push({ name: e.name, offset: e.offset });
        return;
      case "list":
        for (const item of e.items) expression(item, local, false);
        return;
      case "dict":
        for (const [key, value] of e.entries) {
          expression(key, local, false);
          expression(value, local, false);
        }
        return;
      case "member":
        expression(e.object, local, isGuarded);
        expression(e.key, local, false);
        return;
      case "call":
        if (e.callee.kind !== "name" || e.callee.name !== "range") expression(e.callee, local, isGuarded);
        args(e.args, local);
        return;
      case "filter": {
        const isDefault = defaultFilters.has(e.name);
        if (!isDefault && !filters.has(e.name)) unknownFilters.push({ name: e.name, offset: e.offset });
        expression(e.operand, local, isGuarded || isDefault);
        args(e.args, local);
        return;
      }
      case "test": {
        const asks = e.name === "defined" || e.name === "undefined";
        if (!asks && !tests.has(e.name)) unknownTests.push({ name: e.name, offset: e.offset });
        if (asks && e.operand.kind === "name") guarded.add(e.operand.name);
        expression(e.operand, local, isGuarded || asks);
        args(e.args, local);
        return;
      }
      case "not":
      case "negative":
        expression(e.operand, local, isGuarded);
        return;
      case "binary":
        expression(e.left, local, false);
        expression(e.right, local, isGuarded);
        return;
      case "condition":
        expression(e.test, local, false);
        expression(e.then, local, isGuarded);
        if (e.otherwise) expression(e.otherwise, local, isGuarded);
    }
  }

  function statements(list: readonly Statement[], outer: ReadonlySet<string>): Set<string> {
    const local = new Set(outer);
    for (const s of list) {
      if (s.kind === "output") expression(s.value, local, false);
      else if (s.kind === "if") {
        const branches = s.branches.map(({ test, body }) => {
          expression(test, local, false);
          return statements(body, local);
        });
        branches.push(statements(s.otherwise, local));
        // Set in one branch: it may be there. Better no warning than a wrong one.
        for (const branch of branches) for (const name of branch) local.add(name);
      } else if (s.kind === "for") {
        expression(s.iterable, local, false);
        const inner = new Set([...local, ...s.names]);
        if (s.filter) expression(s.filter, inner, false);
        statements(s.body, new Set([...inner, "loop"]));
        statements(s.otherwise, local);
      } else if (s.kind === "set") {
        if ("kind" in s.value) expression(s.value, local, false);
        else statements(s.value, local);
        local.add(s.name);
      }
    }
    return local;
  }

  statements(body, new Set());
  return { required: required.filter(({ name }) => !guarded.has(name)), names, unknownFilters, unknownTests };
}
