/** The lines about one stack, kept until it is done, so that those of several stacks don't mix. */
import type { FleetEvent, StackOutcome } from "../../deploy/fleet/fleet.js";
import type { Colours } from "../output/colour.js";
import { progressText } from "../output/progress.js";
import { formatDuration } from "../output/time.js";
import { describeChanges, driftLines } from "./changes.js";

/** Lines of a stack that are shown; the rest is counted. */
const shownLines = 20;

export class Blocks {
  readonly #paint: Colours;
  readonly #lines = new Map<string, string[]>();

  constructor(paint: Colours) {
    this.#paint = paint;
  }

  add(event: FleetEvent): void {
    const text =
      event.event === "log"
        ? event.text
        : event.event === "progress"
          ? progressText(event.progress, this.#paint)
          : undefined;
    if (text === undefined || !("stack" in event)) return;
    const lines = this.#lines.get(event.stack) ?? [];
    lines.push(...text.split("\n").map((line) => (line.startsWith("  ") ? line : `  ${line}`)));
    this.#lines.set(event.stack, lines);
  }

  /** A line that says how a stack ended, those that were kept below it. @param place such as ` (3/100)` */
  end(outcome: StackOutcome, place: string): string {
    const paint = this.#paint;
    const kept = this.#lines.get(outcome.stack) ?? [];
    this.#lines.delete(outcome.stack);
    const { stack } = outcome;
    if (outcome.result === "not-started") return `${paint.dim("-")} ${stack}: not started`;
    const took = formatDuration(outcome.durationMs);
    if (outcome.result === "stopped")
      return [`${paint.yellow("!")} ${stack}: stopped after ${took}${place}`, ...some(kept)].join("\n");
    const summary = outcome.result === "failed" ? outcome.summary : outcome;
    const found = summary?.differences ? driftLines(summary, paint) : kept;
    if (!summary)
      return [`${paint.red("✗")} ${stack}: failed after ${took}${place}`, ...some(found)].join("\n");
    const sign = outcome.result === "failed" ? paint.red("✗") : paint.green("✓");
    return [
      `${sign} ${stack}: ${describeChanges(summary)} in ${took}${place}`,
      ...some(found),
      ...summary.kept.map((path) => `  kept, since it is data: ${path}`),
    ].join("\n");
  }
}

function some(lines: readonly string[]): string[] {
  if (lines.length <= shownLines) return [...lines];
  const rest = lines.length - shownLines + 1;
  return [...lines.slice(0, shownLines - 1), `  … and ${rest} lines more`];
}
