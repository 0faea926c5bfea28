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
