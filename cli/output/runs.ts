import type { Run } from "../../history/history.js";
import type { RunRequest, RunStatus, TaskRecord } from "../../model/run.js";
import type { Colours } from "./colour.js";
import { formatTable } from "./table.js";
import { formatDuration, formatRelative } from "./time.js";

/** A run as `--json` shows it. */
export interface RunView extends Omit<Run, "request" | "record" | "pidStart"> {
  /** What was asked for; without environment variables and the message, which may hold what nobody is to read. */
  readonly request: Pick<RunRequest, "tasks" | "vars" | "stage">;
  /** Null while it has not ended, and when it never started. */
  readonly durationMs: number | null;
  /** Empty until it has ended. */
  readonly tasks: readonly TaskRecord[];
  readonly metrics: Readonly<Record<string, number>>;
}

export function viewRun({ request, record, pidStart: _, ...run }: Run): RunView {
  const { tasks, vars, stage } = request;
  return {
    ...run,
    reason: run.reason ?? record?.error ?? null,
    request: { tasks, vars, stage },
    durationMs: run.endedAt === null ? null : runningMs({ ...run, record }, new Date(run.endedAt)),
    tasks: record?.tasks ?? [],
    metrics: record?.metrics ?? {},
  };
}

/** Time from its start to its end, or to `now` while it runs; null when it never started. */
function runningMs(run: Pick<Run, "startedAt" | "endedAt" | "record">, now: Date): number | null {
  if (run.record) return run.record.durationMs;
  if (run.startedAt === null) return null;
  const end = run.endedAt === null ? now : new Date(run.endedAt);
  return Math.max(0, end.getTime() - new Date(run.startedAt).getTime());
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
export function formatRuns(runs: readonly Run[], now: Date, paint: Colours): string {
  const counted = runs.some((run) => run.record?.metrics.records !== undefined);
  const records = (run: Run): string[] =>
    counted ? [run.record?.metrics.records?.toLocaleString("en") ?? "-"] : [];
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
        oneLine(run.reason ?? run.record?.error ?? ""),
      ];
    }),
  );
}

/** `success in 4.2 s, 1,204 records`; `failure after 12.0 s: task load, step …`. */
export function describeEnd(run: Run, now: Date, paint: Colours): string {
  const ms = runningMs(run, now);
  const took = ms === null ? "" : ` ${run.status === "success" ? "in" : "after"} ${formatDuration(ms)}`;
  const records = run.record?.metrics.records;
  const counted = records === undefined ? "" : `, ${records.toLocaleString("en")} records`;
  const error = run.status === "success" ? "" : (run.reason ?? run.record?.error ?? "");
  return `${paintStatus(run.status, paint)}${took}${counted}${error === "" ? "" : `: ${oneLine(error)}`}`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
