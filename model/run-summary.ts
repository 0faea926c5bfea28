/** How a run ended, in one sentence for a person. */
import type { RunStatus } from "./run.js";

export interface EndedRun {
  readonly status: RunStatus;
  /** Null for one that never began. */
  readonly durationMs: number | null;
  readonly metrics: Readonly<Record<string, number>>;
  /** Why it did not end well, or was skipped. */
  readonly error?: string | undefined;
}

/** More than a reader of a chat wants. */
const maxMetrics = 5;
const maxErrorLength = 500;

/** `succeeded in 12 s, 1,204 records`, `failed after 3 s: fetch: …`; on one line, without a full stop. */
export function runSummary({ status, durationMs, metrics, error }: EndedRun): string {
  if (status === "success") {
    return `succeeded${durationMs === null ? "" : ` in ${durationText(durationMs)}`}${metricsText(metrics)}`;
  }
  const after = durationMs === null || status === "skipped" ? "" : ` after ${durationText(durationMs)}`;
  const because = error === undefined || error.trim() === "" ? "" : `: ${shorten(error)}`;
  return `${verbs[status]}${after}${because}`;
}

const verbs: Readonly<Record<Exclude<RunStatus, "success">, string>> = {
  queued: "queued",
  running: "under way",
  failure: "failed",
  timeout: "timed out",
  stopped: "stopped",
  skipped: "skipped",
  missed: "missed",
};

/** What chats such as Slack and Mattermost show as it is: in them these three are markup, such as `<!channel>`. */
export function forChat(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** `340 ms`, `12 s`, `3 min 05 s`, `2 h 10 min`. */
function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${pad(Math.floor((seconds % 3600) / 60))} min`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

/** `, 1,204 records, 3 files`; records first. */
function metricsText({ records, ...others }: Readonly<Record<string, number>>): string {
  const entries = [
    ...(records === undefined ? [] : [["records", records] as const]),
    ...Object.entries(others),
  ];
  return entries
    .slice(0, maxMetrics)
    .map(([name, value]) => `, ${value.toLocaleString("en")} ${name}`)
    .join("");
}

/** Each metric's sum over them. */
export function sumMetrics(all: readonly EndedRun["metrics"][]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const metrics of all) {
    for (const [name, value] of Object.entries(metrics)) sums[name] = (sums[name] ?? 0) + value;
  }
  return sums;
}

/** On one line and without its full stop. */
export function shorten(text: string): string {
  const line = text.replace(/\s+/g, " ").trim().replace(/\.$/, "");
  return line.length <= maxErrorLength ? line : `${line.slice(0, maxErrorLength)}…`;
}
