/** Queries of Log Analytics, from typed parts. */
import { type Cron, parseCron } from "../../model/cron.js";
import type { Schedule } from "../../model/project.js";
import { type RenderedValue, text } from "../rendering.js";
import type { Text } from "./scope.js";
import { daysOf } from "./utc-cron.js";

const systemLogs = "ContainerAppSystemLogs_CL";
const consoleLogs = "ContainerAppConsoleLogs_CL";

/** Exit codes that the runner's own last line tells of: success, failure, time-out, stopped. */
const toldByRunner = [0, 1, 124, 143] as const;

/**
 * The end of a run, by the last line that the runner writes; and, for runs that had none, by what Azure's system log says of the
 * container. The environment is the deployment's own: all its jobs are ours. That Azure writes `exit code '…'` and the
 * reasons of Kubernetes is UNCONFIRMED (docs/cloud-facts.md).
 */
export function runsThatEnded(event: "success" | "failure" | "timeout"): string {
  const statuses = { success: ["success"], failure: ["failure", "stopped"], timeout: ["timeout"] }[event];
  const told = toldEnds("run.end", statuses);
  const seen = systemWhere(event);
  if (seen === null) return told;
  const system = [
    systemLogs,
    'extend exitCode = toint(extract(@"exit code \'?(-?[0-9]+)", 1, Log_s))',
    `where ${seen}`,
    `project TimeGenerated, ${runColumn} = JobName_s, ${summaryColumn} = Log_s`,
  ].join("\n| ");
  return `union isfuzzy=true\n(${told}),\n(${system})`;
}

/** Flows all of whose jobs have succeeded, by the line of the job that was the last. */
export const flowsThatSucceeded = (): string => toldEnds("flow.end", ["success"]);

/** Columns that the notification shows: the run, and how it ended in one sentence. */
export const runColumn = "run";
export const summaryColumn = "summary";

function toldEnds(event: "run.end" | "flow.end", statuses: readonly string[]): string {
  return [
    consoleLogs,
    `where Log_s has ${kqlText(event)}`,
    "extend line = parse_json(Log_s)",
    `where tostring(line.event) == ${kqlText(event)}`,
    `where tostring(line.status) in (${statuses.map(kqlText).join(", ")})`,
    `project TimeGenerated, ${runColumn} = tostring(line.runId), ${summaryColumn} = tostring(line.summary)`,
  ].join("\n| ");
}

function systemWhere(event: "success" | "failure" | "timeout"): string | null {
  if (event === "success") return null;
  if (event === "timeout") return `Reason_s == ${kqlText("DeadlineExceeded")}`;
  return [
    `(Reason_s == ${kqlText("ContainerTerminated")} and isnotnull(exitCode) and exitCode !in (${toldByRunner.join(", ")}))`,
    `Reason_s in (${["ImagePullFailure", "ImagePullBackOff", "ErrImagePull", "FailedMount", "FailedCreate"].map(kqlText).join(", ")})`,
  ].join(" or ");
}

/** How far a start may be behind its time, and how long before it is looked for. */
export const missedAfter = { minutes: 15, everyMinutes: 60 } as const;

/** The schedule's times, in its own zone, at which none of the jobs showed a sign of life. */
export function missedFires({ cron, timezone }: Schedule, jobs: readonly Text[]): RenderedValue {
  const { minutes, everyMinutes } = missedAfter;
  const from = minutes + everyMinutes;
  const names: RenderedValue[] = jobs.flatMap((job, index) => [...(index > 0 ? [", "] : []), text`"${job}"`]);
  return text`let starts = ${systemLogs}
| where TimeGenerated > ago(${from + 5}m) and JobName_s in (${{ $join: names }})
| project started = TimeGenerated, k = 1;
range fire from bin(ago(${from - 1}m), 1m) to bin(ago(${minutes}m), 1m) step 1m
| extend at = datetime_utc_to_local(fire, ${kqlText(timezone)}), k = 1
| where ${firesAt(parseCron(cron))}
| join kind=leftouter starts on k
| summarize seen = countif(started between ((fire - 1m) .. (fire + ${minutes}m))) by fire
| where seen == 0`;
}

/** Whether the local time `at` is one of the expression's. */
function firesAt(cron: Cron): string {
  const { ofMonth, ofWeek, months, years, either } = daysOf(cron);
  const among = (values: readonly number[] | null, actual: string) =>
    values === null ? [] : [`${actual} in (${values.join(", ")})`];
  const day = [...among(ofMonth, "dayofmonth(at)"), ...among(ofWeek, "toint(dayofweek(at) / 1d)")];
  return [
    ...among(cron.hours.length === 24 ? null : cron.hours, "hourofday(at)"),
    ...among(cron.minutes.length === 60 ? null : cron.minutes, "datetime_part('minute', at)"),
    ...(either ? [`(${day.join(" or ")})`] : day),
    ...among(months, "monthofyear(at)"),
    ...among(years, "getyear(at)"),
    "true",
  ].join(" and ");
}

/** A text as KQL writes it. */
export function kqlText(value: string): string {
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}
