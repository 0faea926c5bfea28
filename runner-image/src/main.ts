/** The runner as a process: the image's entry point, and what the local platform's agent starts. */
import { readFileSync } from "node:fs";
import { ExitCode, UserError } from "../../model/diagnostic.js";
import type { RunSpec } from "../../model/run.js";
import { newRunId } from "../../model/run-id.js";
import {
  type Contents,
  containerJob,
  containerUsage,
  imageContents,
  imageRoot,
  projectInfo,
  runCommand,
} from "./container.js";
import { clonedJob, containerSource, withClone } from "./container-source.js";
import { fileOptions, filesUsage, jobFromFiles, need, readJson } from "./files.js";
import { installVenvs } from "./install.js";
import { describe, runJob } from "./job.js";

async function main([command, ...args]: readonly string[]): Promise<number> {
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => stop.abort(signal));
  const { env } = process;
  const root = imageRoot(env);
  if (command === "install") return install(args, stop.signal);
  if (root === undefined) {
    if (command === "run") return runJob(await jobFromFiles(fileOptions(args), env), stop.signal);
    throw usageError(command, filesUsage);
  }
  const now = new Date();
  const { signal } = stop;
  const source = containerSource(env);
  const inImage = (): Contents =>
    imageContents({ root, env, read: (file: string) => readFileSync(file, "utf8") });
  if (command === "run") {
    const call = { args, now, runId: newRunId(now) };
    return withMessage(env, (more) => {
      const told = { ...env, ...more };
      return runJob(source ? clonedJob(source, told, call) : containerJob(inImage(), told, call), signal);
    });
  }
  if (command === "exec") {
    if (!source) return runCommand(inImage(), env, args, signal);
    return withClone(source, env, { install: true, signal }, (contents, told) =>
      runCommand(contents, told, args, signal),
    );
  }
  if (command === "info") {
    const info = source
      ? await withClone(source, env, { install: false, signal }, (contents, _, commit) =>
          projectInfo(contents, env, { url: source.url, ref: source.ref, path: source.path, commit }),
        )
      : projectInfo(inImage(), env);
    process.stdout.write(`${JSON.stringify(info, null, 2)}\n`);
    return ExitCode.ok;
  }
  throw usageError(command, containerUsage);
}

/** Runs with the message of the queue that started the container, where one did. Without a message there is nothing to do. */
async function withMessage(
  env: NodeJS.ProcessEnv,
  run: (more: Readonly<Record<string, string>>) => Promise<number>,
): Promise<number> {
  const { HANDOFF_QUEUE: queue, HANDOFF_DEAD_LETTER_QUEUE: deadLetters } = env;
  if (!queue) return run({});
  const { takeMessage } = await import("./azure-queue.js");
  const message = await takeMessage({ queue, deadLetters, env });
  if (message === null) {
    process.stderr.write("no message is waiting: nothing to run\n");
    return ExitCode.ok;
  }
  const exitCode = await run({ HANDOFF_MESSAGE: message.text, HANDOFF_ATTEMPT: String(message.taken) });
  if (stoppedCodes.has(exitCode)) await message.release();
  else await message.settle(exitCode === ExitCode.ok);
  return exitCode;
}

/** By SIGINT and SIGTERM: the platform wanted the container to go, the run didn't fail. */
const stoppedCodes: ReadonlySet<number> = new Set([130, 143]);

async function install(args: readonly string[], signal: AbortSignal): Promise<number> {
  const options = fileOptions(args);
  const spec = readJson<RunSpec>(need(options, "spec"));
  await installVenvs(spec.project.installs, need(options, "venvs"), {
    log: (line) => process.stderr.write(`${line}\n`),
    env: process.env,
    cwd: process.cwd(),
    signal,
  });
  return ExitCode.ok;
}

function usageError(command: string | undefined, usage: string): UserError {
  return new UserError(command === undefined ? "no command given" : `unknown command ${command}`, {
    code: "usage",
    hint: usage,
  });
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(error instanceof UserError ? `error: ${describe(error)}\n` : `${String(error)}\n`);
    process.exit(error instanceof UserError ? error.exitCode : ExitCode.failed);
  },
);
