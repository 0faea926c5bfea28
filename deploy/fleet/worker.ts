/**
 * A worker's process: it does one stack after the other, as its fleet tells it. Pulumi's SDK is loaded once, and what goes wrong
 * in a stack's program (a rejected promise that nobody awaits, no memory left) is that stack's alone.
 *
 * It leads a process group of its own, so that a terminal's Ctrl-C reaches neither it nor its engine: the fleet says when to stop.
 */
import { type FromWorker, failureOf, type StackJob, type ToWorker } from "./messages.js";
import { inProcess } from "./run-stack.js";

const runStack = inProcess(process.env);
let current: AbortController | undefined;

function tell(message: FromWorker): void {
  // The fleet may be gone: the engine still has to finish its step.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

const memoryMiB = () => Math.round(process.memoryUsage().rss / 2 ** 20);

async function work(job: StackJob): Promise<void> {
  const stopping = new AbortController();
  current = stopping;
  try {
    const summary = await runStack(job, {
      onEvent: (event) => tell({ kind: "event", event }),
      log: (line) => tell({ kind: "log", line }),
      signal: stopping.signal,
    });
    tell({ kind: "done", summary, memoryMiB: memoryMiB() });
  } catch (error) {
    tell({ kind: "failed", failure: failureOf(error), memoryMiB: memoryMiB() });
  } finally {
    current = undefined;
    if (!process.connected) process.exit();
  }
}

function stop(reason: unknown): void {
  current?.abort(reason);
}

process.on("message", (message: ToWorker) => {
  if (message.kind === "run") void work(message.job);
  else stop(message.reason);
});
process.on("disconnect", () => {
  if (!current) process.exit();
  // The fleet was killed. Told to stop before, it was killed by somebody who doesn't want to wait: the engine gives up, too.
  if (current.signal.aborted) process.kill(-process.pid, "SIGINT");
  else stop("SIGTERM");
});
process.on("SIGINT", () => {});
process.on("SIGTERM", () => stop("SIGTERM"));
