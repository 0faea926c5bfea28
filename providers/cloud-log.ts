/** A run's log in a cloud: pages followed, each line once, in the order of time, through lost connections. */
import type { LogLine } from "../model/run.js";
import type { LogEntry, LogTarget, ReadLogPage } from "./cloud-driver.js";
import { patiently, type Sleep } from "./cloud-errors.js";

export interface LogReading {
  readonly runId: string;
  /** Every execution of the run that there is so far: those of a flow come one by one. */
  targets(): Promise<readonly LogTarget[]>;
  open(target: LogTarget): ReadLogPage;
  /** Whether the run has ended, and which executions' logs then have the runner's last line; none: it isn't to be waited for. */
  end(): Promise<{ readonly ended: boolean; readonly closing: readonly string[] }>;
  readonly follow: boolean;
  /** How long after the run's end a line may appear, in milliseconds. */
  readonly delayMs: number;
  /** Between two looks. */
  readonly pollMs: number;
  /** How long after its last line an earlier one may. */
  readonly disorderMs: number;
  readonly signal: AbortSignal | undefined;
  readonly sleep: Sleep;
  /** Milliseconds. */
  now(): number;
}

/** Oldest first. With `follow` until the run has ended, and what its jobs print last has come or had the time for it. */
export async function* readCloudLog(reading: LogReading): AsyncGenerator<LogLine> {
  const { follow, signal, sleep } = reading;
  const sources = new Map<string, Source>();
  let endedAt: number | undefined;
  let completeAt: number | undefined;
  for (;;) {
    // Asked before the log is read: what is there at the end is read after it.
    const { ended, closing } = follow ? await patiently(reading.end, reading) : { ended: true, closing: [] };
    for (const target of await patiently(reading.targets, reading)) {
      if (!sources.has(target.execution)) sources.set(target.execution, new Source(target, reading));
    }
    for await (const line of inOrder([...sources.values()].map((source) => source.lines()))) {
      if (signal?.aborted) return;
      yield line;
    }
    if (signal?.aborted || !follow) return;
    if (ended) {
      const now = reading.now();
      endedAt ??= now;
      if (closing.length > 0 && closing.every((one) => sources.get(one)?.isClosed)) completeAt ??= now;
      if (completeAt !== undefined && now - completeAt >= reading.disorderMs) return;
      if (now - endedAt >= reading.delayMs) return;
    }
    await sleep(reading.pollMs, signal);
    if (signal?.aborted) return;
  }
}

/** The log of one execution, read on from where it was left. */
class Source {
  readonly #target: LogTarget;
  readonly #read: ReadLogPage;
  readonly #reading: LogReading;
  #cursor: string | undefined;
  #seen = new Seen();
  /** The runner's last line has been read. */
  isClosed = false;

  constructor(target: LogTarget, reading: LogReading) {
    this.#target = target;
    this.#read = reading.open(target);
    this.#reading = reading;
  }

  /** What is there now. */
  async *lines(): AsyncGenerator<LogLine> {
    const { signal } = this.#reading;
    for (let more = true; more && !signal?.aborted; ) {
      const page = await patiently(() => this.#read(this.#cursor, signal), this.#reading);
      for (const entry of page.entries) {
        if (entry.id !== undefined && !this.#seen.add(entry.id)) continue;
        const line = lineOf(entry, this.#target.runId);
        if (line.event === "run.end") this.isClosed = true;
        yield line;
      }
      more = page.more;
      this.#cursor = page.cursor;
    }
  }
}

/** Ids of entries that have been shown, as far as one may come again: pages overlap by seconds. */
class Seen {
  static readonly #kept = 50_000;
  #newer = new Set<string>();
  #older = new Set<string>();

  /** False for one that is there. */
  add(id: string): boolean {
    if (this.#newer.has(id) || this.#older.has(id)) return false;
    this.#newer.add(id);
    if (this.#newer.size > Seen.#kept) {
      this.#older = this.#newer;
      this.#newer = new Set();
    }
    return true;
  }
}

/** A line that isn't the runner's (Python's last words, the platform's) is shown as it is. */
export function lineOf({ time, text, level = "info" }: LogEntry, runId: string): LogLine {
  if (text.startsWith("{")) {
    try {
      const line = JSON.parse(text) as Partial<LogLine> | null;
      if (
        typeof line?.message === "string" &&
        typeof line.time === "string" &&
        typeof line.level === "string"
      )
        return { ...line, runId: line.runId ?? runId } as LogLine;
    } catch {
      // Shown below.
    }
  }
  return { time, level, runId, message: text.replace(/\r?\n$/, "") };
}

/** Several logs as one, each of which is in order. */
async function* inOrder(logs: readonly AsyncGenerator<LogLine>[]): AsyncGenerator<LogLine> {
  const heads: { line: LogLine; at: number; rest: AsyncGenerator<LogLine> }[] = [];
  const next = async (rest: AsyncGenerator<LogLine>): Promise<void> => {
    const { value, done } = await rest.next();
    if (!done) heads.push({ line: value, at: Date.parse(value.time), rest });
  };
  await Promise.all(logs.map(next));
  while (heads.length > 0) {
    let first = 0;
    heads.forEach(({ at }, place) => {
      if (at < (heads[first]?.at ?? 0)) first = place;
    });
    const [head] = heads.splice(first, 1);
    if (!head) return;
    yield head.line;
    await next(head.rest);
  }
}
