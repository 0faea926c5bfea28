/** Runs commands side by side and compares them: ratios of medians, never absolute limits. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

export interface BenchCommand {
  readonly argv: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Memory is that of all processes that it starts, at a time, and not of itself alone. Default false. */
  readonly wholeTree?: boolean;
}

export interface Sample {
  readonly seconds: number;
  /** CPU of the started process alone, without its children; null where /proc can't tell. */
  readonly cpuSeconds: number | null;
  /** Peak resident memory of the started process alone; with `wholeTree`, of all below it. */
  readonly peakMiB: number | null;
}

/** CPU ticks a second on every Linux that Node supports (getconf CLK_TCK). */
const ticksPerSecond = 100;

function readProc(pid: number): { cpuSeconds: number; peakMiB: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    if (peak?.[1] === undefined) return null;
    return {
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
      peakMiB: Number(peak[1]) / 1024,
    };
  } catch {
    return null;
  }
}

/** Memory of a process and all below it: what each has for itself, and its share of what they have in common. */
function treeMiB(root: number): number {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    } catch {
      // Ended meanwhile.
    }
  }
  const below = (pid: number): number[] => [pid, ...(children.get(pid) ?? []).flatMap(below)];
  let kiB = 0;
  for (const pid of below(root)) {
    try {
      kiB += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
    } catch {
      // Ended meanwhile.
    }
  }
  return kiB / 1024;
}

/** One run of a command. Rejects when it exits non-zero: a benchmark of a failure means nothing. */
export function runOnce(command: BenchCommand): Promise<Sample> {
  return new Promise((resolve, reject) => {
    const [file, ...args] = command.argv;
    const start = process.hrtime.bigint();
    const child = spawn(file, args, {
      cwd: command.cwd,
      env: { ...process.env, ...command.env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let last: { cpuSeconds: number; peakMiB: number } | null = null;
    let [ticks, treePeak] = [0, 0];
    const timer = setInterval(() => {
      if (child.pid === undefined) return;
      last = readProc(child.pid) ?? last;
      // Rarely: it costs time that the command would have.
      if (command.wholeTree && ++ticks % 25 === 0) treePeak = Math.max(treePeak, treeMiB(child.pid));
    }, 20);
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-4000);
    });
    child.on("error", (error) => {
      clearInterval(timer);
      reject(error);
    });
    child.on("close", (code, signal) => {
      clearInterval(timer);
      const seconds = Number(process.hrtime.bigint() - start) / 1e9;
      if (code === 0)
        resolve({
          seconds,
          cpuSeconds: last?.cpuSeconds ?? null,
          peakMiB: treePeak > 0 ? treePeak : (last?.peakMiB ?? null),
        });
      else
        reject(new Error(`${command.argv.join(" ").slice(0, 200)} ended with ${code ?? signal}\n${stderr}`));
    });
  });
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) throw new Error("median of nothing");
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

export interface Comparison {
  readonly ours: number;
  readonly peer: number;
  /** Of the two medians. */
  readonly ratio: number;
  /** Smallest and largest ratio of one run of ours to the run of the peer's right after it. */
  readonly spread: readonly [smallest: number, largest: number];
  /** Seconds of every counted run, in order. */
  readonly samples: { readonly ours: readonly number[]; readonly peer: readonly number[] };
  /** Largest over the samples of ours. */
  readonly cpuSeconds: number | null;
  readonly peakMiB: number | null;
}

/** Alternates between the two, so that a noisy moment hits both; the first pair warms caches and does not count. */
export async function compare(ours: BenchCommand, peer: BenchCommand, samples: number): Promise<Comparison> {
  const a: Sample[] = [];
  const b: Sample[] = [];
  for (let i = 0; i <= samples; i++) {
    const pair = [await runOnce(ours), await runOnce(peer)] as const;
    if (i === 0) continue;
    a.push(pair[0]);
    b.push(pair[1]);
  }
  const oursMedian = median(a.map((s) => s.seconds));
  const peerMedian = median(b.map((s) => s.seconds));
  const ratios = a.map((sample, i) => sample.seconds / (b[i]?.seconds ?? Number.NaN));
  const largest = (pick: (s: Sample) => number | null) => {
    const values = a.map(pick).filter((v) => v !== null);
    return values.length > 0 ? Math.max(...values) : null;
  };
  return {
    ours: oursMedian,
    peer: peerMedian,
    ratio: oursMedian / peerMedian,
    spread: [Math.min(...ratios), Math.max(...ratios)],
    samples: { ours: a.map((sample) => sample.seconds), peer: b.map((sample) => sample.seconds) },
    cpuSeconds: largest((s) => s.cpuSeconds),
    peakMiB: largest((s) => s.peakMiB),
  };
}
