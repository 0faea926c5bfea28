/** JUnit XML, as GitLab, Jenkins, Azure DevOps and the actions for GitHub read it: a stack is a test case. */
import type { StackOutcome } from "../../deploy/fleet/fleet.js";
import type { StackFailure } from "../../deploy/fleet/messages.js";
import { colourless } from "../output/colour.js";
import { describeChanges, driftLines } from "./changes.js";
import { formatFailure } from "./failure.js";
import type { FleetSummary } from "./json.js";

export function junitReport({ operation, stacks, counts, durationMs }: FleetSummary): string {
  const name = `handoff ${operation}`;
  const failures = counts.failed + counts.stopped;
  const totals = `tests="${stacks.length}" failures="${failures}" errors="0" skipped="${counts.notStarted}" time="${seconds(durationMs)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${escaped(name)}" ${totals}>`,
    `  <testsuite name="${escaped(name)}" ${totals}>`,
    ...stacks.map((outcome) => testCase(outcome, name)),
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function testCase(outcome: StackOutcome, className: string): string {
  const time = outcome.result === "not-started" ? 0 : outcome.durationMs;
  const open = `    <testcase name="${escaped(outcome.stack)}" classname="${escaped(className)}" time="${seconds(time)}">`;
  return `${open}${contents(outcome)}</testcase>`;
}

function contents(outcome: StackOutcome): string {
  if (outcome.result === "not-started") return `<skipped message="not started: ${outcome.reason}"/>`;
  const summary = outcome.result === "succeeded" ? outcome : outcome.summary;
  const said = summary
    ? `<system-out>${escaped([describeChanges(summary), ...driftLines(summary, colourless)].join("\n"))}</system-out>`
    : "";
  return outcome.result === "succeeded" ? said : `${failure(outcome.error)}${said}`;
}

function failure(error: StackFailure): string {
  const first = error.message.split("\n")[0] ?? "";
  return `<failure message="${escaped(first)}" type="${escaped(error.code)}">${escaped(formatFailure(error, colourless))}</failure>`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\n": "&#10;",
};

/** For an attribute or a text; what XML 1.0 has no place for is left out. */
function escaped(text: string): string {
  return [...text]
    .filter((character) => isXml(character.codePointAt(0) ?? 0))
    .join("")
    .replace(/[&<>"\n]/g, (found) => entities[found] ?? found);
}

/** https://www.w3.org/TR/xml/#charsets, without the carriage return, which a reader would make a new line of. */
function isXml(code: number): boolean {
  return (
    code === 0x9 ||
    code === 0xa ||
    (code >= 0x20 && code <= 0xd7ff) ||
    (code >= 0xe000 && code !== 0xfffe && code !== 0xffff)
  );
}
