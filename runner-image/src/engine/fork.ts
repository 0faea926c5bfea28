/** Every branch gets every byte of the stream, by way of a copier process; a slow branch slows the others. */
import { chooseCopier, startCopier } from "../process/copier.js";
import { Fd } from "../process/pipes.js";
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
  let pipes: Awaited<ReturnType<typeof host.pipes.take>>;
  try {
    stderr = await outputs.stderr(task, fork.step);
    kind = await chooseCopier();
    pipes = await host.pipes.take(fork.branches.length);
  } catch (error) {
    input.close();
    throw error;
  }
  const stop = new Stop(frame.stop);
  // A reader of our own, until the copier has opened its outputs (see Copier.opened): a second descriptor is not
  // needed, the branches' own ends stay with us so long.
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
  for (const pipe of pipes) new Fd(pipe.write).close();
  const detach = stop.onStop(() => copier.child.stop());
  await copier.opened;

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
  await Promise.all([...branches, copied]);
  detach();
  stop.dispose();
  if (cause !== null) return cause;
  return frame.stop.reason === null ? success : fromStop(frame.stop.reason);
}
