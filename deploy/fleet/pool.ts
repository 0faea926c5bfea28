/** A pool of worker processes, each doing one stack at a time. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { ExitCode } from "../../model/diagnostic.js";
import { packageDir } from "../../providers/local/entries.js";
import type { Env } from "../env.js";
import { type FromWorker, StackFailed, type StackJob, type ToWorker } from "./messages.js";
import type { RunStack, StackHooks } from "./run-stack.js";

export interface WorkerEntry {
  readonly file: string;
  readonly execArgv: readonly string[];
}

export interface PoolOptions {
  readonly env: Env;
  /** A worker that holds more when a stack is done is replaced by a new one. Default 700 MiB. */
  readonly memoryLimitMiB?: number;
  /** Default: this package's worker, built or as it is in a checkout. */
  readonly entry?: WorkerEntry;
}

export interface Pool {
  readonly run: RunStack;
  /** Ends the idle workers. */
  close(): void;
}

/** Largest heap of a worker, in MiB: one that needs more fails its own stack. */
const heapLimitMiB = 1536;
const keptOutput = 4096;

/** Workers are started when they are needed: as many as `run` is called at the same time. */
export function makePool({ env, memoryLimitMiB = 700, entry = workerEntry() }: PoolOptions): Pool {
  const idle: Worker[] = [];
  return {
    async run(job, hooks) {
      hooks.signal.throwIfAborted();
      const worker = idle.pop() ?? new Worker(entry, env);
      const answer = await worker.run(job, hooks);
      const failure = answer.kind === "failed" ? answer.failure : undefined;
      // A program that failed may have left something running that would fail the next stack.
      const clean = failure === undefined || failure.exitCode === ExitCode.invalid;
      if (clean && answer.memoryMiB <= memoryLimitMiB && worker.usable) idle.push(worker);
      else worker.end();
      if (answer.kind === "failed") throw new StackFailed(answer.failure);
      return answer.summary;
    },
    close() {
      for (const worker of idle.splice(0)) worker.end();
    },
  };
}

type Answer = Extract<FromWorker, { kind: "done" | "failed" }>;

class Worker {
  readonly #child: ChildProcess;
  #output = "";

  constructor({ file, execArgv }: WorkerEntry, env: Env) {
    this.#child = fork(file, {
      execArgv: [...execArgv, `--max-old-space-size=${heapLimitMiB}`],
      env: { ...env },
      // Its stdout is of no use to anybody; its last words are on stderr.
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      detached: true,
    });
    this.#child.stderr?.on("data", (data: Buffer) => {
      this.#output = (this.#output + data.toString()).slice(-keptOutput);
    });
    // Told by `exit` or `error` below; without a listener it would be thrown.
    this.#child.on("error", () => {});
  }

  get usable(): boolean {
    return this.#child.connected && this.#child.exitCode === null;
  }

  end(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  /** @throws StackFailed when its process dies */
  run(job: StackJob, { onEvent, log, signal }: StackHooks): Promise<Answer> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const stop = () => this.#send({ kind: "stop", reason: signal.reason });
      const settle = (act: () => void) => {
        child.off("message", receive);
        child.off("close", died);
        child.off("error", failed);
        signal.removeEventListener("abort", stop);
        act();
      };
      const receive = (message: FromWorker) => {
        if (message.kind === "event") onEvent(message.event);
        else if (message.kind === "log") log(message.line);
        else settle(() => resolve(message));
      };
      const died = (code: number | null, how: string | null) =>
        settle(() => reject(this.#death(job.stack, how ?? `exit code ${code}`)));
      const failed = (error: Error) => settle(() => reject(this.#death(job.stack, error.message)));
      child.on("message", receive);
      // When its output has been read, too.
      child.on("close", died);
      child.on("error", failed);
      signal.addEventListener("abort", stop, { once: true });
      this.#send({ kind: "run", job });
    });
  }

  #send(message: ToWorker): void {
    // One that has died says so by `close`.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  #death(stack: string, how: string): StackFailed {
    const last = this.#output.trim();
    const memory = how === "SIGKILL" || /heap out of memory/.test(last);
    return new StackFailed({
      code: "worker-died",
      message: `stack ${stack}: its worker ended by ${how}${last === "" ? "" : `\n${lastLines(last)}`}`,
      hint: memory
        ? "there was too little memory: work on fewer stacks at a time with --parallel, then run it again"
        : "run it again: it goes on from where it stopped",
      diagnostics: [],
      exitCode: ExitCode.failed,
    });
  }
}

function lastLines(text: string): string {
  return text.split("\n").slice(-12).join("\n");
}

/** Where this module is: beside the sources of a checkout, which `tsx` runs, or in dist/. */
function workerEntry(): WorkerEntry {
  if (import.meta.url.endsWith(".ts"))
    return {
      file: join(packageDir(), "deploy", "fleet", "worker.ts"),
      execArgv: ["--import", import.meta.resolve("tsx/esm")],
    };
  return { file: join(packageDir(), "dist", "fleet", "worker.js"), execArgv: [] };
}
