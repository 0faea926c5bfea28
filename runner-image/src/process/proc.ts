/** What Linux's /proc says about processes. */
import { readdirSync, readFileSync } from "node:fs";

export interface Living {
  /** Process groups that have a member which is no zombie. In a container nobody may reap orphans. */
  readonly groups: ReadonlySet<number>;
  /** Processes with the mark in their environment. */
  readonly marked: readonly number[];
}

/** Null where there is no /proc. */
export function listProcesses(mark: string): Living | null {
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
      // pid (name, which may hold anything) state ppid pgrp …
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (state === "Z" || state === "X") continue;
      groups.add(Number(group));
      if (readFileSync(`/proc/${name}/environ`, "latin1").includes(mark)) marked.push(Number(name));
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
