/** What shows the work of a fleet while it goes on. */
import type { FleetEvent, StackOutcome } from "../../deploy/fleet/fleet.js";

export interface FleetView {
  onEvent(event: FleetEvent): void;
  /** After the last event: nothing of what is still moving stays. */
  close(): void;
}

/** Said at once: the engines may take minutes to finish their steps. */
export const stoppingText =
  "stopping: what is under way finishes its step, nothing more is started; interrupt again to give up";

export interface Counts {
  readonly succeeded: number;
  readonly failed: number;
  readonly stopped: number;
  readonly notStarted: number;
}

export function countOutcomes(outcomes: readonly StackOutcome[]): Counts {
  const count = (result: StackOutcome["result"]) => outcomes.filter((one) => one.result === result).length;
  return {
    succeeded: count("succeeded"),
    failed: count("failed"),
    stopped: count("stopped"),
    notStarted: count("not-started"),
  };
}

/** `95 done, 5 failed`. */
export function describeCounts(counts: Counts): string {
  const parts = [
    [counts.succeeded, "done"],
    [counts.failed, "failed"],
    [counts.stopped, "stopped"],
    [counts.notStarted, "not started"],
  ] as const;
  const shown = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return shown.length > 0 ? shown.join(", ") : "nothing done";
}
