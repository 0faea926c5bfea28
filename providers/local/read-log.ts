/** Reads a run's log while it grows. */
import { existsSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";
import { setTimeout as sleep } from "node:timers/promises";
import { openHistory, type Run } from "../../history/history.js";
import type { LogLine } from "../../model/run.js";
import { deploymentPaths, homePaths } from "./home.js";
import type { OperateContext } from "./operate-types.js";

/**
 * The lines of a run's log. With `follow` it waits for more until the run has ended (also for a log that is yet to
 * appear), else it gives what is there.
 */
export async function* readLog(
  context: OperateContext,
  run: Run,
  options: { readonly follow: boolean; readonly signal?: AbortSignal },
): AsyncGenerator<LogLine> {
  const file = deploymentPaths(context.home, run.deployment).run(run.runId).log;
  const history = openHistory(homePaths(context.home).history);
  const hasEnded = () => !options.follow || history.get(run.runId)?.endedAt !== null;
  let handle: FileHandle | undefined;
  try {
    const buffer = Buffer.alloc(64 * 1024);
    const decoder = new StringDecoder("utf8");
    let rest = "";
    while (!options.signal?.aborted) {
      // Asked before reading: what is written up to the end is read after it.
      const ended = hasEnded();
      if (!handle && existsSync(file)) handle = await open(file, "r");
      for (let bytes = 1; handle && bytes > 0 && !options.signal?.aborted; ) {
        ({ bytesRead: bytes } = await handle.read(buffer, 0, buffer.length, null));
        const lines = (rest + decoder.write(buffer.subarray(0, bytes))).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) if (line !== "") yield parse(line, run);
      }
      if (ended) {
        if (rest !== "") yield parse(rest, run);
        return;
      }
      await sleep(200);
    }
  } finally {
    await handle?.close();
    history.close();
  }
}

/**
 * Why an ended run that was started has no log any more: `pruned`, by the agent, for newer runs of its job; `removed` with its
 * deployment, or by hand. Undefined when its log is there, or it never had one.
 */
export function logGone(context: OperateContext, run: Run): "pruned" | "removed" | undefined {
  if (run.endedAt === null || run.startedAt === null) return undefined;
  if (existsSync(deploymentPaths(context.home, run.deployment).run(run.runId).root)) return undefined;
  const history = openHistory(homePaths(context.home).history);
  try {
    return history.isPruned(run.runId) ? "pruned" : "removed";
  } finally {
    history.close();
  }
}

/** A line that is no JSON (the disk was full, the machine went down) is shown as it is. */
function parse(text: string, run: Run): LogLine {
  try {
    const line: unknown = JSON.parse(text);
    if (typeof line === "object" && line !== null && "message" in line) return line as LogLine;
  } catch {
    // Shown below.
  }
  return { time: run.startedAt ?? run.firedAt, level: "info", runId: run.runId, message: text };
}
