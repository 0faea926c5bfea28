/** Paths under `$HANDOFF_HOME` and the one way its JSON is read and written. The layout is described in records.ts. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";

/** The folder that the local platform lives in: `HANDOFF_HOME` (made absolute), else `~/.handoff`. */
export function handoffHome(env: NodeJS.ProcessEnv): string {
  return env.HANDOFF_HOME ? resolve(env.HANDOFF_HOME) : join(homedir(), ".handoff");
}

/**
 * A name of the user's as a file name that is valid everywhere and can't leave its folder: other characters than
 * letters, digits, `-`, `_` and `.` are percent-encoded, and so is a leading dot.
 */
export function fileName(name: string): string {
  return encodeURIComponent(name)
    .replace(/[!'()*~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/^\./, "%2E");
}

export interface HomePaths {
  readonly root: string;
  readonly deployments: string;
  readonly code: string;
  readonly venvs: string;
  readonly cache: string;
  readonly agent: string;
  /** JSON `AgentLock`; exists while an agent runs. */
  readonly agentPid: string;
  readonly agentLog: string;
  /** JSON `AgentSettings`, written by the user; may be missing. */
  readonly agentSettings: string;
  /** A file is put here to tell the agent to look into the history for queued runs. */
  readonly wake: string;
  readonly history: string;
}

export function homePaths(root: string): HomePaths {
  const agent = join(root, "agent");
  return {
    root,
    deployments: join(root, "deployments"),
    code: join(root, "code"),
    venvs: join(root, "venvs"),
    cache: join(root, "cache"),
    agent,
    agentPid: join(agent, "agent.pid"),
    agentLog: join(agent, "agent.log"),
    agentSettings: join(agent, "settings.json"),
    wake: join(agent, "wake"),
    history: join(root, "history.db"),
  };
}

export interface DeploymentPaths {
  readonly root: string;
  readonly jobs: string;
  readonly schedules: string;
  readonly triggers: string;
  readonly queues: string;
  readonly secrets: string;
  readonly stores: string;
  readonly artifacts: string;
  readonly runs: string;
  /** Of containers that clone their project: what one run installs, the next finds. */
  readonly cache: string;
  job(name: string): string;
  schedule(name: string): string;
  /** Exists while the schedule is paused. */
  paused(schedule: string): string;
  trigger(name: string): string;
  queue(trigger: string): string;
  secret(key: string): string;
  run(runId: string): RunPaths;
}

export interface RunPaths {
  readonly root: string;
  readonly request: string;
  readonly spec: string;
  readonly log: string;
  /** Written last, by rename: its presence means that the runner finished. */
  readonly record: string;
  readonly workspace: string;
  /** What the runner's process itself printed, such as a crash. */
  readonly output: string;
  /** Made exclusively by the attempt's process before it becomes the runner: no attempt can run twice. */
  pid(attempt: number): string;
}

/** `deployment` is `<pulumi project>-<stack>`. */
export function deploymentPaths(home: string, deployment: string): DeploymentPaths {
  const root = join(home, "deployments", fileName(deployment));
  const jobs = join(root, "jobs");
  const schedules = join(root, "schedules");
  const triggers = join(root, "triggers");
  const queues = join(root, "queues");
  const secrets = join(root, "secrets");
  const runs = join(root, "runs");
  return {
    root,
    jobs,
    schedules,
    triggers,
    queues,
    secrets,
    runs,
    cache: join(root, "cache"),
    stores: join(root, "stores"),
    artifacts: join(root, "artifacts"),
    job: (name) => join(jobs, `${fileName(name)}.json`),
    schedule: (name) => join(schedules, `${fileName(name)}.json`),
    paused: (name) => join(schedules, `${fileName(name)}.paused`),
    trigger: (name) => join(triggers, `${fileName(name)}.json`),
    queue: (name) => join(queues, fileName(name)),
    secret: (key) => join(secrets, fileName(key)),
    run: (runId) => runPaths(join(runs, fileName(runId))),
  };
}

function runPaths(root: string): RunPaths {
  return {
    root,
    request: join(root, "request.json"),
    spec: join(root, "spec.json"),
    log: join(root, "log.jsonl"),
    record: join(root, "record.json"),
    workspace: join(root, "workspace"),
    output: join(root, "runner.log"),
    pid: (attempt) => join(root, `pid.${attempt}`),
  };
}

/** A folder for the owner alone (0700), with its parents. */
export function makeDir(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
}

/** Writes text under a temporary name and renames it, so that a reader sees all of it or nothing. Default mode 0600. */
export function writeFileAtomic(file: string, text: string, mode = 0o600): void {
  makeDir(dirname(file));
  // The dot keeps the temporary name out of listings of records and messages.
  const temporary = join(dirname(file), `.tmp-${process.pid}-${randomBytes(6).toString("hex")}`);
  try {
    writeFileSync(temporary, text, { mode, flag: "wx" });
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** `writeFileAtomic` of indented JSON. */
export function writeJson(file: string, value: unknown, mode = 0o600): void {
  writeFileAtomic(file, `${JSON.stringify(value, null, 2)}\n`, mode);
}

/** The parsed file, or undefined when there is none. Throws, naming the file, when it holds no JSON. */
export function readJson<T>(file: string): T | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new Error(`${file} holds no valid JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}
