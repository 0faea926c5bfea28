/**
 * The runner in a container: what to run, from arguments and environment alone (docs/environment.md, "In a container").
 * The same image runs any task, for any schedule.
 */
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { parseArgs } from "node:util";
import { isSecretVariable, secretVariable } from "../../model/container-env.js";
import { latestFire, parseCron } from "../../model/cron.js";
import { UserError } from "../../model/diagnostic.js";
import type { RunRequest, RunSpec } from "../../model/run.js";
import { neededSecrets } from "../../model/secrets.js";
import { storeHooks } from "./container-store.js";
import type { Job } from "./job.js";
import { openArtifacts } from "./store/open.js";

export const containerUsage = `usage:
  run [--no-retries] [-v KEY=VALUE]… [-e KEY=VALUE]… [TASK…]   run the project's tasks
  exec -- COMMAND [ARGUMENT…]                                   run a command as a task's would be
  info                                                          what is in this image, as JSON`;

type Env = Readonly<Record<string, string | undefined>>;

/** The image as its Dockerfile makes it. */
export interface Image {
  /** Holds `spec.json`, `project/` and `venvs/`. */
  readonly root: string;
  readonly env: Env;
  read(file: string): string;
}

/** A project as it is run. */
export interface Contents {
  readonly spec: RunSpec;
  /** The project's folder. */
  readonly codeDir: string;
  readonly venvsDir: string;
}

export interface ContainerRun {
  readonly request: RunRequest;
  /** The spec of the image; without the tasks' retries where an orchestrator retries the job. */
  readonly spec: RunSpec;
  readonly secrets: ReadonlyMap<string, string>;
  /** What commands inherit: without the variables that hold secrets. */
  readonly baseEnv: Readonly<Record<string, string>>;
}

export interface ContainerSource {
  /** After `run`. */
  readonly args: readonly string[];
  readonly env: Env;
  readonly spec: RunSpec;
  readonly now: Date;
  readonly runId: string;
}

/** `HANDOFF_ROOT`, which the image sets; undefined outside of one. */
export function imageRoot(env: Image["env"]): string | undefined {
  return nonEmpty(env.HANDOFF_ROOT);
}

/** What is in the image. @throws UserError `unreadable`; `no-source` for an image without a project */
export function imageContents(image: Image): Contents {
  const { root } = image;
  return { spec: specOf(image), codeDir: join(root, "project"), venvsDir: join(root, "venvs") };
}

/** Folder that all is written below: `HANDOFF_WORK`, else in the temporary folder. */
export function workRoot(env: Env): string {
  return nonEmpty(env.HANDOFF_WORK) ?? join(tmpdir(), "handoff");
}

export type ContainerCall = Pick<ContainerSource, "args" | "now" | "runId">;

/** The run that a container was started for. @throws UserError as `containerRun` */
export function containerJob(contents: Contents, env: Env, call: ContainerCall): Job {
  const { spec: whole, codeDir, venvsDir } = contents;
  const { spec, request, secrets, baseEnv } = containerRun({ ...call, env, spec: whole });
  const artifacts = nonEmpty(env.HANDOFF_ARTIFACTS);
  const told = nonEmpty(env.HANDOFF_SCHEDULED_AT) !== undefined;
  return {
    spec,
    request,
    ...(artifacts === undefined
      ? {}
      : storeHooks({
          location: artifacts,
          env,
          spec: whole,
          request,
          told,
          startedAt: startedAt(env, call.now),
        })),
    log: { format: env.HANDOFF_LOG_FORMAT === "text" ? "text" : "json" },
    context: {
      codeDir,
      workDir: join(workRoot(env), request.runId),
      venvsDir,
      artifactsDir: null,
      ...(artifacts === undefined ? {} : { artifacts: openArtifacts(artifacts, env) }),
      secrets,
      hidden: Object.entries(env).flatMap(([name, value]) =>
        isSecretVariable(name) && value ? [value] : [],
      ),
      baseEnv,
      ...(nonEmpty(env.HANDOFF_GRACE_SECONDS) === undefined
        ? {}
        : { graceMs: Number(env.HANDOFF_GRACE_SECONDS) * 1000 }),
    },
  };
}

/** What there is to run. @param source of a project that was cloned */
export function projectInfo(
  { spec: { project } }: Pick<Contents, "spec">,
  env: Env,
  source?: Readonly<Record<string, string>>,
): Readonly<Record<string, unknown>> {
  return {
    schemaVersion: 1,
    project: project.name,
    dialect: project.dialect,
    contentHash: source ? null : (nonEmpty(env.HANDOFF_CONTENT_HASH) ?? null),
    ...(source ? { source } : {}),
    tasks: project.tasks.map(({ name }) => name),
    venvs: [...new Set(project.installs.map(({ venv }) => venv))],
    node: process.version,
  };
}

/** Runs a command in the environment of the project's commands, with all virtual environments on PATH. Gives its exit code. */
export function runCommand(
  { spec, codeDir, venvsDir }: Contents,
  from: Env,
  args: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const [command, ...rest] = args[0] === "--" ? args.slice(1) : args;
  if (command === undefined) {
    throw new UserError("exec needs a command", { code: "usage", hint: containerUsage });
  }
  const { baseEnv, secrets } = containerRun({ args: [], env: from, spec, now: new Date(), runId: "exec" });
  const bins = spec.project.installs.map(({ venv }) => join(venvsDir, venv, "bin"));
  const env = {
    ...baseEnv,
    ...Object.fromEntries(spec.project.secretEnvs.map((key) => [key, secrets.get(key) ?? ""])),
    ...spec.project.envs,
    PATH: [...new Set(bins), baseEnv.PATH ?? ""].join(delimiter),
  };
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, { cwd: codeDir, env, stdio: "inherit" });
    signal.addEventListener("abort", () => child.kill(signal.reason));
    child.on("error", (error) => {
      reject(new UserError(`${command} can't be started: ${error.message}`, { code: "not-started" }));
    });
    child.on("exit", (code, ended) => resolve(code ?? (ended === "SIGINT" ? 130 : 143)));
  });
}

function specOf({ root, read }: Image): RunSpec {
  const file = join(root, "spec.json");
  let spec: RunSpec | null;
  try {
    spec = JSON.parse(read(file)) as RunSpec | null;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`${file} can't be read: ${reason}`, {
      code: "unreadable",
      hint: "build the image anew with handoff up",
    });
  }
  if (spec !== null) return spec;
  throw new UserError("there is no project in this image, and HANDOFF_SOURCE_URL doesn't say what to clone", {
    code: "no-source",
    hint: "set HANDOFF_SOURCE_URL, or deploy a project with deploy.source.git",
  });
}

/** @throws UserError `usage` for arguments that aren't right, `invalid-environment` for a variable that isn't */
export function containerRun({ args, env, spec, now, runId }: ContainerSource): ContainerRun {
  const { values, positionals } = parse(args);
  const schedule = nonEmpty(env.HANDOFF_SCHEDULE);
  const request: RunRequest = {
    runId: givenRunId(env.HANDOFF_RUN_ID) ?? runId,
    tasks: positionals,
    vars: pairs(values.var ?? [], "-v"),
    envs: pairs(values.env ?? [], "-e"),
    ...(schedule === undefined ? {} : { schedule }),
    scheduledAt: scheduledAt(spec, schedule, env, now).toISOString(),
    stage: nonEmpty(env.HANDOFF_STAGE) ?? "dev",
    ...(env.HANDOFF_MESSAGE === undefined ? {} : { message: env.HANDOFF_MESSAGE }),
    attempt: attempt(env.HANDOFF_ATTEMPT),
  };
  return {
    request,
    spec: values["no-retries"] ? withoutRetries(spec) : spec,
    secrets: secretsOf(spec, env),
    baseEnv: Object.fromEntries(
      Object.entries(env).flatMap(([name, value]) =>
        value === undefined || isSecretVariable(name) ? [] : [[name, value]],
      ),
    ),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        "no-retries": { type: "boolean" },
        var: { type: "string", short: "v", multiple: true },
        env: { type: "string", short: "e", multiple: true },
      },
    });
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error), {
      code: "usage",
      hint: containerUsage,
    });
  }
}

function pairs(given: readonly string[], option: string): Record<string, string> {
  return Object.fromEntries(
    given.map((pair) => {
      const at = pair.indexOf("=");
      if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
      throw new UserError(`${option} ${pair} has no KEY= before its value`, {
        code: "usage",
        hint: containerUsage,
      });
    }),
  );
}

/** It names the archive of the run's artifacts, and the workspace. */
function givenRunId(text: string | undefined): string | undefined {
  const given = nonEmpty(text);
  if (given === undefined || (/^[\w.@~-]{1,200}$/.test(given) && !/^\.+$/.test(given))) return given;
  throw new UserError(`HANDOFF_RUN_ID is ${given}, which can't name a run`, {
    code: "invalid-environment",
    hint: "use letters, digits, `_`, `.`, `@`, `~` and `-`",
  });
}

/** From the platform where it says so; else the schedule's latest fire time when the run was started; else that moment. */
function scheduledAt(spec: RunSpec, name: string | undefined, env: Env, now: Date): Date {
  const given = instant(env, "HANDOFF_SCHEDULED_AT");
  if (given !== undefined) return given;
  // The later jobs of a flow, and a job that is tried again after hours, stand for the same instant as the first.
  const started = startedAt(env, now);
  const schedule = spec.project.schedules.find((candidate) => candidate.name === name);
  if (!schedule || schedule.cron === "") return started;
  return latestFire(parseCron(schedule.cron), schedule.timezone, started) ?? started;
}

const startedAt = (env: Env, now: Date): Date => instant(env, "HANDOFF_STARTED_AT") ?? now;

function instant(env: Env, variable: "HANDOFF_SCHEDULED_AT" | "HANDOFF_STARTED_AT"): Date | undefined {
  const given = nonEmpty(env[variable]);
  if (given === undefined) return undefined;
  const found = new Date(given);
  if (!Number.isNaN(found.getTime())) return found;
  throw new UserError(`${variable} is ${given}, which is no instant`, {
    code: "invalid-environment",
    hint: "write ISO 8601, such as 2026-01-31T06:00:00Z",
  });
}

function attempt(text: string | undefined): number {
  if (nonEmpty(text) === undefined) return 1;
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new UserError(`HANDOFF_ATTEMPT is ${text}, which is no number from 1`, {
    code: "invalid-environment",
  });
}

function secretsOf(spec: RunSpec, env: ContainerSource["env"]): Map<string, string> {
  return new Map(
    neededSecrets(spec.project).flatMap((key) => {
      const value = env[secretVariable(key)];
      return value === undefined ? [] : [[key, value] as const];
    }),
  );
}

function withoutRetries({ project, ...spec }: RunSpec): RunSpec {
  const tasks = project.tasks.map(({ retries: _, ...task }) => task);
  const { retries: _, ...deploy } = project.deploy;
  return { ...spec, project: { ...project, tasks, deploy } };
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}
