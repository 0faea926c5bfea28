/** The work on a single stack: what changes, as it changes. */
import type { StackOutcome } from "../../deploy/fleet/fleet.js";
import type { StackSummary } from "../../deploy/stack.js";
import type { StackCommandOptions } from "../command.js";
import { type CliContext, print, say } from "../context.js";
import { handleError } from "../errors.js";
import { colours } from "../output/colour.js";
import { formatDiagnostics } from "../output/diagnostics.js";
import { progressLines } from "../output/progress.js";
import { formatDuration } from "../output/time.js";
import { describeChanges, driftLines } from "./changes.js";
import { errorOf } from "./failure.js";
import { retryLine } from "./lines.js";
import type { FleetView } from "./view.js";

export function singleView(context: CliContext, options: StackCommandOptions): FleetView {
  const progress = progressLines(context);
  return {
    onEvent(event) {
      if (event.event === "progress") progress(event.progress);
      else if (event.event === "log") say(context, event.text);
      else if (event.event === "retry") say(context, retryLine(event));
      else if (event.event === "end") endOfOne(event.outcome, options, context);
    },
    close() {},
  };
}

function endOfOne(outcome: StackOutcome, options: StackCommandOptions, context: CliContext): void {
  const summary =
    outcome.result === "succeeded" ? outcome : "summary" in outcome ? outcome.summary : undefined;
  if (summary && (!options.json || outcome.result !== "succeeded")) report(summary, context, options);
  if (outcome.result === "failed" || outcome.result === "stopped")
    handleError(errorOf(outcome.error), context);
  if (outcome.result === "not-started") say(context, "handoff: stopped");
}

function report(summary: StackSummary, context: CliContext, options: StackCommandOptions): void {
  const paint = colours(context.stderr, context.env);
  if (summary.diagnostics.length > 0) say(context, formatDiagnostics(summary.diagnostics, paint));
  for (const line of driftLines(summary, paint)) say(context, line);
  say(
    context,
    `${paint.green(summary.stack)}: ${describeChanges(summary)} in ${formatDuration(summary.durationMs)}`,
  );
  for (const path of summary.kept) say(context, `kept, since it is data: ${path}`);
  if (summary.operation !== "up" || options.json) return;
  for (const [name, value] of Object.entries(summary.outputs)) {
    print(context, `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  }
  say(context, `\nNext:\n${nextSteps(summary).join("\n")}`);
}

/** What people do after an `up`. */
export function nextSteps({
  stack,
  platform,
  kept,
}: Pick<StackSummary, "stack" | "platform" | "kept">): string[] {
  // A stack that has moved: what its runs knew from one to the next is still where it was.
  const [left] = kept;
  return [
    ...(left === undefined
      ? []
      : [`  handoff artifacts copy --from ${left} --to ${stack}    # carry its last state over`]),
    `  handoff trigger -s ${stack}    # run it now`,
    platform === "local"
      ? "  handoff agent start       # so that its schedules fire"
      : `  handoff runs -s ${stack}       # what ran`,
  ];
}
