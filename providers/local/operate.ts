/** Operating what is deployed on this machine: run now, status, logs, schedules, the agent. Data in, data out. */
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readdirSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type History, openHistory, type Run } from "../../history/history.js";
import { nextFire, parseCron } from "../../model/cron.js";
import { ExitCode, UserError } from "../../model/diagnostic.js";
import { nearest } from "../../model/nearest.js";
import { newRunId } from "../../model/run-id.js";
import type { ScheduleView, TriggerRequest } from "../operate.js";
import { deploymentFolders, type FoundSchedule, readJobs, readSchedules } from "./agent/deployments.js";
import { isSameProcess } from "./agent/identity.js";
import { liveAgent } from "./agent/lock.js";
import { agentEntry } from "./entries.js";
import { deploymentPaths, fileName, homePaths, makeDir, writeFileAtomic } from "./home.js";
import { deploymentName } from "./names.js";
import type { AgentStatus, OperateContext } from "./operate-types.js";
import { allTasks } from "./records.js";

export type * from "./operate-types.js";
export { readLog } from "./read-log.js";

/** How long an agent may take to start or to stop. */
const agentPatienceMs = 15_000;

function withHistory<T>(context: OperateContext, action: (history: History) => T): T {
  const history = openHistory(homePaths(context.home).history);
  try {
    return action(history);
  } finally {
    history.close();
  }
}

function unknown(what: string, name: string, known: readonly string[], hint: string): UserError {
  const meant = nearest(name, known);
  const list = known.length > 0 ? `there are: ${known.join(", ")}` : hint;
  return new UserError(`no ${what} ${name}`, {
    code: `unknown-${what}`,
    hint: meant === undefined ? list : `did you mean ${meant}?`,
  });
}

/** @throws UserError `not-deployed` when the stack has never been deployed to this home. */
export function resolveDeployment(context: OperateContext, pulumiProject: string, stack: string): string {
  const deployment = deploymentName(pulumiProject, stack);
  if (existsSync(deploymentPaths(context.home, deployment).jobs)) return deployment;
  const deployed = deploymentFolders(context.home).filter((folder) =>
    existsSync(deploymentPaths(context.home, folder).jobs),
  );
  throw new UserError(`stack ${stack} is not deployed on this machine`, {
    code: "not-deployed",
    hint: `deploy it first: handoff up ${stack}${deployed.length > 0 ? ` (deployed here: ${deployed.join(", ")})` : ""}`,
  });
}

/**
 * Queues a run of a job now, and sees to it that somebody starts it: the agent, or a process for this run alone.
 * @throws UserError for an unknown job or task
 */
export async function triggerRun(
  context: OperateContext,
  deployment: string,
  jobName: string | undefined,
  options: Omit<TriggerRequest, "job"> = {},
): Promise<Run> {
  const { schedule } = options;
  const record = schedule === undefined ? undefined : readSchedule(context, deployment, schedule).record;
  const wanted = jobName ?? record?.job;
  const jobs = readJobs(context.home, deployment);
  const names = jobs.map(({ name }) => name);
  const job = wanted === undefined && jobs.length === 1 ? jobs[0] : jobs.find(({ name }) => name === wanted);
  if (!job) {
    if (wanted !== undefined) throw unknown("job", wanted, names, "deploy the stack first");
    throw new UserError(`which job? There are: ${names.join(", ")}`, { code: "no-job", hint: "name one" });
  }
  for (const task of options.tasks ?? []) {
    // What a clone will have isn't known here.
    if (allTasks(job).length > 0 && !job.tasks.includes(task))
      throw unknown("task", task, job.tasks, "the job has no tasks");
  }
  const now = context.now();
  const runId = newRunId(now);
  const firedAt = now.toISOString();
  const scheduledAt = options.scheduledAt ?? firedAt;
  const selected = options.tasks ?? record?.schedule.tasks ?? [];
  const queued = withHistory(context, (history) => {
    history.insertRun({
      runId,
      deployment,
      stack: job.stack,
      client: job.client,
      job: job.name,
      // Not the schedule's own run: each of its times has one.
      schedule: null,
      trigger: null,
      scheduledAt,
      firedAt,
      status: "queued",
      request: {
        runId,
        tasks: selected.length > 0 ? selected : allTasks(job),
        vars: options.vars ?? {},
        envs: options.envs ?? {},
        ...(schedule === undefined ? {} : { schedule }),
        scheduledAt,
        stage: job.stack,
        attempt: 1,
      },
    });
    return history.get(runId);
  });
  if (!queued) throw new Error(`run ${runId} was not written to the history`);
  const paths = homePaths(context.home);
  if (liveAgent(paths)) writeFileAtomic(paths.wake, runId);
  else await startProcess(context, ["one", runId]);
  return queued;
}

/** The run once it has ended; earlier, as it is then, when the signal is aborted. */
export async function waitForRun(context: OperateContext, runId: string, signal?: AbortSignal): Promise<Run> {
  const history = openHistory(homePaths(context.home).history);
  try {
    for (;;) {
      const run = history.get(runId);
      if (!run) throw unknown("run", runId, [], "it was never asked for");
      if (run.endedAt !== null || signal?.aborted) return run;
      await sleep(100);
    }
  } finally {
    history.close();
  }
}

/** Newest first. */
export function listRuns(
  context: OperateContext,
  deployment: string,
  filter: { readonly limit?: number; readonly before?: string } = {},
): Run[] {
  return withHistory(context, (history) => history.list({ deployment, ...filter }));
}

/**
 * A run by its id or the beginning of it; the newest when none is named.
 * @throws UserError `unknown-run`, `ambiguous-run`
 */
export function findRun(context: OperateContext, deployment: string, id: string | undefined): Run {
  return withHistory(context, (history) => {
    const [newest] = history.list({ deployment, limit: 1 });
    if (!newest) {
      throw new UserError("nothing has run yet", {
        code: "unknown-run",
        hint: "run it now: handoff trigger",
      });
    }
    if (id === undefined) return newest;
    const found = [history.get(id), ...history.matching(id).map((match) => history.get(match))].filter(
      (run) => run?.deployment === deployment,
    );
    const ids = new Set(found.map((run) => run?.runId));
    const [only] = found;
    if (only && ids.size === 1) return only;
    const recent = history.list({ deployment, limit: 20 }).map((run) => run.runId);
    if (ids.size === 0) throw unknown("run", id, recent, "none yet");
    throw new UserError(`several runs begin with ${id}: ${[...ids].join(", ")}`, {
      code: "ambiguous-run",
      hint: "give more of the id",
    });
  });
}

export function listSchedules(context: OperateContext, deployment: string): ScheduleView[] {
  return withHistory(context, (history) =>
    readSchedules(context.home, fileName(deployment), () => {})
      .map(({ record: { job, schedule }, paused }): ScheduleView => {
        const { name, description, cron, timezone, enabled } = schedule;
        const [last] = history.list({ deployment, schedule: name, limit: 1 });
        const next: string[] = [];
        if (enabled && !paused) {
          const parsed = parseCron(cron);
          for (let at = nextFire(parsed, timezone, context.now()); at && next.length < 3; ) {
            next.push(at.toISOString());
            at = nextFire(parsed, timezone, at);
          }
        }
        return {
          name,
          job,
          cron,
          timezone,
          enabled,
          paused,
          next,
          ...(description === undefined ? {} : { description }),
          ...(last
            ? { last: { runId: last.runId, scheduledAt: last.scheduledAt, status: last.status } }
            : {}),
        };
      })
      .sort((a, b) => a.name.localeCompare(b.name)),
  );
}

/** Until it is resumed the schedule does not fire; deployments leave it so. @throws UserError `unknown-schedule` */
export function pauseSchedule(context: OperateContext, deployment: string, name: string): void {
  requireSchedule(context, deployment, name);
  writeFileAtomic(deploymentPaths(context.home, deployment).paused(name), "");
}

/** It fires from its next time on; times that passed meanwhile are not owed. @throws UserError `unknown-schedule` */
export function resumeSchedule(context: OperateContext, deployment: string, name: string): void {
  requireSchedule(context, deployment, name);
  withHistory(context, (history) => history.settle(deployment, name, context.now().toISOString()));
  rmSync(deploymentPaths(context.home, deployment).paused(name), { force: true });
}

function readSchedule(context: OperateContext, deployment: string, name: string): FoundSchedule {
  requireSchedule(context, deployment, name);
  const found = readSchedules(context.home, fileName(deployment), () => {}).find(
    ({ record }) => record.schedule.name === name,
  );
  if (found) return found;
  throw unknown("schedule", name, [], "its record can't be read: deploy the stack again");
}

function requireSchedule(context: OperateContext, deployment: string, name: string): void {
  const paths = deploymentPaths(context.home, deployment);
  if (existsSync(paths.schedule(name))) return;
  const known = existsSync(paths.schedules)
    ? readdirSync(paths.schedules)
        .filter((file) => file.endsWith(".json"))
        .map((file) => decodeURIComponent(file.slice(0, -".json".length)))
    : [];
  throw unknown("schedule", name, known, "the stack has no schedules");
}

export function agentStatus(context: OperateContext): AgentStatus {
  const lock = liveAgent(homePaths(context.home));
  return { running: lock !== undefined, pid: lock?.pid ?? null, startedAt: lock?.startedAt ?? null };
}

/** Starts the agent in the background and waits until it fires. @throws UserError `agent-failed` */
export async function startAgent(
  context: OperateContext,
): Promise<AgentStatus & { readonly alreadyRunning: boolean }> {
  const paths = homePaths(context.home);
  if (liveAgent(paths)?.ready) return { ...agentStatus(context), alreadyRunning: true };
  const process = await startProcess(context, ["run"]);
  const end = performance.now() + agentPatienceMs;
  while (performance.now() < end) {
    const lock = liveAgent(paths);
    if (lock?.ready) {
      // Another one was faster: ours must not come up later, when that one has been stopped.
      if (lock.pid !== process.pid) await process.end();
      return { ...agentStatus(context), alreadyRunning: lock.pid !== process.pid };
    }
    if (!lock && process.ended()) break;
    await sleep(50);
  }
  throw new UserError("the agent did not start", {
    code: "agent-failed",
    hint: `its log says why: ${paths.agentLog}`,
    exitCode: ExitCode.failed,
  });
}

/** The agent in this terminal, for a service manager; resolves with its exit code. */
export function runAgentInForeground(context: OperateContext): Promise<number> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [agentEntry(), "run"], {
      env: { ...context.env, HANDOFF_HOME: context.home },
      stdio: "inherit",
    });
    // A service manager may signal this process alone.
    const forward = (signal: NodeJS.Signals) => child.kill(signal);
    process.on("SIGTERM", forward);
    child.on("error", fail);
    child.on("exit", (code) => {
      process.off("SIGTERM", forward);
      done(code ?? ExitCode.failed);
    });
  });
}

/** Stops the agent and waits for its end; false when none ran. */
export async function stopAgent(context: OperateContext): Promise<boolean> {
  const lock = liveAgent(homePaths(context.home));
  if (!lock) return false;
  process.kill(lock.pid, "SIGTERM");
  const end = performance.now() + agentPatienceMs;
  while (isSameProcess(lock.pid, lock.start)) {
    if (performance.now() > end) {
      throw new UserError(`the agent (process ${lock.pid}) does not stop`, {
        code: "agent-failed",
        hint: `end it with: kill -9 ${lock.pid}; its runs go on and are taken over at the next start`,
        exitCode: ExitCode.failed,
      });
    }
    await sleep(50);
  }
  return true;
}

interface StartedProcess {
  readonly pid: number;
  ended(): boolean;
  end(): Promise<void>;
}

/** A detached process of the agent's program; what it prints goes to the agent's log. */
async function startProcess(context: OperateContext, args: readonly string[]): Promise<StartedProcess> {
  const paths = homePaths(context.home);
  makeDir(paths.agent);
  const output = openSync(paths.agentLog, "a", 0o600);
  try {
    const child = spawn(process.execPath, [agentEntry(), ...args], {
      cwd: context.home,
      env: { ...context.env, HANDOFF_HOME: context.home },
      stdio: ["ignore", output, output],
      detached: true,
    });
    await new Promise<void>((done, fail) => {
      child.once("spawn", done);
      child.once("error", fail);
    });
    child.unref();
    const ended = () => child.exitCode !== null || child.signalCode !== null;
    return {
      pid: child.pid ?? 0,
      ended,
      async end() {
        child.kill("SIGKILL");
        while (!ended()) await sleep(10);
      },
    };
  } finally {
    closeSync(output);
  }
}
