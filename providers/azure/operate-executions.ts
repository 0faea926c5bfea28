/** What Container Apps says of an execution of a job, as an `Execution`. */
import type { Job, JobExecution, JobExecutionTemplate } from "@azure/arm-appcontainers";
import { ExitCode } from "../../model/diagnostic.js";
import type { RunStatus } from "../../model/run.js";
import type { Execution } from "../cloud-operate.js";
import { containerName } from "./job.js";
import { consoleOf } from "./operate-ids.js";

/** A job on Azure: a job of the plan has one of its own, one for each schedule and one for each trigger. */
export interface AzureJob {
  readonly id: string;
  /** On Azure. */
  readonly name: string;
  /** In the plan. */
  readonly job: string;
  readonly env: Variables;
}

type Variables = Readonly<Record<string, string>>;

/** By Container Apps' own names. `Degraded` is one of which some part failed; `Unknown` is yet to be found out. */
const statuses: Readonly<Record<string, RunStatus>> = {
  Running: "running",
  Processing: "queued",
  Stopped: "stopped",
  Degraded: "failure",
  Failed: "failure",
  Succeeded: "success",
  Unknown: "running",
};

export function executionOf(found: JobExecution, job: AzureJob, now: Date): Execution {
  const env = { ...job.env, ...variablesOf(found.template) };
  const seen = statuses[found.status ?? ""] ?? "running";
  const status = seen === "failure" ? failureBy(exitCodeOf(found, seen), found.reason) : seen;
  const ended = status !== "running" && status !== "queued";
  const started = found.startTime?.toISOString();
  const firedAt = started ?? env.HANDOFF_STARTED_AT ?? found.endTime?.toISOString() ?? now.toISOString();
  return {
    kind: "job",
    id: found.name ?? "",
    ...(env.HANDOFF_RUN_ID === undefined ? {} : { runId: env.HANDOFF_RUN_ID }),
    job: job.job,
    schedule: env.HANDOFF_SCHEDULE ?? null,
    trigger: env.HANDOFF_TRIGGER ?? null,
    ...(env.HANDOFF_SCHEDULED_AT === undefined ? {} : { scheduledAt: env.HANDOFF_SCHEDULED_AT }),
    firedAt,
    startedAt: status === "queued" ? null : (started ?? null),
    // Its end is told a moment later than that it ended.
    endedAt: ended ? (found.endTime?.toISOString() ?? started ?? now.toISOString()) : null,
    status,
    exitCode: ended ? exitCodeOf(found, status) : null,
    reason: ended && status !== "success" ? reasonOf(found) : null,
    console: consoleOf(job.id),
  };
}

/** A failure by its name: by Kubernetes' word for a job's time-out, and the codes with which the runner ends. */
export function failureBy(exitCode: number | null, reason: string | undefined): RunStatus {
  if (reason === "DeadlineExceeded" || exitCode === ExitCode.timedOut) return "timeout";
  return exitCode === ExitCode.terminated ? "stopped" : "failure";
}

function exitCodeOf({ detailedStatus }: JobExecution, status: RunStatus): number | null {
  if (status === "success") return 0;
  const containers = detailedStatus?.replicas?.flatMap(({ containers = [] }) => containers) ?? [];
  return containers.find(({ code }) => code !== undefined && code !== 0)?.code ?? null;
}

/** One sentence. Azure's words, where it has any. */
function reasonOf(found: JobExecution): string | null {
  const code = exitCodeOf(found, "failure");
  if (code === 137) return killed;
  const told = [found.reason, found.message].filter((text) => text !== undefined && text !== "");
  if (told.length > 0) return told.join(": ");
  const container = found.detailedStatus?.replicas
    ?.flatMap(({ containers = [] }) => containers)
    .find(({ additionalInformation }) => additionalInformation);
  if (container?.additionalInformation) return container.additionalInformation;
  return code === null ? null : `the container exited with ${code}`;
}

/** Of the whole container, so that its runner could not say a word. */
export const killed =
  "the container was killed (exit code 137): it had no memory left, most likely; ask for more with `resources`";

/** Plain ones of the runner's container; secrets are references. */
export function variablesOf(template: JobExecutionTemplate | Job["template"]): Variables {
  const containers = template?.containers ?? [];
  const runner = containers.find(({ name }) => name === containerName) ?? containers[0];
  return Object.fromEntries(
    (runner?.env ?? []).flatMap(({ name, value }) =>
      name === undefined || value === undefined ? [] : [[name, value] as const],
    ),
  );
}
