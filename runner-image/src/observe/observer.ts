/**
 * Whom a run tells of its milestones beside its log: a collector of OpenTelemetry's, a server of OpenLineage's. What talks to
 * them is loaded only where one is configured (docs/observability.md). No observer ever fails a run, or holds it up for longer
 * than `closingMs` at its end.
 */
import type { LogLine, RunRequest } from "../../../model/run.js";

/** A milestone as the log shows it: masked, with `event` set. */
export type Milestone = LogLine & { readonly event: NonNullable<LogLine["event"]> };

export interface ObservedRun {
  /** What commands find in their environment: settings are looked up there, so that a project may have its own. */
  readonly env: Readonly<Record<string, string>>;
  readonly project: string;
  readonly request: RunRequest;
  readonly startedAt: Date;
  readonly mask: (text: string) => string;
}

export interface Observer {
  /** `repeated`: of a step that runs once for each line of a foreach. Never throws, never waits. */
  milestone(line: Milestone, repeated: boolean): void;
  /** What a step's command is told, so that what it reports itself is seen as a part of the step. */
  environment(task: string, step: string): Readonly<Record<string, string>>;
  /** Sends what is left, for `ms` at the most. Gives what went wrong, in one sentence, or null. */
  close(ms: number): Promise<string | null>;
}

/** At the end of a run, what is left is sent for this long at the most, in milliseconds; for a run that is stopped, less. */
export const closingMs = { ended: 5000, stopped: 2000 } as const;

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
    for (const [what, observer] of opening) {
      try {
        observers.push(await observer);
      } catch (error) {
        warn(`${what} are not sent: ${error instanceof Error ? error.message : String(error)}`);
      }
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

/** A setting that is an address. @throws Error that names the setting, and not its value, which may hold a password */
export function addressOf(name: string, value: string | undefined): URL {
  if (value === undefined || !URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol))
    throw new Error(`${name} is no http(s) address`);
  return new URL(value);
}

/** Whether `work` ended within `ms`. */
export async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
