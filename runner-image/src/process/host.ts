/** Starts the commands of one run, each in a process group of its own, and sees to it that none is left behind. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { milliseconds } from "../clock.js";
import { PipePool } from "./pipes.js";
import { listProcesses, startOf } from "./proc.js";
import { type PipeEnd, Watchdog, watchVariable } from "./watchdog.js";

/** What lives shorter has little use for large pipes. */
const enlargeAfterMs = 20;

export interface SpawnOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Descriptor for each of the child's 0, 1, 2, …; null: /dev/null. They stay the caller's to close. */
  readonly stdio: readonly (number | null)[];
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not be started. */
  readonly failure: string | null;
  /** Whether we had told it to stop. */
  readonly stopped: boolean;
}

export interface Child {
  readonly pid: number | undefined;
  /** Never rejects. */
  readonly exit: Promise<Exit>;
  /** SIGTERM to the whole group, and SIGKILL to what is left of it after the grace. */
  stop(): void;
}

/** What starts commands: the host, or the worker shells of a foreach. */
export interface Spawner {
  spawn(options: SpawnOptions): Child;
}

export class ProcessHost implements Spawner {
  readonly pipes: PipePool;
  readonly #dir: string;
  readonly #token = randomBytes(12).toString("hex");
  readonly #watchdog: Watchdog;
  readonly #graceMs: number;
  /** Groups whose first process has ended while others of them live on. */
  readonly #leftovers = new Set<number>();
  #closed = false;

  constructor(options: { readonly graceMs: number; readonly path: string | undefined }) {
    this.#graceMs = options.graceMs;
    this.#dir = mkdtempSync(join(tmpdir(), "handoff-run-"));
    this.#watchdog = new Watchdog(this.#dir, this.#token, options.path);
    this.pipes = new PipePool(this.#dir, (names) => this.#watchdog.mkfifo(names));
  }

  /** To be in the environment of every child: by it those are found that leave their group. */
  get marks(): Record<string, string> {
    return { [watchVariable]: this.#token };
  }

  spawn(options: SpawnOptions): Child {
    let process: ChildProcess;
    try {
      process = spawn(options.file, options.args, {
        cwd: options.cwd,
        env: options.env,
        detached: true,
        stdio: options.stdio.map((fd) => fd ?? "ignore"),
      });
    } catch (error) {
      return notStarted(error);
    }
    const pid = process.pid;
    if (pid !== undefined) this.#watchdog.add(pid);
    let stopped = false;
    let ended = false;
    let timer: NodeJS.Timeout | undefined;
    const exit = new Promise<Exit>((resolve) => {
      const end = (result: Omit<Exit, "stopped">): void => {
        if (ended) return;
        ended = true;
        if (pid !== undefined) {
          if (groupAlive(pid)) this.#leftovers.add(pid);
          else {
            this.#watchdog.remove(pid);
            clearTimeout(timer);
          }
        }
        resolve({ ...result, stopped });
      };
      process.once("exit", (code, signal) => end({ code, signal, failure: null }));
      process.once("error", (error) => end({ code: null, signal: null, failure: explain(error) }));
    });
    const stop = (): void => {
      if (ended || stopped || pid === undefined) return;
      stopped = true;
      signalGroup(pid, "SIGTERM");
      signalGroup(pid, "SIGCONT"); // a stopped process would take SIGTERM only when it goes on
      timer = setTimeout(() => signalGroup(pid, "SIGKILL"), this.#graceMs);
      if (ended) clearTimeout(timer);
    };
    return { pid, exit, stop };
  }

  /**
   * Enlarges the pipes between processes that stream for more than a moment: they switch less often then. A pipe that has
   * gone by then, or a system that can't, does no harm. The result calls it off.
   */
  enlargeSoon(pipes: readonly PipeEnd[]): () => void {
    const timer = setTimeout(() => this.#watchdog.enlarge(pipes), enlargeAfterMs);
    timer.unref();
    return () => clearTimeout(timer);
  }

  /** These files (absolute paths) are removed should we be killed; each call replaces the one before. */
  removeIfKilled(files: readonly string[]): void {
    this.#watchdog.removeIfKilled(files);
  }

  /** Ends what commands left running in the background, then lets go of everything, at the run's end. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#sweep();
    // The folder can't be removed while pipes are still being made in it.
    await this.pipes.settled();
    this.#watchdog.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #sweep(): Promise<void> {
    // Older than our first process is none of ours.
    const since = startOf(this.#watchdog.pid);
    const send = (signal: NodeJS.Signals): boolean => {
      const living = listProcesses(`${watchVariable}=${this.#token}`, since);
      let found = false;
      for (const group of this.#leftovers) {
        if (living !== null && !living.groups.has(group)) continue;
        found = signalGroup(group, signal) || found;
      }
      for (const pid of living?.marked ?? []) found = signalProcess(pid, signal) || found;
      return found;
    };
    if (!send("SIGTERM")) return;
    const until = milliseconds() + this.#graceMs;
    while (milliseconds() < until) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (!send("SIGCONT")) return;
    }
    // A killed process may have been about to start another.
    for (let i = 0; i < 50 && send("SIGKILL"); i++) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function notStarted(error: unknown): Child {
  const exit = Promise.resolve({ code: null, signal: null, failure: explain(error), stopped: false });
  return { pid: undefined, exit, stop: () => {} };
}

function explain(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "E2BIG") return "the command line and its environment are too long for the system (E2BIG)";
  if (code === "EAGAIN") return "the system allows no more processes (EAGAIN)";
  if (code === "EMFILE" || code === "ENFILE") return `too many open files (${code}); lower max_parallel`;
  if (code === "ERR_INVALID_ARG_VALUE") return "the command line or its environment holds a NUL character";
  return error instanceof Error ? error.message : String(error);
}

function groupAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  return signalProcess(-group, signal);
}

/** False when there is no such process any more. */
function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
