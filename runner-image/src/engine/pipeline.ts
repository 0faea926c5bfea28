/**
 * Members start together, stdout to stdin through the kernel. The first member to fail is the pipeline's failure, and
 * the rest are stopped. A member that dies of a broken pipe waits for its reader's verdict: when the reader ended well
 * (`yes | head -1`) that is no failure.
 */
import { ExitCode } from "../../../model/diagnostic.js";
import { chooseCopier } from "../process/copier.js";
import { closePipe, Fd, inodeOf } from "../process/pipes.js";
import { Stop } from "../process/stop.js";
import type { PipeEnd } from "../process/watchdog.js";
import type { CompiledCommand, CompiledTask } from "./compile.js";
import { runForeach } from "./foreach.js";
import { runFork } from "./fork.js";
import type { Frame } from "./frame.js";
import {
  exitCodeOf,
  explainExit,
  failure,
  fromStop,
  isBrokenPipe,
  type Outcome,
  success,
} from "./outcome.js";
import { type RunningStep, recordStep, type StepEnd, startStep } from "./step.js";

/** How a place in the pipeline ended; `broken`: of a broken pipe, and its reader's end decides. */
type PlaceEnd = "ok" | "failed" | "broken";

export async function runPipeline(task: CompiledTask, frame: Frame): Promise<Outcome> {
  if (task.body.kind !== "pipeline") throw new Error(`${task.label} is no pipeline`);
  const { members, tail } = task.body;
  const { outputs, engine } = frame;
  if (tail?.kind === "fork") void chooseCopier(); // looks meanwhile
  const lines = members.map((member) => member.line.render(frame.line));
  const last = members.at(-1);
  const stderrs = await Promise.all(members.map((member) => outputs.stderr(task, member.step)));
  const sink = tail === null && last !== undefined ? await outputs.stdout(task, last.step) : null;
  const pipes = await engine.host.pipes.take(Math.max(0, members.length - (tail === null ? 1 : 0)));
  if (frame.stop.reason !== null) {
    for (const pipe of pipes) closePipe(pipe);
    return fromStop(frame.stop.reason);
  }

  const stop = new Stop(frame.stop);
  const running: RunningStep[] = [];
  const between: PipeEnd[] = [];
  let input: Fd | null = frame.input;
  for (const [index, member] of members.entries()) {
    const pipe = pipes[index];
    const stderr = stderrs[index];
    const stdout = pipe?.write ?? sink?.fd;
    const line = lines[index];
    if (stderr === undefined || stdout === undefined || line === undefined)
      throw new Error("member without a pipe");
    const start = { command: member, line, env: frame.env, stdin: input?.number ?? null, stdout, stderr };
    const step = startStep(frame, start);
    running.push(step);
    if (
      pipe !== undefined &&
      step.pid !== undefined &&
      (index < members.length - 1 || tail?.kind === "fork")
    ) {
      between.push({ pid: step.pid, fd: 1, inode: inodeOf(pipe) });
    }
    // Only the children may hold the ends, or none of them would ever see that its neighbour has gone.
    input?.close();
    if (pipe !== undefined) new Fd(pipe.write).close();
    input = pipe === undefined ? null : new Fd(pipe.read);
  }
  const detach = stop.onStop(() => {
    for (const step of running) step.stop();
  });
  // Not for each line of a foreach: most are over sooner than that is done.
  const keepPipes = frame.line === null && between.length > 0 ? engine.host.enlargeSoon(between) : null;
  try {
    return await new Verdict(frame, stop, members).reach(
      running,
      tail && input ? startTail(task, input, { ...frame, stop }) : null,
    );
  } finally {
    keepPipes?.();
    input?.close();
    detach();
    stop.dispose();
  }
}

function startTail(task: CompiledTask, input: Fd, frame: Frame): Promise<Outcome> {
  const tail = task.body.kind === "pipeline" ? task.body.tail : null;
  if (tail === null) throw new Error(`${task.label} has no tail`);
  return tail.kind === "fork" ? runFork(task, tail, input, frame) : runForeach(task, tail, input, frame);
}

/** Collects the ends of a pipeline's places and decides how the whole ended. */
class Verdict {
  readonly #frame: Frame;
  readonly #stop: Stop;
  readonly #members: readonly CompiledCommand[];
  readonly #places: (PlaceEnd | undefined)[] = [];
  readonly #ends: (StepEnd | undefined)[] = [];
  /** The first failure, which is the pipeline's. */
  #cause: Outcome | null = null;
  #wasStopped = false;
  /** Index of the place that nobody reads from. */
  #lastReader = 0;

  constructor(frame: Frame, stop: Stop, members: readonly CompiledCommand[]) {
    this.#frame = frame;
    this.#stop = stop;
    this.#members = members;
  }

  async reach(running: readonly RunningStep[], tail: Promise<Outcome> | null): Promise<Outcome> {
    this.#lastReader = running.length - (tail === null ? 1 : 0);
    const steps = running.map(async (step, index) => this.#stepEnded(index, await step.end));
    const tailEnd = tail?.then((outcome) => this.#tailEnded(running.length, outcome));
    await Promise.all([...steps, tailEnd]);
    if (this.#cause !== null) return this.#cause;
    const reason = this.#frame.stop.reason;
    return reason !== null && this.#wasStopped ? fromStop(reason) : success;
  }

  #stepEnded(index: number, end: StepEnd): void {
    const { exit } = end;
    this.#ends[index] = end;
    const step = this.#members[index]?.step ?? "";
    if (exit.stopped && !end.timedOut) {
      this.#wasStopped = true;
      this.#record(index, "stopped");
      this.#settle(index, "failed");
    } else if (end.timedOut) {
      this.#record(index, "timeout");
      const seconds = this.#members[index]?.timeoutSeconds ?? 0;
      this.#fail({
        status: "timeout",
        exitCode: ExitCode.timedOut,
        error: `step ${step} timed out after ${seconds} s`,
      });
      this.#settle(index, "failed");
    } else if (exit.code === 0) {
      this.#record(index, "success");
      this.#settle(index, "ok");
    } else if (index < this.#lastReader && isBrokenPipe(exit, end.lastWords)) {
      this.#settle(index, "broken");
    } else {
      this.#stepFailed(index);
      this.#settle(index, "failed");
    }
  }

  #tailEnded(index: number, outcome: Outcome): void {
    if (outcome.status === "stopped" && this.#stop.reason !== null) this.#wasStopped = true;
    else if (outcome.status !== "success") this.#fail(outcome);
    this.#settle(index, outcome.status === "success" ? "ok" : "failed");
  }

  /** Notes how a place ended, and decides about the writers before it that were waiting for that. */
  #settle(index: number, end: PlaceEnd): void {
    this.#places[index] = end;
    let at = index;
    if (end === "broken") {
      const reader = this.#places[index + 1];
      if (reader === undefined || reader === "broken") return;
      at = index + 1;
    }
    for (let writer = at - 1; writer >= 0 && this.#places[writer] === "broken"; writer--) {
      const well = this.#places[writer + 1] === "ok";
      this.#places[writer] = well ? "ok" : "failed";
      this.#record(writer, well ? "success" : "stopped");
    }
  }

  #stepFailed(index: number): void {
    const end = this.#ends[index];
    if (end === undefined) return;
    const step = this.#members[index]?.step ?? "";
    this.#record(index, "failure");
    this.#fail(failure(explainExit(step, end.exit, end.lastWords, end.outOfMemory), exitCodeOf(end.exit)));
  }

  #fail(outcome: Outcome): void {
    if (this.#frame.stop.reason !== null) {
      this.#wasStopped = true;
      return;
    }
    this.#cause ??= outcome;
    this.#stop.stop({
      status: "stopped",
      exitCode: outcome.exitCode,
      message: outcome.error ?? "a neighbour failed",
    });
  }

  #record(index: number, status: "success" | "failure" | "timeout" | "stopped"): void {
    const end = this.#ends[index];
    const step = this.#members[index]?.step;
    if (end !== undefined && step !== undefined) recordStep(this.#frame, step, status, end);
  }
}
