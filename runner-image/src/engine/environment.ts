/** What commands find in their environment, and the variables of their templates. The table: docs/environment.md. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { storeVariable } from "../../../model/container-env.js";
import type { RunRequest, RunSpec } from "../../../model/run.js";
import type { Environment } from "./frame.js";

export interface EnvironmentOptions {
  readonly spec: RunSpec;
  readonly request: RunRequest;
  readonly codeDir: string;
  readonly workDir: string;
  readonly secrets: ReadonlyMap<string, string>;
  readonly baseEnv: Environment;
  /** Where each declared store is: a path, a URL, a table's name. */
  readonly stores: Readonly<Record<string, string>>;
}

export interface Environments {
  /** For every command. */
  readonly base: Environment;
  /** The part of it that a task's own `envs` don't change. */
  readonly top: Environment;
}

/** `render` is for values that are templates: those of the file, not those of `-e`. */
export function buildEnvironments(
  options: EnvironmentOptions,
  render: (text: string) => string,
): Environments {
  const { spec, request } = options;
  const { project } = spec;
  const schedule = project.schedules.find((candidate) => candidate.name === request.schedule);
  const rendered = (values: Environment): Environment =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, render(value)]));
  const secrets = project.secretEnvs.flatMap((name) => {
    const value = options.secrets.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const top = { ...rendered(schedule?.envs ?? {}), ...request.envs, ...handoffVariables(options) };
  const base = { ...options.baseEnv, ...Object.fromEntries(secrets), ...rendered(project.envs), ...top };
  return { base, top };
}

function handoffVariables(options: EnvironmentOptions): Environment {
  const { spec, request, workDir } = options;
  const { project } = spec;
  const stores = Object.entries(options.stores).map(([name, location]) => [storeVariable(name), location]);
  return {
    HANDOFF_RUN_ID: request.runId,
    HANDOFF_PROJECT: project.name,
    HANDOFF_STAGE: request.stage,
    HANDOFF_ATTEMPT: String(request.attempt),
    HANDOFF_SCHEDULED_AT: request.scheduledAt,
    ...(request.schedule === undefined ? {} : { HANDOFF_SCHEDULE: request.schedule }),
    ...(request.message === undefined ? {} : { HANDOFF_MESSAGE: request.message }),
    HANDOFF_WORK_DIR: workDir,
    HANDOFF_ARTIFACTS_DIR: join(workDir, "artifacts"),
    HANDOFF_CODE_DIR: options.codeDir,
    ...Object.fromEntries(stores),
    ...(project.dialect === "0.x" ? legacyVariables(options) : {}),
  };
}

function legacyVariables({ spec, request, workDir }: EnvironmentOptions): Environment {
  return {
    HO_STAGE: request.stage,
    HO_RESOURCE_GROUP: spec.project.deploy.legacy.resource_group ?? "",
    HO_BUCKET: workDir,
  };
}

/** What differs from task to task. */
export function taskVariables(spec: RunSpec, task: string): Environment {
  return { HANDOFF_TASK: task, ...(spec.project.dialect === "0.x" ? { HO_TASK: task } : {}) };
}

/** With a venv's programs first, as its `activate` does it. */
export function inVenv(env: Environment, dir: string): Environment {
  const { PYTHONHOME: _, ...rest } = env;
  return {
    ...rest,
    VIRTUAL_ENV: dir,
    PATH: `${join(dir, "bin")}:${env.PATH ?? "/usr/local/bin:/usr/bin:/bin"}`,
  };
}

/**
 * Variables of the templates, lowest first: secrets, vars, the schedule's vars, 0.x's `__VARS`, `-v`. Values of the
 * file may be templates themselves and see those that come before them.
 */
export async function buildVariables(
  options: EnvironmentOptions,
  render: (text: string, variables: Environment) => string,
): Promise<Environment> {
  const { spec, request } = options;
  const { project } = spec;
  const schedule = project.schedules.find((candidate) => candidate.name === request.schedule);
  const declared = { ...project.vars, ...schedule?.vars };
  const { __VARS: fromVars, ...given } = declared;
  const variables: Record<string, string> = { ...Object.fromEntries(options.secrets) };
  for (const [name, value] of Object.entries(given)) {
    variables[name] = name in request.vars ? value : render(value, { ...variables, ...request.vars });
  }
  const expression = request.envs.__VARS ?? schedule?.envs.__VARS ?? fromVars;
  const evaluated =
    project.dialect === "0.x" && expression !== undefined
      ? await evaluateVars(expression, options.baseEnv)
      : {};
  return { ...variables, ...evaluated, ...request.vars };
}

/** 0.x: `start=$(date -I) end=2020-01-01`, evaluated by the shell as the 0.x container did it. */
export async function evaluateVars(expression: string, env: Environment): Promise<Record<string, string>> {
  const { stdout } = await promisify(execFile)("/bin/sh", ["-c", "eval echo $__VARS"], {
    env: { ...env, __VARS: expression },
    timeout: 60_000,
  });
  const pairs: string[] = [];
  for (const word of stdout.trim().split(/\s+/)) {
    if (word.includes("=")) pairs.push(word);
    else if (pairs.length > 0) pairs.push(`${pairs.pop() ?? ""} ${word}`);
  }
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at), pair.slice(at + 1).replace(/^(["'])(.*)\1$/, "$2")];
    }),
  );
}
