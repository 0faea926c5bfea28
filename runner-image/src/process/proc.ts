/** What Linux's /proc says about processes. */
import { closeSync, openSync, readdirSync, readSync } from "node:fs";

export interface Living {
  /** Process groups that have a member which is no zombie. In a container nobody may reap orphans. */
  readonly groups: ReadonlySet<number>;
  /** Processes with the mark in their environment. */
  readonly marked: readonly number[];
}

/** Fits what /proc says of one process; its environment may be longer. */
const buffer = Buffer.allocUnsafe(64 * 1024);

/** Throws for a process that has ended meanwhile, or is another user's. */
function readProc(path: string): string {
  const fd = openSync(path, "r");
  try {
    let text = "";
    for (;;) {
      const size = readSync(fd, buffer);
      text += buffer.toString("latin1", 0, size);
      // The kernel fills what it is given, but for the end.
      if (size < buffer.length) return text;
    }
  } finally {
    closeSync(fd);
  }
}

function readStat(pid: string | number): { state: string | undefined; group: number; start: number } {
  // pid (name, which may hold anything) state ppid pgrp … starttime …
  const stat = readProc(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ", 20);
  return { state: fields[0], group: Number(fields[2]), start: Number(fields[19]) };
}

/** When a process started, in the system's ticks; 0, which is before any other, when that can't be known. */
export function startOf(pid: number | undefined): number {
  try {
    return pid === undefined ? 0 : readStat(pid).start;
  } catch {
    return 0;
  }
}

/** Null where there is no /proc. Processes that started before `since` (as `startOf` gives it) are not looked at. */
export function listProcesses(mark: string, since: number): Living | null {
  let names: string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return null;
  }
  const groups = new Set<number>();
  const marked: number[] = [];
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const { state, group, start } = readStat(name);
      if (start < since || state === "Z" || state === "X") continue;
      groups.add(group);
      if (readProc(`/proc/${name}/environ`).includes(mark)) marked.push(Number(name));
    } catch {
      // ended meanwhile, or another user's
    }
  }
  return { groups, marked };
}
/** How many descriptors a process has open; null when that can't be known. */
export function countDescriptors(pid: number): number | null {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return null;
  }
}
