/** What a notification says. */
import type { NotificationEvent } from "../../model/project.js";
import type { RunStatus } from "../../model/run.js";
import { runSummary, shorten } from "../../model/run-summary.js";

/** A run's end, as webhooks and commands are told. Times are ISO 8601. */
export interface RunEvent {
  readonly event: NotificationEvent;
  /** Name in project.yml. */
  readonly project: string;
  readonly client: string;
  readonly stack: string;
  readonly deployment: string;
  readonly job: string;
  /** Null for a run that no schedule asked for. */
  readonly schedule: string | null;
  readonly runId: string;
  readonly status: RunStatus;
  readonly exitCode: number | null;
  readonly scheduledAt: string;
  readonly startedAt: string | null;
  readonly durationMs: number;
  /** One sentence, when something went wrong. */
  readonly error?: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly attempt: number;
}

/** One or two sentences for a person: `fx (client-a): succeeded in 12 s, 1,204 records.` */
export function describeEvent(event: RunEvent): string {
  const job = event.job === event.project ? event.project : `${event.project}/${event.job}`;
  const who = `${job} (${event.client})`;
  const ended = runSummary({ ...event, durationMs: event.startedAt === null ? null : event.durationMs });
  switch (event.event) {
    case "success":
      return `${who}: ${ended}.`;
    case "failure":
    case "timeout":
      return `${who}: ${ended}. Log: handoff logs -s ${event.stack} ${event.runId}`;
    case "missed": {
      const schedule = event.schedule === null ? "a run" : `schedule ${event.schedule}`;
      const because = event.error === undefined ? "" : `: ${shorten(event.error)}`;
      return `${who}: missed: ${schedule} was to run at ${minute(event.scheduledAt)}${because}.`;
    }
  }
}

/** `2026-11-21 06:00 UTC`. */
function minute(instant: string): string {
  return `${new Date(instant).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
