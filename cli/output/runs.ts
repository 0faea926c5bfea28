import type { RunStatus } from "../../model/run.js";
import type { RunView } from "../../providers/operate.js";
import type { Colours } from "./colour.js";
import { formatTable } from "./table.js";
import { formatDuration, formatRelative } from "./time.js";

/** Time from its start to its end, or to `now` while it runs; null when it never started. */
function runningMs({ durationMs, startedAt, endedAt }: RunView, now: Date): number | null {
  if (endedAt !== null || startedAt === null) return durationMs;
  return Math.max(0, now.getTime() - Date.parse(startedAt));
}

export function paintStatus(status: RunStatus, paint: Colours): string {
  switch (status) {
    case "success":
      return paint.green(status);
    case "failure":
    case "timeout":
    case "missed":
      return paint.red(status);
    case "stopped":
    case "skipped":
      return paint.yellow(status);
    case "queued":
    case "running":
      return paint.cyan(status);
  }
}

/** A line a run; the column of records only when one of them counted some. */
export function formatRuns(runs: readonly RunView[], now: Date, paint: Colours): string {
  const counted = runs.some((run) => run.metrics.records !== undefined);
  const records = (run: RunView): string[] =>
    counted ? [run.metrics.records?.toLocaleString("en") ?? "-"] : [];
  return formatTable(
    ["RUN", "JOB", "SCHEDULE", "STATUS", "FOR", "TOOK", ...(counted ? ["RECORDS"] : []), "ERROR"],
    runs.map((run) => {
      const ms = runningMs(run, now);
      return [
        run.runId,
        run.job,
        run.schedule ?? (run.trigger === null ? "-" : `(trigger ${run.trigger})`),
        paintStatus(run.status, paint),
        formatRelative(new Date(run.scheduledAt), now),
        ms === null ? "-" : formatDuration(ms),
        ...records(run),
        oneLine(run.reason ?? ""),
      ];
    }),
  );
}

/** `success in 4.2 s, 1,204 records`; `failure after 12.0 s: task load, step …`. */
export function describeEnd(run: RunView, now: Date, paint: Colours): string {
  const ms = runningMs(run, now);
  const took = ms === null ? "" : ` ${run.status === "success" ? "in" : "after"} ${formatDuration(ms)}`;
  const records = run.metrics.records;
  const counted = records === undefined ? "" : `, ${records.toLocaleString("en")} records`;
  const error = run.status === "success" ? "" : (run.reason ?? "");
  return `${paintStatus(run.status, paint)}${took}${counted}${error === "" ? "" : `: ${oneLine(error)}`}`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
