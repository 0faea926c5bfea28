import { resolve } from "node:path";
import { UserError } from "../model/diagnostic.js";
import { nearest } from "../model/nearest.js";
import type { Body, Command, Project, Task } from "../model/project.js";
import type { RunRequest } from "../model/run.js";
import { newRunId } from "../model/run-id.js";
import { venvReady } from "../runner-image/src/install.js";
import { createTerminalLog } from "../runner-image/src/log.js";
import { runProject } from "../runner-image/src/run.js";
import type { RunOptions } from "./commands/run.js";
import type { CliContext } from "./context.js";
import { print, say } from "./context.js";
import { parseInstant, parseKeyValues } from "./key-values.js";
import { loadValidProject } from "./load-project.js";
import { type LocalFolders, localFolders } from "./local-folders.js";
import { readLocalSecrets } from "./local-secrets.js";
import { colours } from "./output/colour.js";
import { formatDuration } from "./output/time.js";
import { findProjectDir } from "./project-lookup.js";

/**
 * `handoff run`: checks everything that can be wrong before anything is touched, runs the project in this process, and
 * returns the run's exit code.
 */
export async function runHere(
  tasks: readonly string[],
  options: RunOptions,
  context: CliContext,
): Promise<number> {
  const dir = findProjectDir(context.cwd, options.project);
  const request = makeRequest(tasks, options, context);
  const project = loadValidProject(dir, context);
  checkTaskNames(project, tasks);
  const folders = localFolders(dir, options.workspace && resolve(context.cwd, options.workspace));
  const secrets = readLocalSecrets(project, dir, context.env);
  for (const file of secrets.exposed) say(context, `warning: other users can read ${file}: chmod 600 it`);
  await checkVenvs(project, tasks, folders, dir);

  const paint = colours(context.stderr, context.env);
  const log = createTerminalLog(context.stderr, { color: paint.isColorSupported });
  const record = await runProject({ schemaVersion: 1, project }, request, {
    codeDir: dir,
    workDir: folders.workspace,
    artifactsDir: folders.artifacts,
    venvsDir: folders.venvs,
    secrets: new Map(Object.entries(secrets.values)),
    baseEnv: definedOnly(context.env),
    log,
    signal: context.interrupted,
  });
  await log.close();
  if (options.json) {
    const { schemaVersion, runId, status, exitCode, tasks: taskRecords, metrics } = record;
    print(context, JSON.stringify({ schemaVersion, runId, status, exitCode, tasks: taskRecords, metrics }));
  } else {
    const colour = record.status === "success" ? paint.green : paint.red;
    say(
      context,
      `${colour(record.status)} in ${formatDuration(record.durationMs)}; artifacts in ${folders.workspace}`,
    );
  }
  return record.exitCode;
}

function definedOnly(env: CliContext["env"]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function makeRequest(tasks: readonly string[], options: RunOptions, context: CliContext): RunRequest {
  const now = context.now();
  return {
    runId: newRunId(now),
    tasks,
    vars: parseKeyValues(options.var, "-v"),
    envs: parseKeyValues(options.env, "-e"),
    scheduledAt:
      options.scheduledAt === undefined
        ? now.toISOString()
        : parseInstant(options.scheduledAt, "--scheduled-at"),
    stage: options.stage,
    attempt: 1,
  };
}

function checkTaskNames(project: Project, tasks: readonly string[]): void {
  const known = project.tasks.map((task) => task.name);
  for (const name of tasks) {
    if (known.includes(name)) continue;
    const meant = nearest(name, known);
    throw new UserError(`${project.name} has no task ${name}`, {
      code: "unknown-task",
      hint: meant ? `did you mean ${meant}?` : `its tasks: ${known.join(", ")}`,
    });
  }
}

async function checkVenvs(
  project: Project,
  tasks: readonly string[],
  folders: LocalFolders,
  projectDir: string,
): Promise<void> {
  const chosen = project.tasks.filter(
    (task) => task.active && (tasks.length === 0 || tasks.includes(task.name)),
  );
  const used = new Set(chosen.flatMap((task) => venvsOfTask(task)));
  const missing: string[] = [];
  for (const venv of used) {
    if (!(await venvReady(project.installs, venv, folders.venvs, projectDir))) missing.push(venv);
  }
  if (missing.length === 0) return;
  throw new UserError(
    `virtual environment${missing.length > 1 ? "s" : ""} not installed, or not as project.yml says now: ${missing.join(", ")}`,
    { code: "venv-not-installed", hint: "build what is missing: handoff install" },
  );
}

function venvsOfTask(task: Task): readonly string[] {
  return venvsOfBody(task.body);
}

function venvsOfBody(body: Body): readonly string[] {
  if (body.kind === "tasks") return body.tasks.flatMap(venvsOfTask);
  if (body.kind === "commands") return venvsOfCommands(body.commands);
  const { tail } = body;
  const below =
    tail === undefined ? [] : (tail.kind === "fork" ? tail.branches : tail.tasks).flatMap(venvsOfTask);
  return [...venvsOfCommands(body.members), ...below];
}

function venvsOfCommands(commands: readonly Command[]): readonly string[] {
  return commands.filter((c) => c.active).flatMap((c) => (c.venv === undefined ? [] : [c.venv]));
}
