/**
 * The tasks run once for each line of the stream. We read no more than a chunk ahead: while all workers are busy, the
 * pipe fills up and the command before it waits.
 */
import type { Spawner } from "../process/host.js";
import { LineReader } from "../process/lines.js";
import type { Fd } from "../process/pipes.js";
import { Stop } from "../process/stop.js";
import { WorkerShells } from "../process/worker.js";
import type { CompiledTail, CompiledTask } from "./compile.js";
import type { Frame } from "./frame.js";
import { failure, fromStop, type Outcome, success } from "./outcome.js";

type Foreach = Extract<CompiledTail, { kind: "foreach" }>;

/** Far more than a command line can take; a stream without newlines must not fill the memory. */
const maxLineBytes = 4 * 1024 * 1024;
/** Longer values, or those with a NUL, can't be in an environment; `_line` is then the only way. */
const maxVariableLength = 32 * 1024;

/**
 * Takes `input` over. A failed line ends the loop, unless the task or the one in the loop says `kill_loop_on_fail:
 * false`; then it goes on, and fails at its end.
 */
export async function runForeach(
  task: CompiledTask,
  loop: Foreach,
  input: Fd,
  frame: Frame,
): Promise<Outcome> {
  const stop = new Stop(frame.stop);
  let cause: Outcome | null = null;
  let failed = 0;
  const fail = (outcome: Outcome, endsLoop: boolean): void => {
    failed++;
    cause ??= outcome;
    if (!endsLoop) return;
    const message = outcome.error ?? "a line failed";
    stop.stop({ status: "stopped", exitCode: outcome.exitCode, message });
  };

  const lines = new LineQueue(input, stop, () => {
    fail(failure(`step ${loop.step}: a line is longer than ${maxLineBytes} bytes`), true);
  });
  const work = async (spawner: Spawner): Promise<void> => {
    for (;;) {
      const line = await lines.next();
      if (line === null || stop.reason !== null) return;
      const { outcome, endsLoop } = await runLine(loop, line, { ...frame, stop, spawner });
      if (outcome.status === "success" || (outcome.status === "stopped" && stop.reason !== null)) continue;
      fail(outcome, task.task.killLoopOnFail && endsLoop);
    }
  };
  const shells = Array.from({ length: loop.maxParallel }, () => new WorkerShells(frame.engine.host));
  try {
    await Promise.all(shells.map(work));
  } finally {
    lines.close();
    await Promise.all(shells.map((shell) => shell.close()));
    stop.dispose();
  }
  if (cause !== null) return summarize(cause, failed);
  return frame.stop.reason === null ? success : fromStop(frame.stop.reason);
}

async function runLine(
  loop: Foreach,
  text: string,
  frame: Frame,
): Promise<{ readonly outcome: Outcome; readonly endsLoop: boolean }> {
  const inEnvironment = text.length <= maxVariableLength && !text.includes("\0");
  const env = inEnvironment ? { ...frame.env, HANDOFF_LINE: text } : frame.env;
  let result: { outcome: Outcome; endsLoop: boolean } = { outcome: success, endsLoop: true };
  for (const task of loop.tasks) {
    const spawner = runsOneByOne(task) ? frame.spawner : frame.engine.host;
    const outcome = await frame.engine.runTask(task, { ...frame, spawner, env, line: text, input: null });
    if (outcome.status === "success") continue;
    const error = `${outcome.error ?? task.label} (line ${JSON.stringify(frame.engine.mask(text).slice(0, 200))})`;
    if (result.outcome.status === "success") {
      result = { outcome: { ...outcome, error }, endsLoop: task.task.killLoopOnFail };
    }
    if (outcome.status === "failure" || outcome.status === "timeout") {
      frame.engine.log({ level: "error", task: frame.top, step: loop.step, message: error });
    }
    if (task.task.killDownstreamOnFail || outcome.status === "stopped") break;
  }
  return result;
}

/** A worker shell runs one command at a time, and keeps the descriptors that it writes to. */
function runsOneByOne({ body }: CompiledTask): boolean {
  return body.kind === "commands" || (body.kind === "tasks" && body.tasks.every(runsOneByOne));
}

function summarize(cause: Outcome, failed: number): Outcome {
  if (failed === 1) return cause;
  return { ...cause, error: `${failed} lines failed; the first: ${cause.error ?? ""}` };
}

/** Lines that were read and not taken yet. */
class LineQueue {
  readonly #reader: LineReader;
  #lines: string[] = [];
  #taken = 0;
  readonly #waiting: ((line: string | null) => void)[] = [];
  #closed = false;

  constructor(input: Fd, stop: Stop, tooLong: () => void) {
    this.#reader = new LineReader(input.release(), {
      maxLineBytes,
      onLine: (line, complete) => {
        if (this.#closed) return;
        if (!complete) {
          tooLong();
          return;
        }
        const waiting = this.#waiting.shift();
        if (waiting === undefined) {
          this.#lines.push(line);
          this.#reader.pause();
        } else waiting(line);
      },
      onEnd: () => this.#end(),
    });
    stop.onStop(() => this.close());
  }

  /** Null at the end. */
  next(): Promise<string | null> {
    const line = this.#lines[this.#taken];
    if (line !== undefined && !this.#closed) {
      this.#taken++;
      return Promise.resolve(line);
    }
    if (this.#taken > 0) {
      this.#lines = [];
      this.#taken = 0;
    }
    if (this.#closed || this.#reader.ended) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#reader.resume();
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reader.close();
    this.#end();
  }

  #end(): void {
    for (const waiting of this.#waiting.splice(0)) waiting(null);
  }
}
