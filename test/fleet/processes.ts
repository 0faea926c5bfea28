/** A command line of the CLI as a process, with all that it starts. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Env } from "../../deploy/env.js";
import { packageRoot } from "../deploy/fixture.js";

export interface Line {
  readonly event: string;
  readonly stack?: string;
  readonly [key: string]: unknown;
}

export interface Started {
  readonly child: ChildProcess;
  /** Lines of `--json` so far. */
  readonly lines: Line[];
  stderr(): string;
  /** Exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
  /** Most memory that it and all that it started had at a time, in MiB, as far as was seen. */
  peakMiB(): number;
}

/** From the sources, so that a test tests what it stands beside. */
export function startCli(args: readonly string[], options: { cwd: string; env: Env }): Started {
  const child = spawn(
    process.execPath,
    ["--import", import.meta.resolve("tsx/esm"), join(packageRoot, "cli", "main.ts"), ...args],
    { cwd: options.cwd, env: { ...options.env }, stdio: ["ignore", "pipe", "pipe"] },
  );
  const lines: Line[] = [];
  let [rest, errors, peak] = ["", "", 0];
  child.stdout.on("data", (data: Buffer) => {
    const parts = (rest + data.toString()).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) lines.push(JSON.parse(part) as Line);
  });
  child.stderr.on("data", (data: Buffer) => {
    errors += data.toString();
  });
  const watch = setInterval(() => {
    peak = Math.max(peak, memoryOf(tree(child.pid ?? 0)));
  }, 300);
  const ended = new Promise<number | string>((done) =>
    child.on("close", (code, signal) => {
      clearInterval(watch);
      done(code ?? signal ?? "nothing");
    }),
  );
  return { child, lines, ended, stderr: () => errors, peakMiB: () => peak };
}

/** A process and all below it, also those in process groups of their own. */
export function tree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    const stat = read(name, "stat");
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const below = (pid: number): number[] => [pid, ...(children.get(pid) ?? []).flatMap(below)];
  return below(root);
}

/** As a machine does that loses its power. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Ended meanwhile.
    }
  }
}

/** Memory that processes have for themselves, and their share of what they have in common. */
function memoryOf(pids: readonly number[]): number {
  const kiB = pids.map((pid) => Number(/^Pss:\s+(\d+)/m.exec(read(String(pid), "smaps_rollup"))?.[1] ?? 0));
  return kiB.reduce((sum, one) => sum + one, 0) / 1024;
}

function read(pid: string, file: string): string {
  try {
    return readFileSync(join("/proc", pid, file), "latin1");
  } catch {
    // Ended meanwhile.
    return "";
  }
}
