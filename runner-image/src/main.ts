/** The runner as a process: the image's entry point, and what the local platform's agent starts. */
import { readFileSync } from "node:fs";
import { ExitCode, UserError } from "../../model/diagnostic.js";
import type { RunSpec } from "../../model/run.js";
import { newRunId } from "../../model/run-id.js";
import { containerJob, containerUsage, imageInfo, imageRoot, runCommand } from "./container.js";
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
  const image = { root, env, read: (file: string) => readFileSync(file, "utf8") };
  if (command === "run") {
    return runJob(containerJob(image, { args, now, runId: newRunId(now) }), stop.signal);
  }
  if (command === "exec") return runCommand(image, args, stop.signal);
  if (command === "info") {
    process.stdout.write(`${JSON.stringify(imageInfo(image), null, 2)}\n`);
    return ExitCode.ok;
  }
  throw usageError(command, containerUsage);
}

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
