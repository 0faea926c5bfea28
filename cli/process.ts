/** The CLI as a process: the only place of the CLI that reads `process` and sets its exit code. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ExitCode } from "../model/diagnostic.js";
import type { Commands } from "./command.js";
import { runCli } from "./program.js";

const forcedExitMs = 2000;

/** Runs this process's command line with `commands`, and leaves its exit code for when all output is out. */
export function runProcess(commands: Commands): void {
  const interruption = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (interruption.signal.aborted) process.exit(signal === "SIGINT" ? 130 : 143);
      interruption.abort(signal);
    });
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // A reader that closed the pipe has all that it wants.
      if (error.code === "EPIPE") process.exit();
      throw error;
    });
  }
  let done = false;
  process.once("beforeExit", () => {
    if (done) return;
    process.stderr.write(
      "handoff: nothing is left to wait for, but the command isn't done: a bug in handoff\n",
    );
    process.exitCode = ExitCode.failed;
  });
  void runCli(
    process.argv.slice(2),
    {
      cwd: process.cwd(),
      env: process.env,
      stdin: process.stdin,
      stdout: process.stdout,
      stderr: process.stderr,
      now: () => new Date(),
      interrupted: interruption.signal,
      packageDir: packageDir(),
    },
    commands,
  ).then((code) => {
    done = true;
    process.exitCode = code;
    // The engine's client may leave a connection open. Output that is still being read keeps its time.
    setTimeout(() => process.exit(), forcedExitMs).unref();
  });
}

/** From dist/cli/ when built, from cli/ in a checkout. */
function packageDir(): string {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, "package.json"))) dir = dirname(dir);
  return dir;
}
