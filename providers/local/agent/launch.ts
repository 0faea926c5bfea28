/** Starts the runner for one attempt of a run: at most one process for each attempt, whatever dies in between. */
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Run } from "../../../history/history.js";
import { runnerEntry } from "../entries.js";
import { type DeploymentPaths, deploymentPaths, fileName, makeDir, writeJson } from "../home.js";
import type { JobRecord } from "../records.js";

export interface LaunchOptions {
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The runner's command line up to its arguments; default: this Node and the built runner. */
  readonly runner?: readonly string[];
  /** Seconds that the runner's children get between SIGTERM and SIGKILL. */
  readonly graceSeconds: number;
}

export interface Launched {
  readonly pid: number;
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>;
}

/**
 * The shell makes the attempt's pid file exclusively and then becomes the runner: when it is there already, an earlier
 * agent started this attempt and died before it could note so, and nothing is started.
 */
const becomeRunner = 'set -C; echo $$ > "$0" && exec "$@"';

/** @throws Error when the process can't be started. */
export function launch(run: Run, job: JobRecord, options: LaunchOptions): Promise<Launched> {
  const deployment = deploymentPaths(options.home, run.deployment);
  const paths = deployment.run(run.runId);
  makeDir(paths.root);
  rmSync(paths.record, { force: true });
  writeJson(paths.request, { ...run.request, attempt: run.attempt });
  writeJson(paths.spec, job.spec);
  const args = [
    "run",
    ["--spec", paths.spec],
    ["--request", paths.request],
    ["--code", job.codeDir],
    ["--work", paths.workspace],
    ["--venvs", job.venvsDir || join(paths.root, "venvs")],
    ["--artifacts", deployment.artifacts],
    // The folder is there once a secret is.
    existsSync(deployment.secrets) ? ["--secrets-dir", deployment.secrets] : [],
    ["--stores", JSON.stringify(storePaths(job, deployment))],
    ["--record", paths.record],
    ["--log", paths.log],
    ["--log-format", "json"],
    ["--grace", String(options.graceSeconds)],
  ].flat();
  const runner = options.runner ?? [process.execPath, runnerEntry()];
  const output = openSync(paths.output, "a", 0o600);
  try {
    const child = spawn("/bin/sh", ["-c", becomeRunner, paths.pid(run.attempt), ...runner, ...args], {
      cwd: deployment.root,
      env: { ...options.env, HANDOFF_HOME: options.home },
      stdio: ["ignore", output, output],
      // Its own session: it outlives the agent, and a terminal's Ctrl-C.
      detached: true,
    });
    const ended = new Promise<void>((done) => child.once("exit", () => done()));
    return new Promise((done, fail) => {
      child.once("error", fail);
      child.once("spawn", () => {
        child.unref();
        if (child.pid === undefined) fail(new Error("the runner has no process id"));
        else done({ pid: child.pid, ended });
      });
    });
  } finally {
    closeSync(output);
  }
}

function storePaths(job: JobRecord, deployment: DeploymentPaths): Record<string, string> {
  return Object.fromEntries(
    job.spec.project.stores.map(({ name, kind }) => [
      name,
      join(deployment.stores, kind === "table" ? `${fileName(name)}.sqlite` : fileName(name)),
    ]),
  );
}
