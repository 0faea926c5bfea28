/** Why something is to end before its own end. */
export interface StopReason {
  /** `stopped`: by a signal, or because a neighbour failed. */
  readonly status: "timeout" | "stopped";
  readonly exitCode: number;
  /** One sentence for the log and the record. */
  readonly message: string;
}

/**
 * A stop that runs downwards: stopping a task stops its pipelines, stopping a pipeline leaves its task alone.
 * Unlike an AbortSignal made by `any`, it is let go of with `dispose`: a foreach makes one for each of its lines.
 */
export class Stop {
  #reason: StopReason | null = null;
  readonly #listeners = new Set<(reason: StopReason) => void>();
  readonly #detach: () => void;

  constructor(parent?: Stop) {
    this.#detach = parent === undefined ? () => {} : parent.onStop((reason) => this.stop(reason));
  }

  get reason(): StopReason | null {
    return this.#reason;
  }

  /** The first reason counts; later calls do nothing. */
  stop(reason: StopReason): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    for (const listener of [...this.#listeners]) listener(reason);
    this.#listeners.clear();
  }

  /** Calls `listener` once: at once when the stop has come already. Returns what takes the listener away. */
  onStop(listener: (reason: StopReason) => void): () => void {
    if (this.#reason !== null) {
      listener(this.#reason);
      return () => {};
    }
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  dispose(): void {
    this.#detach();
    this.#listeners.clear();
  }
}

/** Seconds as a timer takes them: at most 24 days, beyond which Node's would fire at once. */
export function timerMs(seconds: number): number {
  return Math.min(seconds * 1000, 2 ** 31 - 1);
}

/** Resolves after `ms`, or as soon as `stop` comes. */
export function sleep(ms: number, stop: Stop): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    const detach = stop.onStop(done);
    function done(): void {
      clearTimeout(timer);
      detach?.();
      resolve();
    }
  });
}
