/** What a notification says. */
import type { NotificationEvent } from "../../model/project.js";
import type { RunStatus } from "../../model/run.js";

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

/** More than a reader of a chat wants. */
const maxMetrics = 5;
const maxErrorLength = 500;

/** One or two sentences for a person: `fx (client-a): succeeded in 12 s, 1,204 records.` */
export function describeEvent(event: RunEvent): string {
  const job = event.job === event.project ? event.project : `${event.project}/${event.job}`;
  const who = `${job} (${event.client})`;
  const because = event.error === undefined ? "" : `: ${shorten(event.error)}`;
  const log = `Log: handoff logs -s ${event.stack} ${event.runId}`;
  switch (event.event) {
    case "success":
      return `${who}: succeeded in ${duration(event.durationMs)}${metrics(event)}.`;
    case "failure": {
      const verb = event.status === "stopped" ? "stopped" : "failed";
      return `${who}: ${verb}${after(event)}${because}. ${log}`;
    }
    case "timeout":
      return `${who}: timed out${after(event)}${because}. ${log}`;
    case "missed": {
      const schedule = event.schedule === null ? "a run" : `schedule ${event.schedule}`;
      return `${who}: missed: ${schedule} was to run at ${minute(event.scheduledAt)}${because}.`;
    }
  }
}

function after(event: RunEvent): string {
  return event.startedAt === null ? "" : ` after ${duration(event.durationMs)}`;
}

/** `340 ms`, `12 s`, `3 min 05 s`, `2 h 10 min`. */
function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${pad(Math.floor((seconds % 3600) / 60))} min`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

/** `2026-11-21 06:00 UTC`. */
function minute(instant: string): string {
  return `${new Date(instant).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** `, 1,204 records, 3 files`; records first. */
function metrics({ metrics: { records, ...others } }: RunEvent): string {
  const entries = [
    ...(records === undefined ? [] : [["records", records] as const]),
    ...Object.entries(others),
  ];
  return entries
    .slice(0, maxMetrics)
    .map(([name, value]) => `, ${value.toLocaleString("en")} ${name}`)
    .join("");
}

/** On one line and without its full stop. */
function shorten(text: string): string {
  const line = text.replace(/\s+/g, " ").trim().replace(/\.$/, "");
  return line.length <= maxErrorLength ? line : `${line.slice(0, maxErrorLength)}…`;
}
