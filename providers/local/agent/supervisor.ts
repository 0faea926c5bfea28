/** Sees a run through: starts its runner, watches it, records its end, retries a runner that died, sends what is owed. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { History, Run } from "../../../history/history.js";
import { ExitCode } from "../../../model/diagnostic.js";
import type { NotificationEvent } from "../../../model/project.js";
import type { RunRecord, RunStatus } from "../../../model/run.js";
import { deploymentPaths, readJson } from "../home.js";
import { sendNotifications } from "../notify.js";
import type { JobRecord } from "../records.js";
import { readJob } from "./deployments.js";
import { adopt, type LaunchOptions, launch, type Runner } from "./launch.js";
import { outputTail } from "./output.js";

export interface SupervisorOptions extends LaunchOptions {
  readonly history: History;
  readonly now: () => Date;
  /** Called once for each run that has ended here, after its end is in the history. */
  readonly onEnd?: (run: Run) => void;
}

export interface Supervisor {
  /** Claims a queued run and starts it; resolves at its end. False at once when somebody else has claimed it. */
  start(run: Run): Promise<boolean>;
  /** Goes on with a run that was started by an agent that has died. */
  adopt(run: Run): Promise<void>;
  /** Sends the notification of a run that has ended without a runner (missed). */
  notify(run: Run): Promise<void>;
}

/** How a runner ended. */
interface End {
  readonly timedOut: boolean;
  /** Why, where it left no record and that can be seen from outside. */
  readonly cause: string | undefined;
  readonly record: RunRecord | undefined;
}

const unseen = (record: RunRecord | undefined): End => ({ timedOut: false, cause: undefined, record });

/** Beyond the runner's own grace for its children. */
const killAfterMs = 10_000;

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { history, home, now, log } = options;
  const pathsOf = (run: Run) => deploymentPaths(home, run.deployment).run(run.runId);

  const notify = async (run: Run): Promise<void> => {
    const event = notificationEvent(run.status);
    const job = readJob(home, run.deployment, run.job);
    if (event && job) {
      const secretDir = deploymentPaths(home, run.deployment);
      await sendNotifications(
        job.notifications,
        {
          event,
          project: job.spec.project.name,
          client: run.client,
          stack: run.stack,
          deployment: run.deployment,
          job: run.job,
          schedule: run.schedule,
          runId: run.runId,
          status: run.status,
          exitCode: run.exitCode,
          scheduledAt: run.scheduledAt,
          startedAt: run.startedAt,
          durationMs: durationMs(run),
          ...(run.reason === null ? {} : { error: run.reason }),
          metrics: run.record?.metrics ?? {},
          attempt: run.attempt,
        },
        {
          readSecret: (key) => {
            const file = secretDir.secret(key);
            return existsSync(file) ? readFileSync(file, "utf8") : undefined;
          },
          log,
          env: options.env,
        },
      );
    }
    history.noticeSent(run.runId);
  };

  const finish = async (
    run: Run,
    ending: { status: RunStatus; exitCode: number | null; reason?: string; record?: RunRecord },
  ) => {
    const notice = notificationEvent(ending.status) !== undefined;
    if (!history.finish(run.runId, { ...ending, endedAt: now().toISOString(), notice })) return;
    const ended = history.get(run.runId);
    if (!ended) return;
    log(
      `${run.deployment}/${run.job} ${run.runId}: ${ended.status}${ended.reason ? ` (${ended.reason})` : ""}`,
    );
    // A failed run's files are what its author wants to look at.
    if (ended.status === "success") rmSync(pathsOf(run).workspace, { recursive: true, force: true });
    options.onEnd?.(ended);
    await notify(ended);
  };

  const conclude = async (run: Run, job: JobRecord | undefined, end: End): Promise<void> => {
    const { timedOut, cause, record } = end;
    if (timedOut) {
      await finish(run, {
        status: "timeout",
        exitCode: ExitCode.timedOut,
        reason: `the job ran longer than ${job?.timeoutSeconds} s`,
        ...(record ? { record } : {}),
      });
      return;
    }
    if (record) {
      await finish(run, {
        status: record.status,
        exitCode: record.exitCode,
        record,
        ...reasonOf(record),
      });
      return;
    }
    const reason = cause ?? `the runner died without finishing${outputTail(pathsOf(run).output)}`;
    const retries = job?.spec.project.deploy.retries;
    if (retries && run.attempt <= retries.max) {
      const delay = retries.delaySeconds * retries.backoff ** (run.attempt - 1);
      const notBefore = new Date(now().getTime() + delay * 1000);
      if (!history.requeue(run.runId, run.attempt, notBefore.toISOString(), reason)) return;
      log(`${run.deployment}/${run.job} ${run.runId}: ${reason}; attempt ${run.attempt + 1} in ${delay} s`);
      const queued = history.get(run.runId);
      if (queued) options.onEnd?.(queued);
      return;
    }
    await finish(run, { status: "failure", exitCode: ExitCode.failed, reason });
  };

  /** Until the runner has ended, which it is made to when it is over the job's time. */
  const watch = async (run: Run, job: JobRecord | undefined, runner: Runner): Promise<End> => {
    const timedOut =
      job?.timeoutSeconds !== undefined && (await before(runner.ended, left(run, job.timeoutSeconds)));
    if (timedOut) {
      await runner.stop();
      if (await before(runner.ended, options.graceSeconds * 1000 + killAfterMs)) await runner.kill();
    }
    const cause = await runner.ended;
    const record = readRecord(run);
    // A destroy that waits for it takes the run's folder away then.
    await runner.remove();
    return { timedOut, cause, record };
  };

  const left = (run: Run, seconds: number): number => {
    const startedAt = run.startedAt === null ? now() : new Date(run.startedAt);
    return startedAt.getTime() + seconds * 1000 - now().getTime();
  };
  const readRecord = (run: Run) => readJson<RunRecord>(pathsOf(run).record);

  return {
    notify,
    async start(queued) {
      const startedAt = now().toISOString();
      if (!history.claim(queued.runId, queued.attempt, startedAt)) return false;
      const run = { ...queued, startedAt: queued.startedAt ?? startedAt };
      const job = readJob(home, run.deployment, run.job);
      if (!job) {
        await finish(run, {
          status: "failure",
          exitCode: ExitCode.failed,
          reason: "its job is no longer deployed",
        });
        return true;
      }
      try {
        const runner = await launch(run, job, options);
        history.setProcess(run.runId, runner.pid, runner.start);
        await conclude(run, job, await watch(run, job, runner));
      } catch (error) {
        await finish(run, {
          status: "failure",
          exitCode: ExitCode.failed,
          reason: `the runner could not be started: ${error instanceof Error ? error.message : String(error)}`,
        });
      }
      return true;
    },
    async adopt(run) {
      const job = readJob(home, run.deployment, run.job);
      const runner = adopt(run, options);
      const end = runner ? await watch(run, job, runner) : unseen(readRecord(run));
      await conclude(run, job, end);
    },
  };
}

/** True when `ms` passed before the promise was settled. */
async function before(ended: Promise<unknown>, ms: number): Promise<boolean> {
  const timer = new AbortController();
  // setTimeout holds 2^31 - 1 ms, 24 days.
  const limit = sleep(Math.min(Math.max(0, ms), 2 ** 31 - 1), true, { signal: timer.signal }).catch(
    () => false,
  );
  try {
    return await Promise.race([ended.then(() => false), limit]);
  } finally {
    timer.abort();
  }
}

function notificationEvent(status: RunStatus): NotificationEvent | undefined {
  if (status === "success" || status === "failure" || status === "timeout" || status === "missed")
    return status;
  return status === "stopped" ? "failure" : undefined;
}

function reasonOf(record: RunRecord): { reason?: string } {
  const reason = record.error ?? record.tasks.find((task) => task.error !== undefined)?.error;
  return reason === undefined || record.status === "success" ? {} : { reason };
}

function durationMs(run: Run): number {
  if (run.startedAt === null || run.endedAt === null) return 0;
  return new Date(run.endedAt).getTime() - new Date(run.startedAt).getTime();
}
