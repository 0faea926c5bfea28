/** Finds out who is to be told of a run, and loads what talks to them: nothing where nobody is. */
import { closingMs, type Milestone, type ObservedRun, type Observer } from "./observer.js";

type Env = ObservedRun["env"];

function wantsSpans(env: Env): boolean {
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT;
  const off = env.OTEL_SDK_DISABLED?.toLowerCase() === "true" || env.OTEL_TRACES_EXPORTER === "none";
  return Boolean(endpoint) && !off;
}

function wantsLineage(env: Env): boolean {
  return Boolean(env.OPENLINEAGE_URL) && env.OPENLINEAGE_DISABLED?.toLowerCase() !== "true";
}

/** All of a run's observers, as one. */
export class Observers {
  readonly #observers: readonly Observer[];
  readonly #run: ObservedRun;

  private constructor(run: ObservedRun, observers: readonly Observer[]) {
    this.#run = run;
    this.#observers = observers;
  }

  /** Null when none is configured. `warn` is told of one that can't be talked to for the way that it is configured. */
  static async open(run: ObservedRun, warn: (message: string) => void): Promise<Observers | null> {
    const { env } = run;
    const opening: [what: string, Promise<Observer>][] = [];
    if (wantsSpans(env)) opening.push(["spans", import("./spans.js").then((it) => it.openSpans(run))]);
    if (wantsLineage(env))
      opening.push(["lineage events", import("./lineage.js").then((it) => it.openLineage(run))]);
    const observers: Observer[] = [];
    const settled = await Promise.allSettled(opening.map(([, observer]) => observer));
    for (const [index, result] of settled.entries()) {
      if (result.status === "fulfilled") observers.push(result.value);
      else warn(`${opening[index]?.[0]} are not sent: ${reasonOf(result.reason)}`);
    }
    return observers.length === 0 ? null : new Observers(run, observers);
  }

  milestone(line: Milestone, repeated: boolean): void {
    for (const observer of this.#observers) {
      try {
        observer.milestone(line, repeated);
      } catch {
        // A bug of ours, or of a library's: what it costs is a span.
      }
    }
  }

  environment(task: string, step: string): Readonly<Record<string, string>> {
    return Object.assign({}, ...this.#observers.map((observer) => observer.environment(task, step)));
  }

  /** Gives what went wrong, a sentence each. */
  async close(stopped: boolean): Promise<string[]> {
    const ms = stopped ? closingMs.stopped : closingMs.ended;
    const problems = await Promise.all(this.#observers.map((observer) => observer.close(ms)));
    return problems.flatMap((problem) => (problem === null ? [] : [this.#run.mask(problem)]));
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
