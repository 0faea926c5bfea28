/**
 * The local platform's scheduler. One timer to the next time that is due, at most 2 s ahead: then it also looks, with one
 * `stat` a folder, whether something was deployed or a message has come, and notices a clock that was moved.
 */
import { type FSWatcher, rmSync, statSync, watch } from "node:fs";
import { dirname } from "node:path";
import type { History, NewRun, Run } from "../../../history/history.js";
import { deploymentPaths, homePaths, makeDir } from "../home.js";
import type { JobRecord, TriggerRecord } from "../records.js";
import { changeDetector, deploymentFolders, readJob, readSchedules, readTriggers } from "./deployments.js";
import { type QueueOptions, recoverMessages, settleMessage, takeMessages } from "./queues.js";
import { createScheduler } from "./scheduler.js";
import { agentSettings } from "./settings.js";
import { createSupervisor } from "./supervisor.js";

export interface AgentOptions {
  readonly home: string;
  readonly history: History;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => Date;
  readonly log: (line: string) => void;
  /** Runner's command line, for tests. */
  readonly runner?: readonly string[];
  /** Longest time between two looks, in milliseconds; default 2,000. */
  readonly lookMs?: number;
}

export interface Agent {
  /** Stops firing; runs that are going on are left to the next agent. */
  stop(): void;
}

export function startAgentLoop(options: AgentOptions): Agent {
  const { home, history, now, log } = options;
  const paths = homePaths(home);
  makeDir(paths.agent);
  const { maxConcurrentRuns: maxRuns, keepRuns, ...launching } = agentSettings(home);
  const lookMs = options.lookMs ?? 2000;

  let jobs = new Map<string, JobRecord | undefined>();
  const job = (deployment: string, name: string): JobRecord | undefined => {
    const key = JSON.stringify([deployment, name]);
    if (!jobs.has(key)) jobs.set(key, readJob(home, deployment, name));
    return jobs.get(key);
  };
  const queueOptions: QueueOptions = { home, history, job, log };
  const scheduler = createScheduler({ history, job, log });
  const hasChanged = changeDetector(home, now);
  let triggers: TriggerRecord[] = [];
  let waiting: Run[] = [];
  let active = 0;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let wakeStamp = 0;

  const supervisor = createSupervisor({
    home,
    history,
    now,
    log,
    env: options.env,
    ...launching,
    ...(options.runner ? { runner: options.runner } : {}),
    onEnd(run) {
      if (run.status === "queued") waiting.push(run);
      else {
        settleMessage(home, run);
        prune(run);
      }
    },
  });

  const prune = (run: Run): void => {
    for (const runId of history.prunable(run.deployment, run.job, keepRuns)) {
      rmSync(deploymentPaths(home, run.deployment).run(runId).root, { recursive: true, force: true });
      history.markPruned(runId);
    }
  };

  /** Counts a run as active until its end, then makes room for the next. */
  const track = (work: Promise<unknown>): void => {
    active++;
    work
      .catch((error: unknown) =>
        log(`bug in the agent: ${error instanceof Error ? error.stack : String(error)}`),
      )
      .finally(() => {
        active--;
        if (!stopped) look();
      });
  };

  const pump = (): void => {
    const time = now().toISOString();
    const later: Run[] = [];
    for (const run of waiting) {
      if (active >= maxRuns || (run.notBefore !== null && run.notBefore > time)) later.push(run);
      else track(supervisor.start(run));
    }
    waiting = later;
  };

  const enqueue = (runs: readonly NewRun[]): void => {
    for (const { runId, status } of runs) {
      const run = history.get(runId);
      if (!run) continue;
      if (status === "queued") waiting.push(run);
      else {
        log(`${run.deployment}/${run.schedule} ${run.scheduledAt}: ${status} (${run.reason})`);
        if (status === "missed") void supervisor.notify(run);
      }
    }
  };

  const reload = (): void => {
    jobs = new Map();
    const folders = deploymentFolders(home);
    scheduler.load(folders.flatMap((folder) => readSchedules(home, folder, log)));
    triggers = folders.flatMap((folder) => readTriggers(home, folder, log));
  };

  /** Runs that the CLI queued. */
  const readWake = (): void => {
    const stamp = statSync(paths.wake, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (stamp === wakeStamp) return;
    wakeStamp = stamp;
    waiting = history.queued();
  };

  const look = (): void => {
    if (stopped) return;
    clearTimeout(timer);
    try {
      if (hasChanged()) reload();
      readWake();
      const time = now();
      enqueue(scheduler.tick(time));
      for (const trigger of triggers) enqueue(takeMessages(trigger, time, queueOptions));
      pump();
    } catch (error) {
      // Such as a disk that is full for a while: say so and look again.
      log(`the agent could not do its work: ${error instanceof Error ? error.stack : String(error)}`);
    }
    const wake = scheduler.nextWake();
    const ahead = wake === null ? lookMs : wake.getTime() - now().getTime();
    timer = setTimeout(look, Math.max(0, Math.min(ahead, lookMs)));
  };

  reload();
  for (const trigger of triggers) recoverMessages(trigger, now(), queueOptions);
  for (const run of history.owedNotices()) void supervisor.notify(run);
  waiting = history.queued();
  for (const run of history.running()) track(supervisor.adopt(run));
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(dirname(paths.wake), (_event, file) => {
      if (file === "wake") look();
    });
    watcher.on("error", () => watcher?.close());
  } catch {
    // No watches left on this machine: the next look finds it.
  }
  look();
  log(
    `the agent runs: ${scheduler.size} schedules, ${triggers.length} triggers, at most ${maxRuns} runs at a time`,
  );

  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
      watcher?.close();
    },
  };
}
