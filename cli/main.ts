/** The process: the only place of the CLI that reads `process` and sets its exit code. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCli } from "./program.js";

const FORCED_EXIT_MS = 2000;

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

process.exitCode = await runCli(process.argv.slice(2), {
  cwd: process.cwd(),
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  now: () => new Date(),
  interrupted: interruption.signal,
  packageDir: packageDir(),
});
// The engine's client may leave a connection open. Output that is still being read keeps its time.
setTimeout(() => process.exit(), FORCED_EXIT_MS).unref();

/** dist/cli/main.js when built, cli/main.ts in a checkout. */
function packageDir(): string {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, "package.json"))) dir = dirname(dir);
  return dir;
}
