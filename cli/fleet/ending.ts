/** What is said last: warnings once for all, failures with their causes, and how to go on. */
import type { FleetResult, StackOutcome } from "../../deploy/fleet/fleet.js";
import { type Diagnostic, ExitCode } from "../../model/diagnostic.js";
import type { Colours } from "../output/colour.js";
import { formatDiagnostics } from "../output/diagnostics.js";
import { formatDuration } from "../output/time.js";
import { againCommand } from "./again.js";
import { formatFailure } from "./failure.js";
import { countOutcomes, describeCounts } from "./view.js";

/**
 * A single stack's own; of several: 0 when all is done; 130 or 143 after an interruption; 2 when each stack was refused for its input, so that nothing was
 * touched; else 1. @param reason the signal's name, where there was one
 */
export function exitCodeOf(outcomes: readonly StackOutcome[], reason: unknown): number {
  const open = outcomes.filter(({ result }) => result === "stopped" || result === "not-started");
  if (reason !== undefined && open.length > 0)
    return reason === "SIGTERM" ? ExitCode.terminated : ExitCode.interrupted;
  const failed = outcomes.flatMap((one) => (one.result === "failed" ? [one] : []));
  if (failed.length === 0) return ExitCode.ok;
  const [only] = outcomes.length === 1 ? failed : [];
  if (only) return only.exitCode;
  const refused =
    failed.length === outcomes.length && failed.every((one) => one.exitCode === ExitCode.invalid);
  return refused ? ExitCode.invalid : ExitCode.failed;
}

export function describeEnding({ operation, outcomes, durationMs }: FleetResult, paint: Colours): string {
  const failed = outcomes.flatMap((one) => (one.result === "failed" ? [one] : []));
  const again = againCommand(operation, outcomes);
  const counts = describeCounts(countOutcomes(outcomes));
  return [
    ...warnings(outcomes, paint),
    ...failed.flatMap(({ stack, error }) => [
      "",
      paint.red(paint.bold(stack)),
      ...formatFailure(error, paint)
        .split("\n")
        .map((line) => `  ${line}`),
    ]),
    ...(failed.length > 0 ? [""] : []),
    `${failed.length > 0 ? paint.red(counts) : counts}, in ${formatDuration(durationMs)}`,
    ...(again ? [`  ${paint.cyan("->")} what is not done: ${again}`] : []),
  ].join("\n");
}

/** Many clients have one project, and its warnings in common. */
function warnings(outcomes: readonly StackOutcome[], paint: Colours): string[] {
  const found = new Map<string, { readonly diagnostic: Diagnostic; stacks: string[] }>();
  for (const outcome of outcomes) {
    if (outcome.result !== "succeeded") continue;
    for (const diagnostic of outcome.diagnostics) {
      if (diagnostic.severity === "error") continue;
      const key = JSON.stringify(diagnostic);
      const entry = found.get(key) ?? { diagnostic, stacks: [] };
      entry.stacks.push(outcome.stack);
      found.set(key, entry);
    }
  }
  return [...found.values()].map(({ diagnostic, stacks }) => {
    const whose = stacks.length === 1 ? `stack ${stacks[0]}` : `${stacks.length} stacks`;
    return formatDiagnostics([{ ...diagnostic, message: `${diagnostic.message} (${whose})` }], paint);
  });
}
