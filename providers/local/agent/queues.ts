/**
 * Directory queues: each file in `queues/<trigger>/` is a message and becomes one run. A message is renamed to
 * `.taken/<run>~<name>` before its run exists, so that a crash at any point leaves it in exactly one place; it is deleted
 * after a success and kept in `.failed/` after anything else.
 */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { History, NewRun, Run } from "../../../history/history.js";
import { newRunId } from "../../../model/run-id.js";
import { deploymentPaths, makeDir } from "../home.js";
import { allTasks, type JobRecord, type TriggerRecord } from "../records.js";

/** An environment variable holds at most 128 KiB on Linux; the name and the rest of the entry need a little. */
export const maxMessageBytes = 120 * 1024;

export interface QueueOptions {
  readonly home: string;
  readonly history: History;
  readonly job: (deployment: string, job: string) => JobRecord | undefined;
  readonly log: (line: string) => void;
}

function files(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .filter((name) => !name.startsWith(".") && statSync(join(dir, name)).isFile())
    .sort();
}

/** Takes as many messages as the trigger's concurrency leaves room for; returns the runs to start. */
export function takeMessages(trigger: TriggerRecord, now: Date, options: QueueOptions): NewRun[] {
  const { home, history, log } = options;
  const queue = deploymentPaths(home, trigger.deployment).queue(trigger.name);
  const waiting = files(queue);
  if (waiting.length === 0) return [];
  const job = options.job(trigger.deployment, trigger.job);
  if (!job) return [];
  const room = trigger.maxConcurrency - history.triggerActive(trigger.deployment, trigger.name);
  const taken = join(queue, ".taken");
  makeDir(taken);
  const runs: NewRun[] = [];
  for (const name of waiting) {
    if (runs.length >= room) break;
    if (statSync(join(queue, name)).size > maxMessageBytes) {
      reject(queue, join(queue, name), name);
      log(
        `${trigger.deployment}/${trigger.name}: message ${name} is larger than ${maxMessageBytes} bytes: moved to .failed/`,
      );
      continue;
    }
    const runId = newRunId(now);
    renameSync(join(queue, name), join(taken, `${runId}~${name}`));
    const run = runOf(trigger, job, runId, readFileSync(join(taken, `${runId}~${name}`), "utf8"), now);
    if (history.insertRun(run)) runs.push(run);
  }
  return runs;
}

/** After a crash: messages that were taken but have no run get one, and those whose run has ended are settled. */
export function recoverMessages(trigger: TriggerRecord, now: Date, options: QueueOptions): void {
  const { home, history } = options;
  const taken = join(deploymentPaths(home, trigger.deployment).queue(trigger.name), ".taken");
  const job = options.job(trigger.deployment, trigger.job);
  for (const name of files(taken)) {
    const runId = name.slice(0, name.indexOf("~"));
    const run = history.get(runId);
    if (run?.endedAt) settleMessage(home, run);
    else if (!run && job) {
      history.insertRun(runOf(trigger, job, runId, readFileSync(join(taken, name), "utf8"), now));
    }
  }
}

/** Puts a message to its end with its run. */
export function settleMessage(home: string, run: Run): void {
  if (run.trigger === null || run.endedAt === null) return;
  const queue = deploymentPaths(home, run.deployment).queue(run.trigger);
  const taken = join(queue, ".taken");
  for (const name of files(taken).filter((file) => file.startsWith(`${run.runId}~`))) {
    const file = join(taken, name);
    if (run.status === "success") rmSync(file, { force: true });
    else reject(queue, file, name);
  }
}

function reject(queue: string, file: string, name: string): void {
  const failed = join(queue, ".failed");
  makeDir(failed);
  renameSync(file, join(failed, name));
}

function runOf(trigger: TriggerRecord, job: JobRecord, runId: string, message: string, now: Date): NewRun {
  return {
    runId,
    deployment: trigger.deployment,
    stack: job.stack,
    client: job.client,
    job: trigger.job,
    schedule: null,
    trigger: trigger.name,
    scheduledAt: now.toISOString(),
    firedAt: now.toISOString(),
    status: "queued",
    request: {
      runId,
      tasks: trigger.tasks.length > 0 ? trigger.tasks : allTasks(job),
      vars: {},
      envs: {},
      scheduledAt: now.toISOString(),
      stage: job.stack,
      message,
      attempt: 1,
    },
  };
}
