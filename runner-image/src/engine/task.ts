/** One task at any depth: its environment, its time-out, its retries, its body. */
import { ExitCode } from "../../../model/diagnostic.js";
import type { Retries } from "../../../model/project.js";
import { Stop, sleep, timerMs } from "../process/stop.js";
import { runCommands, runGroup } from "./commands.js";
import type { CompiledTask } from "./compile.js";
import type { Environment, Frame } from "./frame.js";
import { failure, fromStop, type Outcome } from "./outcome.js";
import { runPipeline } from "./pipeline.js";
import { TemplateFailure } from "./templates.js";

/** A task inside another. Never rejects for what a command does. */
export async function runTask(task: CompiledTask, frame: Frame): Promise<Outcome> {
  const retries = task.task.retries;
  // A stream can't be read a second time.
  if (retries === undefined || frame.input !== null) return runOnce(task, frame, task.task.timeoutSeconds);
  const notice = (message: string): void => {
    frame.engine.log({ level: "warn", task: frame.top, step: task.label, message });
  };
  return withRetries(retries, frame.stop, notice, () => runOnce(task, frame, task.task.timeoutSeconds));
}

/** Runs `attempt` until it succeeds, there are no retries left, or `stop` comes. */
export async function withRetries(
  retries: Retries | undefined,
  stop: Stop,
  notice: (message: string) => void,
  attempt: (number: number) => Promise<Outcome>,
): Promise<Outcome> {
  const max = retries?.max ?? 0;
  let delay = retries?.delaySeconds ?? 0;
  for (let number = 1; ; number++) {
    const outcome = await attempt(number);
    if (outcome.status === "success" || outcome.status === "stopped" || number > max) return outcome;
    if (stop.reason !== null) return fromStop(stop.reason);
    notice(`attempt ${number} of ${max + 1} failed, the next in ${delay} s: ${outcome.error ?? ""}`);
    await sleep(timerMs(delay), stop);
    if (stop.reason !== null) return fromStop(stop.reason);
    delay *= retries?.backoff ?? 1;
  }
}

/** One attempt. Closes the frame's input however it ends. */
export async function runOnce(
  task: CompiledTask,
  frame: Frame,
  timeoutSeconds: number | undefined,
): Promise<Outcome> {
  if (timeoutSeconds === undefined) return runBody(task, frame);
  const stop = new Stop(frame.stop);
  const timer = setTimeout(() => {
    const message = `task ${task.label} timed out after ${timeoutSeconds} s`;
    stop.stop({ status: "timeout", exitCode: ExitCode.timedOut, message });
  }, timerMs(timeoutSeconds));
  try {
    return await runBody(task, { ...frame, stop });
  } finally {
    clearTimeout(timer);
    stop.dispose();
  }
}

async function runBody(task: CompiledTask, frame: Frame): Promise<Outcome> {
  try {
    const inner = task.envs.length === 0 ? frame : { ...frame, env: environmentOf(task, frame) };
    if (task.body.kind === "pipeline") return await runPipeline(task, inner);
    if (task.body.kind === "commands") return await runCommands(task, inner);
    return await runGroup(task, inner);
  } catch (error) {
    if (error instanceof TemplateFailure) return failure(`task ${task.label}: ${error.message}`);
    throw error;
  } finally {
    frame.input?.close();
  }
}

/** The task's own variables, beneath those that the schedule and the caller of the run set. */
function environmentOf(task: CompiledTask, frame: Frame): Environment {
  const own = Object.fromEntries(task.envs.map(([name, value]) => [name, value.render(frame.line)]));
  return { ...frame.env, ...own, ...frame.engine.topEnv };
}
