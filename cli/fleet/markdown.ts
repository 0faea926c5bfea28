/** Markdown for a pull request's comment, or a job's summary page. */
import type { StackOutcome } from "../../deploy/fleet/fleet.js";
import { colourless } from "../output/colour.js";
import { formatDuration } from "../output/time.js";
import { againCommand } from "./again.js";
import { describeChanges, driftLines } from "./changes.js";
import { formatFailure } from "./failure.js";
import type { FleetSummary } from "./json.js";
import { describeCounts } from "./view.js";

/** GitHub shows no more than 1 MiB of a summary, and 65,536 characters of a comment. */
const longest = 60_000;
const signs: Readonly<Record<StackOutcome["result"], string>> = {
  succeeded: "✅",
  failed: "❌",
  stopped: "⏹️",
  "not-started": "⏭️",
};

/** Failures first: whoever opens the page wants those. */
export function markdownReport(summary: FleetSummary): string {
  const { operation, stacks, counts, durationMs } = summary;
  const broken = stacks.flatMap((one) => (one.result === "failed" || one.result === "stopped" ? [one] : []));
  const again = againCommand(operation, stacks);
  const details = broken.map(
    (one) =>
      `<details><summary><b>${html(one.stack)}</b></summary>\n\n${fence(formatFailure(one.error, colourless))}\n</details>\n`,
  );
  const drifted = stacks.flatMap((one) => {
    const found = one.result === "succeeded" ? one : one.result === "failed" ? one.summary : undefined;
    const lines = found ? driftLines(found, colourless) : [];
    return lines.length > 0
      ? [
          `<details><summary><b>${html(one.stack)}</b>: what differs</summary>\n\n${fence(lines.join("\n"))}\n</details>\n`,
        ]
      : [];
  });
  return shorten([
    `## handoff ${operation}: ${describeCounts(counts)}\n`,
    ...details,
    ...drifted,
    ...(again ? [`Run again what is missing:\n\n${fence(again)}\n`] : []),
    ["| | stack | result | time |", "|---|---|---|---|", ...ordered(stacks).map(row)].join("\n"),
    `\n${stacks.length} stacks in ${formatDuration(durationMs)}.\n`,
  ]);
}

function ordered(stacks: readonly StackOutcome[]): StackOutcome[] {
  const rank = ({ result }: StackOutcome) =>
    ["failed", "stopped", "not-started", "succeeded"].indexOf(result);
  return [...stacks].sort((a, b) => rank(a) - rank(b));
}

function row(outcome: StackOutcome): string {
  const text =
    outcome.result === "succeeded"
      ? describeChanges(outcome)
      : outcome.result === "not-started"
        ? "not started"
        : (outcome.error.message.split("\n")[0] ?? "");
  const time = outcome.result === "not-started" ? "" : formatDuration(outcome.durationMs);
  return `| ${signs[outcome.result]} | ${cell(outcome.stack)} | ${cell(text)} | ${time} |`;
}

function cell(text: string): string {
  return html(text).replaceAll("|", "\\|").replaceAll("\n", " ");
}

function html(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** With more backticks than the text has in a row. */
function fence(text: string): string {
  const inside = Math.max(0, ...[...text.matchAll(/`+/g)].map(([found]) => found.length));
  const mark = "`".repeat(Math.max(3, inside + 1));
  return `${mark}text\n${text}\n${mark}`;
}

function shorten(parts: readonly string[]): string {
  let text = "";
  for (const part of parts) {
    if (text.length + part.length > longest) {
      // A table may be cut after a row; a fence may not.
      const rows = part.startsWith("|") ? part.slice(0, longest - text.length).replace(/\n[^\n]*$/, "") : "";
      return `${text}${rows}\n\n… shortened: the log, or a report in JSON, has all of it.\n`;
    }
    text += `${part}\n`;
  }
  return text;
}
