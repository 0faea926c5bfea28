/** The steps of a task, as its record shows them. A step that runs many times (in a foreach) is one row. */
import type { StepRecord } from "../../../model/run.js";

export class StepLog {
  readonly #steps = new Map<string, StepRecord>();

  /** Adds up the durations; the first end that was not well is the one that stays. */
  add(step: StepRecord): void {
    const known = this.#steps.get(step.name);
    if (known === undefined) {
      this.#steps.set(step.name, step);
      return;
    }
    const shown = known.status === "success" ? step : known;
    this.#steps.set(step.name, { ...shown, durationMs: known.durationMs + step.durationMs });
  }

  /** Steps in their order in the project; those that never started are `skipped`. */
  list(names: readonly string[]): StepRecord[] {
    return names.map(
      (name) =>
        this.#steps.get(name) ?? { name, status: "skipped", exitCode: null, signal: null, durationMs: 0 },
    );
  }
}
