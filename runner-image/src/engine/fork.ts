/** Every branch gets every byte of the stream, by way of a copier process; a slow branch slows the others. */
import { closeSync } from "node:fs";
import { chooseCopier, copierOutput, startCopier } from "../process/copier.js";
import { Fd, inodeOf } from "../process/pipes.js";
import { Stop } from "../process/stop.js";
import type { CompiledTail, CompiledTask } from "./compile.js";
import type { Frame } from "./frame.js";
import { explainExit, failure, fromStop, isBrokenPipe, type Outcome, success } from "./outcome.js";

type Fork = Extract<CompiledTail, { kind: "fork" }>;

/**
 * Takes `input` over. A failed branch ends the others, unless it says `kill_downstream_on_fail: false`; then they go on,
 * and the fork fails at its end.
 */
export async function runFork(task: CompiledTask, fork: Fork, input: Fd, frame: Frame): Promise<Outcome> {
  const { engine, outputs } = frame;
  const { host } = engine;
  const [only] = fork.branches;
  if (only === undefined) {
    input.close();
    return success;
  }
  if (fork.branches.length === 1) return engine.runTask(only, { ...frame, input });

  let stderr: Awaited<ReturnType<typeof outputs.stderr>>;
  let kind: Awaited<ReturnType<typeof chooseCopier>>;
  let pipes: Awaited<ReturnType<typeof host.pipes.takeGuarded>>;
  try {
    stderr = await outputs.stderr(task, fork.step);
    kind = await chooseCopier();
    pipes = await host.pipes.takeGuarded(fork.branches.length);
  } catch (error) {
    input.close();
    throw error;
  }
  const stop = new Stop(frame.stop);
  const inputs = pipes.map((pipe) => new Fd(pipe.read));
  const copier = startCopier(kind, {
    host,
    cwd: engine.workDir,
    env: frame.env,
    input: input.number,
    outputs: pipes.map((pipe) => pipe.write),
    stderr: stderr.fd,
  });
  input.close();
  const ends = pipes.map((pipe, index) => ({ fd: copierOutput(index), inode: inodeOf(pipe) }));
  for (const pipe of pipes) closeSync(pipe.write);
  const detach = stop.onStop(() => copier.child.stop());
  // A branch may end at once.
  const guarded = copier.opened.then(() => {
    for (const pipe of pipes) closeSync(pipe.guard);
  });
  const { pid } = copier.child;
  const keepPipes =
    frame.line === null && pid !== undefined ? host.enlargeSoon(ends.map((end) => ({ ...end, pid }))) : null;

  let cause: Outcome | null = null;
  const fail = (outcome: Outcome, endsOthers: boolean): void => {
    cause ??= outcome;
    if (!endsOthers) return;
    const message = outcome.error ?? "a branch failed";
    stop.stop({ status: "stopped", exitCode: outcome.exitCode, message });
  };
  const branches = fork.branches.map(async (branch, index) => {
    const branchInput = inputs[index] ?? null;
    const outcome = await engine.runTask(branch, { ...frame, stop, input: branchInput });
    branchInput?.close();
    if (outcome.status === "success" || (outcome.status === "stopped" && stop.reason !== null)) return;
    fail(outcome, branch.task.killDownstreamOnFail);
  });
  const copied = copier.child.exit.then((exit) => {
    if (exit.code === 0 || exit.stopped) return;
    stderr.drain();
    if (isBrokenPipe(exit, [])) return;
    fail(failure(explainExit(fork.step, exit, stderr.last)), true);
  });
  await Promise.all([...branches, copied, guarded]);
  keepPipes?.();
  detach();
  stop.dispose();
  if (cause !== null) return cause;
  return frame.stop.reason === null ? success : fromStop(frame.stop.reason);
}
