/** Commands one after the other, stopping at the first failure. */
import { ExitCode } from "../../../model/diagnostic.js";
import { Stop } from "../process/stop.js";
import type { CompiledTask } from "./compile.js";
import type { Frame } from "./frame.js";
import { exitCodeOf, explainExit, failure, fromStop, type Outcome, success } from "./outcome.js";
import { recordStep, startStep } from "./step.js";

export async function runCommands(task: CompiledTask, frame: Frame): Promise<Outcome> {
  if (task.body.kind !== "commands") throw new Error(`${task.label} has no commands`);
  const { commands } = task.body;
  for (const [index, command] of commands.entries()) {
    if (frame.stop.reason !== null) return fromStop(frame.stop.reason);
    const line = command.line.render(frame.line);
    const stderr = await frame.outputs.stderr(task, command.step);
    const stdout = await frame.outputs.stdout(task, command.step);
    if (frame.stop.reason !== null) return fromStop(frame.stop.reason);
    const stdin = frame.input?.number ?? null;
    const step = startStep(frame, { command, line, env: frame.env, stdin, stdout: stdout.fd, stderr });
    if (index === commands.length - 1) frame.input?.close();
    const detach = frame.stop.onStop(() => step.stop());
    const end = await step.end;
    detach();
    stdout.channel?.drain();
    const { exit } = end;
    if (end.timedOut) {
      recordStep(frame, command.step, "timeout", end);
      const error = `step ${command.step} timed out after ${command.timeoutSeconds ?? 0} s`;
      return { status: "timeout", exitCode: ExitCode.timedOut, error };
    }
    if (exit.stopped && frame.stop.reason !== null) {
      recordStep(frame, command.step, "stopped", end);
      return fromStop(frame.stop.reason);
    }
    if (exit.code !== 0) {
      recordStep(frame, command.step, "failure", end);
      return failure(explainExit(command.step, exit, end.lastWords, end.outOfMemory), exitCodeOf(exit));
    }
    recordStep(frame, command.step, "success", end);
  }
  return success;
}

/** A named group: its tasks in order. One that failed ends the group unless it says otherwise. */
export async function runGroup(task: CompiledTask, frame: Frame): Promise<Outcome> {
  if (task.body.kind !== "tasks") throw new Error(`${task.label} is no group`);
  let result: Outcome = success;
  const stop = new Stop(frame.stop);
  for (const inner of task.body.tasks) {
    if (frame.stop.reason !== null) {
      stop.dispose();
      return fromStop(frame.stop.reason);
    }
    const outcome = await frame.engine.runTask(inner, { ...frame, stop });
    if (outcome.status === "success") continue;
    if (result.status === "success") result = outcome;
    if (inner.task.killDownstreamOnFail || outcome.status === "stopped") break;
  }
  stop.dispose();
  return result;
}
