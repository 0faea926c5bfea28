/**
 * Runs a Logic App's definition as the documentation has it: an action runs when those before it ended in one of the ways that
 * it names, else it is skipped. Requests to jobs are answered by the test's own outcomes.
 */
import { type RenderedValue, referencesIn } from "../../../providers/rendering.js";

export type ActionStatus = "Succeeded" | "Failed" | "Skipped";

/** How each start of a job goes; the last one is repeated. `refused`: Azure doesn't start it. */
export type Outcome = "Succeeded" | "Failed" | "Stopped" | "refused";

interface Action {
  readonly type: string;
  readonly inputs?: unknown;
  readonly expression?: string;
  readonly limit?: { readonly count: number };
  readonly actions?: Actions;
  readonly else?: { readonly actions: Actions };
  readonly runAfter: Readonly<Record<string, readonly string[]>>;
}
type Actions = Readonly<Record<string, Action>>;

export interface SimulatedRun {
  readonly status: "Succeeded" | "Failed";
  /** `start JOB`, `end JOB STATUS`, `wait SECONDS`, and requests to queues as `METHOD QUEUE`; in order. */
  readonly events: readonly string[];
  readonly actions: ReadonlyMap<string, ActionStatus>;
}

export function simulate(definition: unknown, outcomes: (job: string) => readonly Outcome[]): SimulatedRun {
  return new Simulation(outcomes).run((definition as { actions: Actions }).actions);
}

class Simulation {
  readonly #outcomes: (job: string) => readonly Outcome[];
  readonly #events: string[] = [];
  readonly #statuses = new Map<string, ActionStatus>();
  readonly #variables = new Map<string, string>();
  /** What a GET of a job's execution answers, and how often it was asked. */
  readonly #executions = new Map<string, { status: string; looks: number }>();
  readonly #starts = new Map<string, number>();
  readonly #rounds = new Map<string, number>();
  /** Body of the latest request of an action. */
  readonly #bodies = new Map<string, string>();
  #terminated = false;

  constructor(outcomes: (job: string) => readonly Outcome[]) {
    this.#outcomes = outcomes;
  }

  run(actions: Actions): SimulatedRun {
    const failed = this.#scope(actions) === "Failed" || this.#terminated;
    return { status: failed ? "Failed" : "Succeeded", events: this.#events, actions: this.#statuses };
  }

  /** Failed when an action failed that nothing afterwards takes care of. */
  #scope(actions: Actions): ActionStatus {
    const names = Object.keys(actions);
    const open = new Set(names);
    while (open.size > 0) {
      const ready = [...open].find((name) =>
        Object.keys(actions[name]?.runAfter ?? {}).every((before) => {
          if (!(before in actions)) throw new Error(`${name} waits for ${before}, which is not beside it`);
          return !open.has(before);
        }),
      );
      const action = ready === undefined ? undefined : actions[ready];
      if (ready === undefined || !action) throw new Error(`a cycle among ${[...open].join(", ")}`);
      open.delete(ready);
      const runs = Object.entries(action.runAfter).every(([before, ways]) =>
        ways.includes(this.#statuses.get(before) ?? "Skipped"),
      );
      this.#statuses.set(ready, runs ? this.#execute(ready, action) : "Skipped");
    }
    const handled = new Set(
      names.flatMap((name) =>
        Object.entries(actions[name]?.runAfter ?? {})
          .filter(([, ways]) => ways.includes("Failed"))
          .map(([before]) => before)
          .filter(() => this.#statuses.get(name) !== "Skipped"),
      ),
    );
    return names.some((name) => this.#statuses.get(name) === "Failed" && !handled.has(name))
      ? "Failed"
      : "Succeeded";
  }

  #execute(name: string, action: Action): ActionStatus {
    switch (action.type) {
      case "Compose":
        return "Succeeded";
      case "InitializeVariable": {
        const { variables } = action.inputs as { variables: { name: string; value: string }[] };
        for (const { name: variable, value } of variables) this.#variables.set(variable, value);
        return "Succeeded";
      }
      case "SetVariable": {
        const { name: variable, value } = action.inputs as { name: string; value: string };
        const look = /^@coalesce\(body\('(\w+)'\)\?\['properties'\]\?\['status'\], ''\)$/.exec(value)?.[1];
        if (look === undefined) throw new Error(`not understood: ${value}`);
        this.#variables.set(variable, this.#bodies.get(look) ?? "");
        return "Succeeded";
      }
      case "Wait":
        this.#wait((action.inputs as { interval: { count: number | string } }).interval.count);
        return "Succeeded";
      case "Http":
        return this.#request(name, action.inputs as { method: string; uri: RenderedValue });
      case "Until":
        return this.#until(name, action);
      case "ParseJson":
        return this.#parse(action.inputs as { content: { status: string }; schema: unknown });
      case "If":
        return this.#scope(
          (this.#holds(action.expression ?? "") ? action.actions : action.else?.actions) ?? {},
        );
      case "Terminate":
        this.#terminated = true;
        return "Succeeded";
      default:
        throw new Error(`${name}: no action of type ${action.type} is known`);
    }
  }

  #until(name: string, { expression = "", limit, actions = {} }: Action): ActionStatus {
    let status: ActionStatus = "Succeeded";
    for (let round = 0; round < (limit?.count ?? 60); round++) {
      this.#rounds.set(name, round);
      status = this.#scope(actions);
      if (this.#holds(expression)) return status;
    }
    return status;
  }

  #wait(count: number | string): void {
    if (typeof count === "number") return;
    const found = /^@createArray\(([\d, ]+)\)\[iterationIndexes\('(\w+)'\)\]$/.exec(count);
    if (!found) throw new Error(`not understood: ${count}`);
    const seconds = found[1]?.split(", ")[this.#rounds.get(found[2] ?? "") ?? 0];
    if (seconds === undefined) throw new Error("waits more often than it has times");
    this.#events.push(`wait ${seconds}`);
  }

  #request(name: string, { method, uri }: { method: string; uri: RenderedValue }): ActionStatus {
    const [target] = referencesIn(uri);
    const job = /-job-(.+)$/.exec(target?.$ref[0] ?? "")?.[1];
    if (job === undefined) {
      const queue = referencesIn(uri)
        .at(-1)
        ?.$ref[0].replace(/^[^-]+(-[^-]+)?-(queue|deadletters)-/, "$2 ");
      this.#events.push(`${method} ${queue}`);
      return "Succeeded";
    }
    if (method === "POST") return this.#start(job);
    const execution = this.#executions.get(job);
    if (!execution) throw new Error(`${job} is looked at before it was started`);
    execution.looks++;
    const status = execution.looks < 3 ? "Running" : execution.status;
    if (status !== "Running") this.#events.push(`end ${job} ${status}`);
    this.#bodies.set(name, status);
    return "Succeeded";
  }

  #start(job: string): ActionStatus {
    const starts = this.#starts.get(job) ?? 0;
    this.#starts.set(job, starts + 1);
    const all = this.#outcomes(job);
    const outcome = all[Math.min(starts, all.length - 1)] ?? "Succeeded";
    this.#events.push(`start ${job}`);
    if (outcome === "refused") return "Failed";
    this.#executions.set(job, { status: outcome, looks: 0 });
    return "Succeeded";
  }

  #parse({ content, schema }: { content: { status: string }; schema: unknown }): ActionStatus {
    const allowed = (schema as { properties: { status: { enum: string[] } } }).properties.status.enum;
    return allowed.includes(this.#value(content.status)) ? "Succeeded" : "Failed";
  }

  #value(expression: string): string {
    const variable = /^@?variables\('(\w+)'\)$/.exec(expression)?.[1];
    if (variable === undefined) throw new Error(`not understood: ${expression}`);
    return this.#variables.get(variable) ?? "";
  }

  #holds(expression: string): boolean {
    const among = /^@contains\(createArray\(([^)]*)\), (variables\('\w+'\))\)$/.exec(expression);
    if (among) return among[1]?.split(", ").includes(`'${this.#value(among[2] ?? "")}'`) ?? false;
    const equal = /^@equals\((variables\('\w+'\)), '(\w+)'\)$/.exec(expression);
    if (equal) return this.#value(equal[1] ?? "") === equal[2];
    const checks = [...expression.matchAll(/equals\(actions\('(\w+)'\)\?\['status'\], 'Succeeded'\)/g)];
    const rest = expression.replace(/equals\(actions\('(\w+)'\)\?\['status'\], 'Succeeded'\)/g, "true");
    if (!/^@and\(true(, true)*\)$/.test(rest)) throw new Error(`not understood: ${expression}`);
    return checks.every(([, action = ""]) => this.#statuses.get(action) === "Succeeded");
  }
}
