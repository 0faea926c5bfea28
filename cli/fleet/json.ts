/** The work of a fleet as data: an object a line, the last one the summary. */
import type { FleetEvent, FleetResult, StackOutcome } from "../../deploy/fleet/fleet.js";
import { type CliContext, print } from "../context.js";
import { countOutcomes, type FleetView } from "./view.js";

/** What a line of `--json` is, beside `schemaVersion` and `time` (ISO 8601): told apart by `event`. */
export function jsonView(context: CliContext): FleetView {
  const tell = (event: object) =>
    print(context, JSON.stringify({ schemaVersion: 1, ...event, time: context.now().toISOString() }));
  return {
    onEvent(event: FleetEvent) {
      if (event.event === "end") tell({ event: "end", ...event.outcome });
      else if (event.event === "progress") {
        const { stack, progress } = event;
        const { kind, ...rest } = progress;
        if (progress.kind === "message" || isChange(progress)) tell({ event: kind, stack, ...rest });
      } else tell(event);
    },
    close() {},
  };
}

function isChange({ op, type }: { readonly op: string; readonly type: string }): boolean {
  return !["same", "read", "refresh"].includes(op) && !type.startsWith("pulumi:");
}

/** The last line of `--json`, and what a report in JSON holds. */
export interface FleetSummary {
  readonly schemaVersion: 1;
  readonly event: "summary";
  readonly operation: FleetResult["operation"];
  readonly stacks: readonly StackOutcome[];
  readonly counts: ReturnType<typeof countOutcomes>;
  readonly exitCode: number;
  readonly durationMs: number;
}

export function summaryOf({ operation, outcomes, durationMs }: FleetResult, exitCode: number): FleetSummary {
  return {
    schemaVersion: 1,
    event: "summary",
    operation,
    stacks: outcomes,
    counts: countOutcomes(outcomes),
    exitCode,
    durationMs,
  };
}
