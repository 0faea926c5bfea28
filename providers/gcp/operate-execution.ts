/** What Cloud Run and Workflows tell of an execution, in the neutral words. Pure. */
import type { run_v2 } from "@googleapis/run";
import type { RunStatus } from "../../model/run.js";
import type { Execution } from "../cloud-driver.js";
import type { WorkflowExecution } from "./operate-clients.js";

export type JobExecution = run_v2.Schema$GoogleCloudRunV2Execution;
export type TaskAttempt = run_v2.Schema$GoogleCloudRunV2TaskAttemptResult;

const home = "https://console.cloud.google.com";

export interface Place {
  readonly project: string;
  readonly region: string;
}

/** Last part of a name such as `projects/P/…/executions/fx-x7k2p`. */
export function shortName(name: string | null | undefined): string {
  return (name ?? "").slice((name ?? "").lastIndexOf("/") + 1);
}

/** Text of an instant as Google writes them, with up to nine decimals. */
function instant(text: string | null | undefined): string | null {
  return text ? new Date(text).toISOString() : null;
}

/**
 * @param job name in the plan
 * @param attempt of the execution's one task, where it was asked for
 */
export function jobExecution(
  job: string,
  raw: JobExecution,
  { project, region }: Place,
  attempt?: TaskAttempt,
): Execution {
  const id = shortName(raw.name);
  const status = statusOfJob(raw);
  const createdAt = instant(raw.createTime);
  return {
    kind: "job",
    id,
    job,
    ...variables(environmentOf(raw)),
    firedAt: createdAt ?? instant(raw.startTime) ?? new Date(0).toISOString(),
    startedAt: instant(raw.startTime),
    endedAt: hasEnded(status) ? (instant(raw.completionTime) ?? endOf(raw) ?? createdAt) : null,
    status,
    exitCode: exitCodeOf(status, attempt),
    reason: reasonOf(status, raw, attempt),
    // As gcloud prints it.
    console: `${home}/run/jobs/executions/details/${region}/${id}/tasks?project=${project}`,
  };
}

/**
 * An execution has the template that its job had, with what it was called with in it: "overrides will be applied to update the
 * execution or task spec". Source: Cloud Run's reference of jobs.run, read 2026-11-21.
 */
function environmentOf({ template }: JobExecution): ReadonlyMap<string, string> | null {
  const [container] = template?.containers ?? [];
  if (!container) return null;
  return new Map((container.env ?? []).flatMap(({ name, value }) => (name && value ? [[name, value]] : [])));
}

/** What the runner is told, as far as it is known; null: nothing is. */
function variables(
  env: ReadonlyMap<string, string> | null,
): Pick<Execution, "runId" | "schedule" | "trigger" | "scheduledAt"> {
  if (env === null) return {};
  const runId = env.get("HANDOFF_RUN_ID");
  const scheduledAt = instantOrNothing(env.get("HANDOFF_SCHEDULED_AT"));
  return {
    schedule: env.get("HANDOFF_SCHEDULE") ?? null,
    trigger: env.get("HANDOFF_TRIGGER") ?? null,
    ...(runId ? { runId } : {}),
    ...(scheduledAt ? { scheduledAt } : {}),
  };
}

function instantOrNothing(text: string | undefined): string | undefined {
  const at = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}

function hasEnded(status: RunStatus): boolean {
  return status !== "queued" && status !== "running";
}

const completed = ({ conditions }: JobExecution) => conditions?.find(({ type }) => type === "Completed");

function endOf(raw: JobExecution): string | null {
  return instant(completed(raw)?.lastTransitionTime);
}

/** The condition decides; the counts only where it isn't there: they are updated one after the other. */
function statusOfJob(raw: JobExecution): RunStatus {
  const condition = completed(raw);
  switch (condition?.state) {
    case "CONDITION_SUCCEEDED":
      return "success";
    case "CONDITION_FAILED":
      if (condition.executionReason === "CANCELLED" || (raw.cancelledCount ?? 0) > 0) return "stopped";
      return timedOut.test(condition.message ?? "") ? "timeout" : "failure";
  }
  if (raw.completionTime) {
    if ((raw.cancelledCount ?? 0) > 0) return "stopped";
    return (raw.failedCount ?? 0) > 0 ? "failure" : "success";
  }
  return raw.startTime ? "running" : "queued";
}

/** Before the reason, where a job has one task. */
const taskFailed = /^Task \S+ failed with message: /;

/** Cloud Run's words when its own limit is reached: "The configured timeout was reached", as in public reports of it. */
const timedOut = /maximum timeout|timeout was reached|timed out/i;

function exitCodeOf(status: RunStatus, attempt: TaskAttempt | undefined): number | null {
  if (attempt?.termSignal) return 128 + attempt.termSignal;
  if (attempt && typeof attempt.exitCode === "number") return attempt.exitCode;
  return status === "success" ? 0 : null;
}

function reasonOf(status: RunStatus, raw: JobExecution, attempt: TaskAttempt | undefined): string | null {
  if (status === "success" || status === "running") return null;
  const condition = completed(raw);
  if (status === "stopped") return "it was cancelled";
  const said = attempt?.status?.message || condition?.message?.replace(taskFailed, "") || null;
  if (status === "queued") return said;
  const died = attempt?.termSignal ? `the container was killed by signal ${attempt.termSignal}` : null;
  return said ?? died ?? condition?.executionReason ?? null;
}

/** @param flow name in the plan */
export function flowExecution(flow: string, raw: WorkflowExecution, { project, region }: Place): Execution {
  const id = shortName(raw.name);
  const workflow = shortName((raw.name ?? "").replace(/\/executions\/[^/]*$/, ""));
  const status = statusOfFlow(raw);
  const startedAt = instant(raw.startTime);
  const firedAt = instant(raw.createTime) ?? startedAt ?? new Date(0).toISOString();
  return {
    kind: "flow",
    id,
    // What the workflow gives its jobs.
    runId: id,
    job: flow,
    ...variables(environmentOfCalls(raw.argument)),
    firedAt,
    startedAt: status === "queued" ? null : startedAt,
    endedAt: hasEnded(status) ? (instant(raw.endTime) ?? startedAt ?? firedAt) : null,
    status,
    exitCode: null,
    reason: reasonOfFlow(raw),
    console: `${home}/workflows/workflow/${region}/${workflow}/execution/${id}/summary?project=${project}`,
  };
}

const flowStates: Readonly<Record<string, RunStatus>> = {
  QUEUED: "queued",
  ACTIVE: "running",
  SUCCEEDED: "success",
  FAILED: "failure",
  CANCELLED: "stopped",
  // Its data can't be read any more, and nothing goes on.
  UNAVAILABLE: "failure",
};

const statusOfFlow = ({ state, endTime }: WorkflowExecution): RunStatus =>
  flowStates[state ?? ""] ?? (endTime ? "failure" : "running");

/** All jobs of a flow are called for the same schedule and instant. */
function environmentOfCalls(argument: string | undefined): ReadonlyMap<string, string> | null {
  const parsed = parse(argument);
  if (typeof parsed !== "object" || parsed === null) return null;
  const { calls } = parsed as { calls?: Readonly<Record<string, { env?: unknown }>> };
  const [call] = Object.values(calls ?? {});
  const env = Array.isArray(call?.env) ? (call.env as { name?: unknown; value?: unknown }[]) : [];
  return new Map(
    env.flatMap(({ name, value }) =>
      typeof name === "string" && name !== "HANDOFF_RUN_ID" && typeof value === "string"
        ? [[name, value]]
        : [],
    ),
  );
}

/** The error's payload is JSON, a map with a message where the workflow or one of its calls raised it. */
function reasonOfFlow({ state, error, stateError }: WorkflowExecution): string | null {
  if (state === "CANCELLED") return "it was cancelled";
  if (stateError) return stateError.details ?? stateError.type ?? null;
  if (!error?.payload) return null;
  const payload = parse(error.payload);
  if (typeof payload === "string") return payload;
  if (typeof payload === "object" && payload !== null && "message" in payload) {
    const { message } = payload;
    if (typeof message === "string" && message !== "") return message;
  }
  return error.payload;
}

function parse(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
