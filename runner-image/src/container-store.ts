/** What a container does in the artifact store beside its artifacts: the schedule's lease before, the run's record after. */
import { UserError } from "../../model/diagnostic.js";
import type { Retries, Schedule } from "../../model/project.js";
import type { RunRecord, RunRequest, RunSpec, StoredRecord } from "../../model/run.js";
import { type EndedJob, tellEnding } from "./ending.js";
import { selectTasks } from "./engine/order.js";
import type { Job, Tell } from "./job.js";
import { takeLease } from "./lease/lease.js";
import type { Contender, FlowJob } from "./lease/state.js";
import { pruneRecords, writeRecord } from "./records.js";
import { parseLocation } from "./store/location.js";
import type { ObjectStore } from "./store/object-store.js";
import { openObjects } from "./store/objects.js";

type Env = Readonly<Record<string, string | undefined>>;

export interface ContainerStore {
  /** HANDOFF_ARTIFACTS. */
  readonly location: string;
  readonly env: Env;
  /** As the project has it: with the retries that an orchestrator makes. */
  readonly spec: RunSpec;
  readonly request: RunRequest;
  /** Whether the platform itself said which instant the run stands for. */
  readonly told: boolean;
  /** When the run was started, which may be jobs and attempts ago. */
  readonly startedAt: Date;
}

/** Seconds without a sign of life after which a run counts as dead; three signs in that time. */
const defaultLeaseSeconds = 60;
/**
 * The instant that a run stands for is often no more than the schedule's latest: so long after it, a second start is no
 * platform's duplicate, but somebody who wants a run now.
 */
const duplicateMs = 15 * 60_000;

/** Records that a folder keeps; in a bucket they expire. */
const keptRecords = 1000;

/** The parts of a job that use the store. @throws UserError `invalid-environment` */
export function storeHooks(given: ContainerStore): Pick<Job, "admit" | "keep"> {
  let opened: Promise<ObjectStore> | undefined;
  const open = (): Promise<ObjectStore> => {
    opened ??= openObjects(given.location, given.env);
    return opened;
  };
  const { request } = given;
  const { schedules } = given.spec.project;
  const schedule = schedules.find(({ name }) => name === request.schedule);
  const me = schedule && takesPart(given.env, schedule) ? contender(given, schedule) : undefined;
  return {
    ...(me === undefined || schedule === undefined
      ? {}
      : {
          admit: async ({ signal, say }) =>
            takeLease({ store: await open(), schedule: schedule.name, me, signal, say }),
        }),
    keep: async (record, tell) => {
      const store = await open();
      await writeRecord(store, stored(record, given));
      // Who starts containers on one machine reads the record, and tells people himself.
      if (parseLocation(given.location).kind === "folder") await pruneRecords(store, keptRecords);
      else if (given.spec.project.notifications.length > 0) await tellEnd(store, given, record, tell);
    },
  };
}

/** For the platform's notifications. Those that are made from the log hear of a flow's end, which no job's last line is. */
async function tellEnd(store: ObjectStore, given: ContainerStore, record: RunRecord, tell: Tell) {
  const ended = endedJob(given);
  const ending = await tellEnding(store, ended, record);
  if (ending === null || ended.members.length === 1) return;
  const { metrics, summary } = ending;
  tell({
    level: "info",
    event: "flow.end",
    status: "success",
    metrics,
    summary,
    message: `all jobs: ${summary}`,
  });
}

function endedJob({ env, spec, request }: ContainerStore): EndedJob {
  const { project } = spec;
  const job = jobOf(env, spec);
  const isFlow = project.deploy.granularity === "task";
  const execution = executionOf(env);
  const selected =
    project.schedules.find(({ name }) => name === request.schedule) ??
    project.triggers.find(({ name }) => name === env.HANDOFF_TRIGGER);
  const members = isFlow ? selectTasks(project, selected?.tasks ?? []).map(({ name }) => name) : [];
  return {
    name: (isFlow && env.HANDOFF_RUN_ID) || execution || request.runId,
    runId: request.runId,
    job,
    members: members.includes(job) ? members : [job],
  };
}

/**
 * The platform's name of what it runs, which all its attempts at it share: of Cloud Run and Container Apps, in
 * variables of their own; on Fargate the task's id, with which the address of its metadata begins (docs/cloud-facts.md).
 */
export function executionOf(env: Env): string | undefined {
  const task = /\/v4\/([0-9a-f]{32})-/.exec(env.ECS_CONTAINER_METADATA_URI_V4 ?? "")?.[1];
  return env.CLOUD_RUN_EXECUTION || env.CONTAINER_APP_JOB_EXECUTION_NAME || task;
}

/** HANDOFF_OVERLAP: a run that somebody starts as the schedule would, for a time that passed, is none of the schedule's own. */
function takesPart({ HANDOFF_OVERLAP: given = "" }: Env, { overlap }: Schedule): boolean {
  if (given === "") return overlap === "skip";
  if (given === "skip" || given === "allow") return given === "skip";
  throw new UserError(`HANDOFF_OVERLAP is ${given}, which is neither skip nor allow`, {
    code: "invalid-environment",
  });
}

function contender({ spec, request, env, told, startedAt }: ContainerStore, schedule: Schedule): Contender {
  const job = jobOf(env, spec);
  return {
    id: env.HANDOFF_RUN_ID || executionOf(env) || request.runId,
    job,
    scheduledAt: request.scheduledAt,
    once: told || startedAt.getTime() - Date.parse(request.scheduledAt) < duplicateMs,
    flow: flowOf(spec, schedule, job),
    ttlSeconds: leaseSeconds(env.HANDOFF_LEASE_SECONDS),
  };
}

/** granularity task: a job for each of the schedule's tasks, which the platform orders and retries. */
function flowOf({ project }: RunSpec, schedule: Schedule, job: string): FlowJob[] {
  const alone = [{ name: job, dependsOn: [], maxAttempts: 1, pauseBefore: () => 0 }];
  if (project.deploy.granularity !== "task") return alone;
  const tasks = selectTasks(project, schedule.tasks);
  if (!tasks.some(({ name }) => name === job)) return alone;
  const names = new Set(tasks.map(({ name }) => name));
  return tasks.map(({ name, dependsOn, retries = project.deploy.retries }) => ({
    name,
    dependsOn: dependsOn.filter((other) => names.has(other)),
    maxAttempts: 1 + (retries?.max ?? 0),
    pauseBefore: (attempt) => pauseBefore(retries, attempt),
  }));
}

function pauseBefore(retries: Retries | undefined, attempt: number): number {
  return retries === undefined ? 0 : retries.delaySeconds * retries.backoff ** Math.max(0, attempt - 2);
}

function leaseSeconds(text: string | undefined): number {
  if (text === undefined || text === "") return defaultLeaseSeconds;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 1) return seconds;
  throw new UserError(`HANDOFF_LEASE_SECONDS is ${text}, which is no number of seconds from 1`, {
    code: "invalid-environment",
  });
}

function stored(record: RunRecord, { spec, request, env }: ContainerStore): StoredRecord {
  const ended = Date.parse(record.startedAt) + record.durationMs;
  return {
    ...record,
    job: jobOf(env, spec),
    schedule: request.schedule ?? null,
    trigger: env.HANDOFF_TRIGGER || null,
    scheduledAt: request.scheduledAt,
    endedAt: new Date(ended).toISOString(),
    attempt: request.attempt,
    execution: executionOf(env) ?? null,
  };
}

const jobOf = (env: Env, { project }: RunSpec): string => env.HANDOFF_JOB || project.name;
