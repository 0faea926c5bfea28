/**
 * Which runs are due. Holds no timer: `tick` is told the time, so tests replay a DST night in a millisecond.
 *
 * A time that is up to a minute late still fires (a busy moment, a short suspend). An older one was missed: with
 * `catchUp` the newest runs once, else it becomes one row `missed`.
 */
import type { History, NewRun } from "../../../history/history.js";
import { type Cron, latestFire, nextFire, parseCron } from "../../../model/cron.js";
import type { RunRequest } from "../../../model/run.js";
import { newRunId } from "../../../model/run-id.js";
import { allTasks, type JobRecord } from "../records.js";
import type { FoundSchedule } from "./deployments.js";

/** Later than this, a time counts as missed. */
export const lateMs = 60_000;

interface Entry {
  readonly found: FoundSchedule;
  readonly cron: Cron;
  next: Date | null;
}

export interface SchedulerOptions {
  readonly history: History;
  readonly job: (deployment: string, job: string) => JobRecord | undefined;
  readonly log: (line: string) => void;
}

export interface Scheduler {
  /** Takes the schedules that are deployed now. */
  load(schedules: readonly FoundSchedule[]): void;
  /** Puts what is due into the history; returns the runs to start. Nothing is returned twice, by any agent. */
  tick(now: Date): NewRun[];
  /** When `tick` has something to do next; null: never. */
  nextWake(): Date | null;
  readonly size: number;
}

export function createScheduler({ history, job: findJob, log }: SchedulerOptions): Scheduler {
  let entries: Entry[] = [];

  const load = (schedules: readonly FoundSchedule[]): void => {
    entries = [];
    for (const found of schedules) {
      const { deployment, schedule } = found.record;
      if (!schedule.enabled || found.paused) continue;
      try {
        const cron = parseCron(schedule.cron);
        const known = [
          history.lastFire(deployment, schedule.name),
          history.settledUntil(deployment, schedule.name),
          found.writtenAt.toISOString(),
        ].filter((at) => at !== undefined);
        const baseline = known.sort().at(-1) ?? found.writtenAt.toISOString();
        entries.push({ found, cron, next: nextFire(cron, schedule.timezone, new Date(baseline)) });
      } catch (error) {
        log(`${deployment}/${schedule.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  };

  const runOf = (entry: Entry, scheduledAt: Date, now: Date): NewRun | undefined => {
    const { deployment, job: jobName, schedule } = entry.found.record;
    const job = findJob(deployment, jobName);
    if (!job) return undefined;
    const request: RunRequest = {
      runId: newRunId(now),
      tasks: schedule.tasks.length > 0 ? schedule.tasks : allTasks(job),
      vars: {},
      envs: {},
      schedule: schedule.name,
      scheduledAt: scheduledAt.toISOString(),
      stage: job.stack,
      attempt: 1,
    };
    return {
      runId: request.runId,
      deployment,
      stack: job.stack,
      client: job.client,
      job: jobName,
      schedule: schedule.name,
      trigger: null,
      scheduledAt: request.scheduledAt,
      firedAt: now.toISOString(),
      status: "queued",
      request,
    };
  };

  const due = (entry: Entry, now: Date): NewRun | undefined => {
    const { schedule, deployment } = entry.found.record;
    const first = entry.next;
    const latest = latestFire(entry.cron, schedule.timezone, now);
    entry.next = nextFire(entry.cron, schedule.timezone, now);
    if (!first || !latest || latest < first) return undefined;
    const run = runOf(entry, latest, now);
    if (!run) {
      log(`${deployment}/${schedule.name}: its job is not deployed; not run`);
      return undefined;
    }
    const missed = now.getTime() - latest.getTime() > lateMs;
    if (missed && !schedule.catchUp) {
      return {
        ...run,
        status: "missed",
        reason: `no agent was running from ${first.toISOString()} on; set catch_up: true to run once for missed times`,
        notice: true,
      };
    }
    if (schedule.overlap === "skip" && history.scheduleActive(deployment, schedule.name)) {
      return { ...run, status: "skipped", reason: "the previous run was still going on (overlap: skip)" };
    }
    return run;
  };

  return {
    load,
    tick(now) {
      const runs = entries
        .filter((entry) => entry.next !== null && entry.next <= now)
        .map((entry) => due(entry, now))
        .filter((run) => run !== undefined);
      if (runs.length === 0) return [];
      return history.insertRuns(runs);
    },
    nextWake() {
      let wake: Date | null = null;
      for (const { next } of entries) if (next && (!wake || next < wake)) wake = next;
      return wake;
    },
    get size() {
      return entries.length;
    },
  };
}
