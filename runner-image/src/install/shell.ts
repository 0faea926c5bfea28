/** Runs one command line of an installation and passes its output on line by line. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

export interface ShellOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface ShellOutcome {
  readonly ok: boolean;
  /** `ended with exit code 1`, `was ended by SIGKILL`. */
  readonly how: string;
  /** Of stdout and stderr together; at most 15. */
  readonly lastLines: readonly string[];
}

const keptLines = 15;
/** Between SIGTERM and SIGKILL, in milliseconds. */
const graceMs = 5000;

/** The whole process group ends when `signal` is aborted. */
export function runShell(command: string, options: ShellOptions): Promise<ShellOutcome> {
  return new Promise((resolve) => {
    const lastLines: string[] = [];
    const child = spawn("sh", ["-c", command], {
      cwd: options.cwd,
      env: { ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const onLine = (line: string): void => {
      lastLines.push(line);
      if (lastLines.length > keptLines) lastLines.shift();
      options.log(line);
    };
    const read = (stream: Readable): void => {
      createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on("line", onLine);
    };
    read(child.stdout);
    read(child.stderr);
    const killGroup = (signal: NodeJS.Signals): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    };
    let hard: NodeJS.Timeout | undefined;
    const stop = (): void => {
      killGroup("SIGTERM");
      hard = setTimeout(() => killGroup("SIGKILL"), graceMs);
    };
    // A process that ends without waiting for us takes the installation with it.
    const onExit = (): void => killGroup("SIGKILL");
    process.once("exit", onExit);
    const finish = (outcome: ShellOutcome): void => {
      clearTimeout(hard);
      options.signal?.removeEventListener("abort", stop);
      process.removeListener("exit", onExit);
      resolve(outcome);
    };
    child.once("error", (error) =>
      finish({ ok: false, how: `could not be started: ${error.message}`, lastLines }),
    );
    child.once("close", (code, signal) => {
      const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
      finish({ ok: code === 0, how, lastLines });
    });
    if (options.signal?.aborted === true) stop();
    else options.signal?.addEventListener("abort", stop, { once: true });
  });
}
