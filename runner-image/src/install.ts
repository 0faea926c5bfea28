/**
 * Virtual environments of a project. Each is built in place, since a virtual environment can't be moved, and counts as
 * ready only by its stamp, a file written last: an interrupted build leaves none and is started again.
 */
import { mkdir, realpath, rm } from "node:fs/promises";
import path from "node:path";
import { ExitCode, UserError } from "../../model/diagnostic.js";
import type { Install } from "../../model/project.js";
import { lockVenv } from "./install/lock.js";
import { runShell } from "./install/shell.js";
import { commandsHash, readStamp, stampMatches, venvsOf, writeStamp } from "./install/stamp.js";
import { findTools, type Tools } from "./install/tools.js";

export { venvsHash } from "./install/stamp.js";

export interface InstallOptions {
  /** One line of what is going on, or of a command's output. */
  readonly log: (line: string) => void;
  /** Stops the commands under way; the environment then stays unready. */
  readonly signal?: AbortSignal;
  /** Build also what is ready; default false. */
  readonly force?: boolean;
  /** Environment of the commands; PATH is where uv and python3 are looked for. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder that the commands run in, so that `pip install -r files/requirements.txt` finds its file. Default: `venvsDir`. */
  readonly cwd?: string;
}

export interface InstallResult {
  readonly venv: string;
  /** Absolute path of the environment. */
  readonly dir: string;
  /** False when it was ready and nothing was done. */
  readonly installed: boolean;
  readonly durationMs: number;
}

/**
 * Builds every environment that `installs` name and that isn't ready, at the same time. Throws a `UserError` (exit code
 * 1) with the last lines of output when a command fails, and one with 130 when `signal` is aborted.
 */
export async function installVenvs(
  installs: readonly Install[],
  venvsDir: string,
  options: InstallOptions,
): Promise<InstallResult[]> {
  const venvs = venvsOf(installs);
  if (venvs.size === 0) return [];
  await mkdir(venvsDir, { recursive: true });
  // Scripts hold the path that they were made for: of a folder reached by a link, the real one.
  const root = await realpath(venvsDir);
  const tools = await findTools(options.env);
  const outcomes = await Promise.allSettled(
    [...venvs].map(([venv, commands]) => installVenv(venv, commands, root, tools, options)),
  );
  const failures = outcomes.flatMap((outcome) =>
    outcome.status === "rejected" ? [outcome.reason as unknown] : [],
  );
  if (failures.length > 0) throw combined(failures);
  return outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
}

/**
 * Whether the environment `venv` is there as `installs` describe it. Reads two files and starts no process, so that it
 * can be asked before every run. `cwd` as in `InstallOptions`.
 */
export async function venvReady(
  installs: readonly Install[],
  venv: string,
  venvsDir: string,
  cwd?: string,
): Promise<boolean> {
  const commands = venvsOf(installs).get(venv);
  if (commands === undefined) return false;
  const root = await realpath(venvsDir).catch(() => null);
  if (root === null) return false;
  const dir = path.join(root, venv);
  return stampMatches(await readStamp(dir), dir, await commandsHash(commands, cwd ?? venvsDir));
}

async function installVenv(
  venv: string,
  commands: readonly string[],
  venvsDir: string,
  tools: Tools,
  options: InstallOptions,
): Promise<InstallResult> {
  const started = performance.now();
  // The folder is removed before a build: it must be one of ours.
  if (!/^\w[\w.-]*$/.test(venv)) {
    throw new UserError(`not usable as a virtual environment's name: "${venv}"`, {
      code: "invalid-venv",
      hint: "Use letters, digits, `-`, `_` and `.`.",
    });
  }
  const dir = path.join(venvsDir, venv);
  const cwd = options.cwd ?? venvsDir;
  const hash = await commandsHash(commands, cwd);
  const isReady = async (): Promise<boolean> => {
    const stamp = await readStamp(dir);
    return stampMatches(stamp, dir, hash) && stamp?.python === tools.pythonVersion;
  };
  const result = (installed: boolean): InstallResult => ({
    venv,
    dir,
    installed,
    durationMs: Math.round(performance.now() - started),
  });
  if (options.force !== true && (await isReady())) return result(false);
  // Two runs may want the same environment: the second waits and finds it ready.
  const lock = await lockVenv(dir, options);
  try {
    if (options.force !== true && (await isReady())) return result(false);
    await build(venv, dir, commands, cwd, tools, options);
    await writeStamp(dir, hash, tools.pythonVersion);
    return result(true);
  } finally {
    await lock.release();
  }
}

async function build(
  venv: string,
  dir: string,
  commands: readonly string[],
  cwd: string,
  tools: Tools,
  options: InstallOptions,
): Promise<void> {
  const log = (line: string): void => options.log(`${venv}: ${line}`);
  // The stamp first: what follows takes time, and a half-removed environment isn't ready.
  await rm(path.join(dir, ".handoff-venv.json"), { force: true });
  await rm(dir, { recursive: true, force: true });
  log(`creating the virtual environment with ${tools.uv === null ? "python3 -m venv" : "uv"}`);
  const shell = { cwd, log, ...(options.signal === undefined ? {} : { signal: options.signal }) };
  await step(venv, tools.createCommand(dir), { ...shell, env: options.env });
  const env = activated(dir, options.env);
  for (const command of commands) {
    const quick = tools.withUv(command);
    log(command);
    if (quick !== command) {
      const outcome = await runShell(quick, { ...shell, env });
      if (outcome.ok) continue;
      if (options.signal?.aborted === true) throw interrupted(venv);
      // uv reads no pip.conf and knows not every option of pip's.
      log("uv could not do it; trying pip");
    }
    await step(venv, command, { ...shell, env });
  }
}

async function step(venv: string, command: string, shell: Parameters<typeof runShell>[1]): Promise<void> {
  const outcome = await runShell(command, shell);
  if (outcome.ok) return;
  if (shell.signal?.aborted === true) throw interrupted(venv);
  throw new UserError(
    `installing the virtual environment "${venv}" failed: \`${command}\` ${outcome.how}` +
      (outcome.lastLines.length === 0 ? "" : `\n${outcome.lastLines.map((line) => `  ${line}`).join("\n")}`),
    {
      code: "install-failed",
      hint: "Correct the command in `installs` or the machine's access to the package index, then run `handoff install` again.",
      exitCode: ExitCode.failed,
    },
  );
}

function interrupted(venv: string): UserError {
  return new UserError(`installing the virtual environment "${venv}" was interrupted`, {
    code: "install-interrupted",
    hint: "Run `handoff install` again: it starts this environment anew.",
    exitCode: ExitCode.interrupted,
  });
}

/** As the `activate` script does it. */
function activated(dir: string, env: InstallOptions["env"]): Record<string, string | undefined> {
  const { PYTHONHOME: _dropped, ...rest } = env;
  return {
    ...rest,
    VIRTUAL_ENV: dir,
    PATH: `${path.join(dir, "bin")}${path.delimiter}${env.PATH ?? ""}`,
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
    PIP_NO_INPUT: "1",
  };
}

function combined(failures: readonly unknown[]): unknown {
  const users = failures.filter((failure) => failure instanceof UserError);
  const [first] = users;
  // A bug of ours is not hidden by a user's mistake.
  if (first === undefined || users.length < failures.length)
    return failures.find((f) => !(f instanceof UserError));
  if (users.length === 1) return first;
  return new UserError(users.map((failure) => failure.message).join("\n"), {
    code: first.code,
    ...(first.hint === undefined ? {} : { hint: first.hint }),
    exitCode: first.exitCode,
  });
}
