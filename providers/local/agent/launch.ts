/**
 * Starts the runner for one attempt of a run: at most one process for each attempt, whatever dies in between. The process
 * is the runner itself, or Docker's client, which lives as long as the container that it started.
 */
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Run } from "../../../history/history.js";
import { runnerEntry } from "../entries.js";
import {
  type DeploymentPaths,
  deploymentPaths,
  homePaths,
  makeDir,
  type RunPaths,
  writeJson,
} from "../home.js";
import type { JobRecord } from "../records.js";
import {
  containerCommand,
  containerName,
  endOfContainer,
  removeContainer,
  signalContainer,
} from "./container.js";
import { isSameProcess, processStart } from "./identity.js";
import { takeBack } from "./owner.js";
import { runnerArguments } from "./runner-arguments.js";

export interface LaunchOptions {
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The runner's command line up to its arguments; default: this Node and the built runner. */
  readonly runner?: readonly string[];
  /** Docker's network for containers; default: Docker's own default, a bridge. */
  readonly dockerNetwork?: string;
  /** Seconds that the runner's children get between SIGTERM and SIGKILL. */
  readonly graceSeconds: number;
  readonly log: (line: string) => void;
  /** How often a process of an earlier agent's is looked at; default 500 ms. */
  readonly pollMs?: number;
}

/** One attempt and where its things are. */
export interface Attempt {
  readonly run: Run;
  readonly job: JobRecord;
  readonly deployment: DeploymentPaths;
  readonly paths: RunPaths;
}

/** A runner that was started, by this agent or by an earlier one. */
export interface Runner {
  /** 0 when nothing but its container is left. */
  readonly pid: number;
  readonly start: string | null;
  /** Resolves when nothing of it runs any more; says why it ended where that can be seen from outside. */
  readonly ended: Promise<string | undefined>;
  /** Takes away what is left of it in Docker; to be called once it has ended. */
  remove(): Promise<void>;
  /** SIGTERM. */
  stop(): Promise<void>;
  /** SIGKILL, for all of it. */
  kill(): Promise<void>;
}

/**
 * The shell makes the attempt's pid file exclusively and then becomes the runner: when it is there already, an earlier
 * agent started this attempt and died before it could note so, and nothing is started. Beside the number it holds the
 * container's name, if the process is Docker's client.
 */
const becomeRunner = 'set -C; echo $$ "$1" > "$0" && shift && exec "$@"';

/** @throws Error when it can't be started. */
export async function launch(run: Run, job: JobRecord, options: LaunchOptions): Promise<Runner> {
  const deployment = deploymentPaths(options.home, run.deployment);
  const paths = deployment.run(run.runId);
  makeDir(paths.root);
  rmSync(paths.record, { force: true });
  writeJson(paths.request, { ...run.request, attempt: run.attempt });
  writeJson(paths.spec, job.spec);
  const attempt: Attempt = { run, job, deployment, paths };
  const container = job.container ? containerName(run) : undefined;
  const command = job.container
    ? await containerCommand(attempt, job.container, options)
    : processCommand(attempt, options);
  const output = openSync(paths.output, "a", 0o600);
  try {
    const pidFile = paths.pid(run.attempt);
    const child = spawn("/bin/sh", ["-c", becomeRunner, pidFile, container ?? "", ...command], {
      cwd: deployment.root,
      env: { ...options.env, HANDOFF_HOME: options.home },
      stdio: ["ignore", output, output],
      // Its own session: it outlives the agent, and a terminal's Ctrl-C.
      detached: true,
    });
    const exited = new Promise<void>((done) => child.once("exit", () => done()));
    await new Promise<void>((done, fail) => {
      child.once("error", fail);
      child.once("spawn", done);
    });
    child.unref();
    if (child.pid === undefined) throw new Error("the runner has no process id");
    const start = processStart(child.pid);
    return runnerOf({ pid: child.pid, start, exited, container, output: paths.output }, options);
  } finally {
    closeSync(output);
  }
}

/** The runner that an earlier agent started for a run; undefined when nothing says that it did. */
export function adopt(run: Run, options: LaunchOptions): Runner | undefined {
  const paths = deploymentPaths(options.home, run.deployment).run(run.runId);
  const file = paths.pid(run.attempt);
  const [number, container] = existsSync(file) ? readFileSync(file, "utf8").trim().split(" ") : [];
  const pid = run.pid ?? Number(number ?? 0);
  // Without a start mark the number alone would do, but the machine may have given it to another process.
  const start = run.pid === null ? startOfRunner(pid, run.runId) : run.pidStart;
  const known = pid > 0 && (run.pid !== null || start !== null);
  if (!known && container === undefined) return undefined;
  const exited = known ? gone(pid, start, options.pollMs ?? 500) : Promise.resolve();
  return runnerOf({ pid: known ? pid : 0, start, exited, container, output: paths.output }, options);
}

interface Started {
  readonly pid: number;
  readonly start: string | null;
  readonly exited: Promise<void>;
  readonly container: string | undefined;
  readonly output: string;
}

function runnerOf({ pid, start, exited, container, output }: Started, options: LaunchOptions): Runner {
  if (container === undefined) {
    return {
      pid,
      start,
      ended: exited.then(() => undefined),
      async remove() {},
      async stop() {
        signal(pid, "SIGTERM");
      },
      async kill() {
        if (!isSameProcess(pid, start)) return;
        signal(-pid, "SIGKILL");
        signal(pid, "SIGKILL");
      },
    };
  }
  return {
    pid,
    start,
    ended: exited.then(() => endOfContainer(container, output, options)),
    remove: () => removeContainer(container, options),
    stop: () => signalContainer(container, "SIGTERM", options),
    kill: () => signalContainer(container, "SIGKILL", options),
  };
}

function processCommand(attempt: Attempt, options: LaunchOptions): string[] {
  const { deployment, job, paths } = attempt;
  takeBack([deployment.artifacts, deployment.stores]);
  const runner = options.runner ?? [process.execPath, runnerEntry()];
  const places = {
    run: paths.root,
    code: job.codeDir,
    venvs: job.venvsDir || join(paths.root, "venvs"),
    artifacts: deployment.artifacts,
    // The folder is there once a secret is.
    secrets: existsSync(deployment.secrets) ? deployment.secrets : undefined,
    stores: deployment.stores,
    ...(job.spec.project.deploy.source.kind === "git" ? { cache: homePaths(options.home).cache } : {}),
  };
  return [...runner, ...runnerArguments(attempt, places, options.graceSeconds)];
}

/** Start mark of a process whose command line names the run; null when there is no such process. */
function startOfRunner(pid: number, runId: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(runId) ? processStart(pid) : null;
  } catch {
    return process.platform === "linux" ? null : processStart(pid);
  }
}

async function gone(pid: number, start: string | null, pollMs: number): Promise<void> {
  while (isSameProcess(pid, start)) await sleep(pollMs);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
