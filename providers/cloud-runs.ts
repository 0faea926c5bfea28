/** Runs of a cloud: what the platform says of its executions, joined with the records that the runs have left. */
import { ExitCode } from "../model/diagnostic.js";
import type { RunStatus, StoredRecord, TaskRecord } from "../model/run.js";
import { sumMetrics } from "../model/run-summary.js";
import type { Execution } from "./cloud-driver.js";
import type { RunView } from "./operate.js";

/** A run, before it is shown. */
export interface CloudRun {
  readonly runId: string;
  /** The orchestrator's, with granularity task. */
  readonly flow: Execution | null;
  /** Each job of the run, in the order that they were started; one, unless there is a flow. */
  readonly parts: readonly RunPart[];
}

export interface RunPart {
  /** Name in the plan. */
  readonly job: string;
  /** A retry by the platform is an execution of its own on some. Oldest first. */
  readonly executions: readonly Execution[];
  readonly record: StoredRecord | null;
}

/** What is the same for all runs of a stack. */
export interface RunOwner {
  readonly deployment: string;
  readonly stack: string;
  readonly client: string;
  /** The project's name; asked only for a flow. */
  project(): string;
}

/** Newest first. */
export function joinRuns(records: readonly StoredRecord[], executions: readonly Execution[]): CloudRun[] {
  const idOf = new Map(
    records.flatMap(({ execution, runId }) => (execution === null ? [] : [[execution, runId] as const])),
  );
  const runs = new Map<string, { flow: Execution | null; parts: Map<string, Joining> }>();
  const runOf = (runId: string) => {
    const found = runs.get(runId) ?? { flow: null, parts: new Map<string, Joining>() };
    runs.set(runId, found);
    return found;
  };
  const partOf = (runId: string, job: string): Joining => {
    const { parts } = runOf(runId);
    const found = parts.get(job) ?? { executions: [], record: null };
    parts.set(job, found);
    return found;
  };
  for (const record of records) {
    const part = partOf(record.runId, record.job);
    if (part.record === null || part.record.endedAt < record.endedAt) part.record = record;
  }
  for (const execution of executions) {
    const runId = execution.runId ?? idOf.get(execution.id) ?? execution.id;
    if (execution.kind === "flow") runOf(runId).flow = execution;
    else partOf(runId, execution.job).executions.push(execution);
  }
  return [...runs]
    .map(
      ([runId, { flow, parts }]): CloudRun => ({
        runId,
        flow,
        parts: [...parts]
          .map(([job, { executions: made, record }]) => ({
            job,
            executions: made.sort((a, b) => compare(a.firedAt, b.firedAt)),
            record,
          }))
          .sort((a, b) => compare(startOf(a), startOf(b))),
      }),
    )
    .sort((a, b) => compare(firedAt(b), firedAt(a)));
}

interface Joining {
  executions: Execution[];
  record: StoredRecord | null;
}

const compare = (a: string, b: string): number =>
  Date.parse(a) - Date.parse(b) || (a < b ? -1 : a > b ? 1 : 0);

const startOf = ({ executions: [first], record }: RunPart): string =>
  first?.firedAt ?? record?.startedAt ?? record?.endedAt ?? "";

export function firedAt({ flow, parts: [first] }: CloudRun): string {
  return flow?.firedAt ?? (first === undefined ? "" : startOf(first));
}

/** How a job of a run stands. */
interface Standing {
  readonly status: RunStatus;
  readonly exitCode: number | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly reason: string | null;
}

/** A record counts for the execution that left it: where a later attempt goes on or died, that one's standing is the job's. */
function standingOf({ executions, record }: RunPart): Standing {
  const last = executions.at(-1);
  if (record && (last === undefined || record.execution === null || record.execution === last.id)) {
    const { status, exitCode, startedAt, endedAt, error, reason } = record;
    return { status, exitCode, startedAt, endedAt, reason: error ?? reason ?? null };
  }
  if (last === undefined) throw new Error("a part of a run has an execution or a record");
  return last;
}

/** Whether nothing of it goes on any more. */
export function hasEnded(run: CloudRun): boolean {
  if (run.flow) return run.flow.endedAt !== null;
  return run.parts.every((part) => standingOf(part).endedAt !== null);
}

/** Whether the platform alone knows how it ended: what it tells only of one execution is then asked for. */
export function lacksRecord({ flow, parts }: CloudRun): boolean {
  if (!flow) return parts.some(({ record }) => !record);
  if (!parts.some(({ record }) => record)) return true;
  // A job of it that was killed is forgotten before the flow is.
  return isBad(flow) && !parts.some((part) => isBad(standingOf(part)));
}

const isBad = ({ status }: Pick<Standing, "status">): boolean =>
  status === "failure" || status === "timeout" || status === "stopped";

export function viewRun(run: CloudRun, owner: RunOwner): RunView {
  const { flow, parts } = run;
  const records = parts.flatMap(({ record }) => record ?? []);
  const executions = [...(flow ? [flow] : []), ...parts.flatMap((part) => part.executions)];
  const isFlow = flow !== null || parts.length > 1;
  const standing = isFlow ? standingOfFlow(run) : standingOf(only(parts));
  const said = <K extends "schedule" | "trigger" | "scheduledAt">(key: K) =>
    records.find((record) => record[key])?.[key] ?? executions.find((execution) => execution[key])?.[key];
  const { startedAt, endedAt, status } = standing;
  const ended = endedAt !== null;
  const fired = firedAt(run);
  const tasks = ended ? parts.flatMap((part) => tasksOf(part, isFlow)) : [];
  const console = executions.find((execution) => execution.console !== undefined)?.console;
  return {
    runId: run.runId,
    deployment: owner.deployment,
    stack: owner.stack,
    client: owner.client,
    job: isFlow ? owner.project() : only(parts).job,
    schedule: said("schedule") ?? null,
    trigger: said("trigger") ?? null,
    scheduledAt: said("scheduledAt") ?? fired,
    firedAt: fired,
    notBefore: null,
    startedAt,
    endedAt,
    status,
    exitCode: standing.exitCode,
    attempt: Math.max(1, ...records.map(({ attempt }) => attempt)),
    pid: null,
    reason: standing.reason,
    request: { tasks: tasks.map(({ name }) => name), vars: {}, stage: owner.stack },
    durationMs: startedAt === null || !ended ? null : durationOf(records, isFlow, startedAt, endedAt),
    tasks,
    metrics: ended ? sumMetrics(records.map(({ metrics }) => metrics)) : {},
    ...(console === undefined ? {} : { console }),
  };
}

function only(parts: readonly RunPart[]): RunPart {
  const [part] = parts;
  if (!part) throw new Error("a run that is no flow has a job");
  return part;
}

/** Worst first. */
const worst = ["failure", "timeout", "stopped", "missed", "running", "queued", "skipped", "success"] as const;

function standingOfFlow({ flow, parts }: CloudRun): Standing {
  const standings = parts.map((part) => ({ job: part.job, ...standingOf(part) }));
  const bad = standings.find(({ status }) => status !== "success" && status !== "skipped");
  const started = standings.flatMap(({ startedAt }) => startedAt ?? []).sort(compare)[0] ?? null;
  if (flow) {
    const { status, endedAt } = flow;
    return {
      status,
      endedAt,
      startedAt: started ?? flow.startedAt,
      exitCode: endedAt === null ? null : exitOf(status),
      reason: status === "success" || endedAt === null ? null : (reasonOf(bad) ?? flow.reason),
    };
  }
  // The platform has forgotten the flow: what its jobs have left tells how it ended.
  const status = worst.find((one) => standings.some((standing) => standing.status === one)) ?? "success";
  const ended = standings.every(({ endedAt }) => endedAt !== null);
  return {
    status,
    startedAt: started,
    endedAt: ended
      ? (standings
          .flatMap(({ endedAt }) => endedAt ?? [])
          .sort(compare)
          .at(-1) ?? null)
      : null,
    exitCode: ended ? exitOf(status) : null,
    reason: reasonOf(bad),
  };
}

function reasonOf(bad: (Standing & { readonly job: string }) | undefined): string | null {
  if (!bad || bad.endedAt === null || bad.reason === null) return null;
  return bad.reason.includes(bad.job) ? bad.reason : `${bad.job}: ${bad.reason}`;
}

function exitOf(status: RunStatus): number {
  if (status === "success" || status === "skipped") return ExitCode.ok;
  if (status === "timeout") return ExitCode.timedOut;
  return status === "stopped" ? ExitCode.terminated : ExitCode.failed;
}

/** Those of its record; a job of a flow that left none counts as one task. */
function tasksOf(part: RunPart, isFlow: boolean): readonly TaskRecord[] {
  const { executions, record } = part;
  const standing = standingOf(part);
  if (record && record.endedAt === standing.endedAt) return record.tasks;
  const { startedAt, endedAt, status, exitCode, reason } = standing;
  if (!isFlow || endedAt === null) return [];
  return [
    {
      name: part.job,
      status: status === "queued" || status === "running" || status === "missed" ? "failure" : status,
      exitCode: exitCode ?? exitOf(status),
      startedAt,
      durationMs: startedAt === null ? 0 : Date.parse(endedAt) - Date.parse(startedAt),
      attempts: Math.max(1, executions.length),
      ...(reason === null ? {} : { error: reason }),
      steps: [],
    },
  ];
}

function durationOf(
  [record]: readonly StoredRecord[],
  isFlow: boolean,
  startedAt: string,
  endedAt: string,
): number {
  if (record && !isFlow && record.endedAt === endedAt) return record.durationMs;
  return Math.max(0, Date.parse(endedAt) - Date.parse(startedAt));
}
