/** One agent for each `$HANDOFF_HOME`. */
import { rmSync } from "node:fs";
import type { History } from "../../../history/history.js";
import { type HomePaths, readJson, writeJson } from "../home.js";
import { isSameProcess, processStart } from "./identity.js";

export interface AgentLock {
  readonly pid: number;
  readonly start: string | null;
  /** ISO 8601. */
  readonly startedAt: string;
  /** True once its schedules are loaded and it fires. */
  readonly ready: boolean;
}

/** The agent that runs now, if one does. */
export function liveAgent(paths: HomePaths): AgentLock | undefined {
  const lock = readJson<AgentLock>(paths.agentPid);
  return lock && isSameProcess(lock.pid, lock.start) ? lock : undefined;
}

/** Takes the lock for this process; returns the agent that has it instead, when one does. */
export function acquire(paths: HomePaths, history: History, startedAt: Date): AgentLock | undefined {
  // Two takers of a dead agent's lock are told apart by the database's.
  return history.exclusive(() => {
    const other = liveAgent(paths);
    if (other && other.pid !== process.pid) return other;
    write(paths, startedAt, false);
    return undefined;
  });
}

export function markReady(paths: HomePaths, startedAt: Date): void {
  write(paths, startedAt, true);
}

export function release(paths: HomePaths): void {
  if (readJson<AgentLock>(paths.agentPid)?.pid === process.pid) rmSync(paths.agentPid, { force: true });
}

function write(paths: HomePaths, startedAt: Date, ready: boolean): void {
  const lock: AgentLock = {
    pid: process.pid,
    start: processStart(process.pid),
    startedAt: startedAt.toISOString(),
    ready,
  };
  writeJson(paths.agentPid, lock);
}
