/**
 * Whether Linux killed a process of the run for want of memory: by what the control group counts, version 1 or 2, in a container
 * or outside of one. Where there is none to read (macOS, gVisor) nothing is known.
 */
import { readFileSync } from "node:fs";

export interface MemoryWatch {
  /** What the control group may use, in bytes; null: it has no limit of its own, so the machine ran out. */
  readonly limitBytes: number | null;
  /** Processes killed since the group began. Reads one file of /sys. */
  kills(): number;
}

/** Text of a file; throws where there is none. */
export type ReadText = (file: string) => string;

/** Of the control group that this process is in. Null where that can't be known. */
export function watchMemory(
  read: ReadText = (file) => readFileSync(file, "latin1"),
  root = "/sys/fs/cgroup",
): MemoryWatch | null {
  const [version1, version2] = ownGroups(read);
  // A container sees its own group at the top, whatever the path says that the machine knows it by.
  const candidates = [
    ...(version1 === undefined ? [] : folders(`${root}/memory`, version1)).map((dir) => group1(dir, read)),
    ...(version2 === undefined ? [] : folders(root, version2)).map((dir) => group2(dir, read)),
  ];
  return candidates.find((found) => found !== null) ?? null;
}

function folders(mount: string, path: string): string[] {
  return path === "/" ? [mount] : [`${mount}${path}`, mount];
}

/** Paths of the groups that count memory: version 1's and version 2's. */
function ownGroups(read: ReadText): [string | undefined, string | undefined] {
  const lines = tried(() => read("/proc/self/cgroup"))?.split("\n") ?? [];
  const parsed = lines.map((line) => line.split(":"));
  const version1 = parsed.find(([, controllers]) => controllers?.split(",").includes("memory"));
  const version2 = parsed.find(([id, controllers]) => id === "0" && controllers === "");
  return [version1?.slice(2).join(":"), version2?.slice(2).join(":")];
}

function group1(dir: string, read: ReadText): MemoryWatch | null {
  return group(read, `${dir}/memory.oom_control`, `${dir}/memory.limit_in_bytes`);
}

function group2(dir: string, read: ReadText): MemoryWatch | null {
  return group(read, `${dir}/memory.events`, `${dir}/memory.max`);
}

/** Version 1's "no limit" is the largest number of pages; version 2's is the word `max`. */
const unlimited = 2 ** 60;

function group(read: ReadText, events: string, limit: string): MemoryWatch | null {
  const kills = (): number | null => {
    const count = /^oom_kill (\d+)$/m.exec(tried(() => read(events)) ?? "")?.[1];
    return count === undefined ? null : Number(count);
  };
  if (kills() === null) return null;
  const bytes = Number.parseInt(tried(() => read(limit)) ?? "", 10);
  return {
    limitBytes: bytes > 0 && bytes < unlimited ? bytes : null,
    kills: () => kills() ?? 0,
  };
}

function tried(action: () => string): string | null {
  try {
    return action();
  } catch {
    return null;
  }
}

/** Why a step ended badly. */
export interface OutOfMemory {
  readonly limitBytes: number | null;
}

/** Says of which step's end a kill is the reason; each kill is one step's. */
export class MemoryJudge {
  readonly #watch: MemoryWatch | null;
  #told: number;

  constructor(watch: MemoryWatch | null) {
    this.#watch = watch;
    this.#told = this.mark();
  }

  /** To be kept from a step's start. */
  mark(): number {
    return this.#watch?.kills() ?? 0;
  }

  /**
   * Asked when a step has failed.
   * @param mark of the step's start; kills before it were others'
   * @param killed it ended by SIGKILL, or as a shell does whose command did. Else a process of its own may have been killed,
   * which is taken for the reason where the job has a limit, and so processes to itself
   */
  judge(mark: number, killed: boolean): OutOfMemory | null {
    if (this.#watch === null) return null;
    const { limitBytes } = this.#watch;
    if (!killed && limitBytes === null) return null;
    const kills = this.#watch.kills();
    if (kills <= Math.max(this.#told, mark)) return null;
    this.#told = kills;
    return { limitBytes };
  }
}

const mib = 2 ** 20;

export function explainOutOfMemory({ limitBytes }: OutOfMemory): string {
  if (limitBytes === null) return "out of memory: the machine has no more";
  const allowed = `${Math.round((limitBytes / mib) * 10) / 10} MiB`;
  return `out of memory: all of the job's processes together may use ${allowed}; raise resources.memory`;
}
