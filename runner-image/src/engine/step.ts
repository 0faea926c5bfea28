/** One command: started, timed, waited for. */
import { ExitCode } from "../../../model/diagnostic.js";
import type { StepRecord } from "../../../model/run.js";
import type { OutOfMemory } from "../oom.js";
import type { Exit } from "../process/host.js";
import { timerMs } from "../process/stop.js";
import type { CompiledCommand } from "./compile.js";
import type { Environment, Frame } from "./frame.js";
import { wasKilled } from "./outcome.js";
import type { Channel } from "./outputs.js";

export interface StepEnd {
  readonly exit: Exit;
  /** Its own time-out came. */
  readonly timedOut: boolean;
  /** The last lines of its stderr. */
  readonly lastWords: readonly string[];
  /** The system killed it, or a process of its, for want of memory. */
  readonly outOfMemory: OutOfMemory | null;
  readonly durationMs: number;
}

export interface RunningStep {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined;
  readonly end: Promise<StepEnd>;
  stop(): void;
}

export interface StepStart {
  readonly command: CompiledCommand;
  /** The command line, rendered. */
  readonly line: string;
  readonly env: Environment;
  readonly stdin: number | null;
  readonly stdout: number;
  readonly stderr: Channel;
}

/** Starts a command at once. The descriptors stay the caller's to close. */
export function startStep(frame: Frame, start: StepStart): RunningStep {
  const { engine, line } = frame;
  const { command } = start;
  const began = engine.clock();
  const { top: task } = frame;
  const { step } = command;
  engine.milestone({ level: "debug", task, step, event: "step.start", message: start.line }, line !== null);
  const env = engine.observed(start.env, task, step);
  // The lines of a foreach are too many to look each time.
  const mark = line === null ? engine.memory.mark() : 0;
  const child = frame.spawner.spawn({
    file: command.shell,
    args: ["-c", start.line],
    cwd: engine.workDir,
    env: command.venv === null ? env : engine.inVenv(env, command.venv),
    stdio: [start.stdin, start.stdout, start.stderr.fd],
  });
  let timedOut = false;
  let timer: NodeJS.Timeout | undefined;
  if (command.timeoutSeconds !== null) {
    timer = setTimeout(() => {
      timedOut = true;
      child.stop();
    }, timerMs(command.timeoutSeconds));
  }
  const end = child.exit.then((exit): StepEnd => {
    clearTimeout(timer);
    const failed = exit.code !== 0;
    if (failed || line === null) start.stderr.drain();
    return {
      exit,
      timedOut,
      lastWords: failed ? [...start.stderr.last] : [],
      outOfMemory: failed && !exit.stopped ? engine.memory.judge(mark, wasKilled(exit)) : null,
      durationMs: Math.round(engine.clock() - began),
    };
  });
  return { pid: child.pid, end, stop: () => child.stop() };
}

/** Puts the step's end into the record and the log. */
export function recordStep(frame: Frame, step: string, status: StepRecord["status"], end: StepEnd): void {
  const { exit, durationMs } = end;
  const exitCode = status === "timeout" ? ExitCode.timedOut : exit.code;
  const { signal } = exit;
  frame.steps.add({ name: step, status, exitCode, signal, durationMs });
  const how = signal ?? (exit.failure === null ? `exit code ${exit.code}` : "not started");
  frame.engine.milestone(
    {
      level: "debug",
      task: frame.top,
      step,
      event: "step.end",
      message: `${status} (${how}) after ${durationMs} ms`,
      status,
      exitCode,
      ...(signal === null ? {} : { signal }),
      durationMs,
    },
    frame.line !== null,
  );
}
