import * as engine from "../deploy/stack.js";
import type { StackCommandOptions } from "./command.js";
import { type CliContext, print, printJson, say } from "./context.js";
import { handleError } from "./errors.js";
import { colours } from "./output/colour.js";
import { formatDiagnostics } from "./output/diagnostics.js";
import { progressLines } from "./output/progress.js";
import { formatDuration } from "./output/time.js";
import { findStack } from "./project-lookup.js";

type Operation = engine.StackSummary["operation"];
type Outcome =
  | engine.StackSummary
  | { readonly stack: string; readonly result: "failed"; readonly exitCode: number };

const operations = {
  up: engine.up,
  preview: engine.preview,
  destroy: engine.destroy,
  refresh: engine.refresh,
} as const satisfies Record<Operation, unknown>;

/**
 * One engine operation on each of the stacks, one after the other; a failure does not keep the next ones from being done, an
 * interruption does. Returns the first exit code that is not 0.
 */
export async function runStackCommand(
  operation: Operation,
  names: readonly string[],
  options: StackCommandOptions,
  context: CliContext,
): Promise<number> {
  const stacks = names.length > 0 ? names : [findStack(context.cwd, undefined).stack];
  const outcomes: Outcome[] = [];
  for (const stack of stacks) {
    if (context.interrupted.aborted) break;
    outcomes.push(await operateOn(operation, stack, options, context));
  }
  if (options.json) printJson(context, { schemaVersion: 1, operation, stacks: outcomes });
  return outcomes.find((outcome) => outcome.result === "failed")?.exitCode ?? 0;
}

async function operateOn(
  operation: Operation,
  stack: string,
  options: StackCommandOptions,
  context: CliContext,
): Promise<Outcome> {
  try {
    const summary = await operations[operation]({
      cwd: context.cwd,
      stack,
      env: context.env,
      onEvent: progressLines(context),
      log: (line) => say(context, line),
      signal: context.interrupted,
    });
    if (!options.json) report(summary, context);
    return summary;
  } catch (error) {
    return { stack, result: "failed", exitCode: handleError(error, context) };
  }
}

function report(summary: engine.StackSummary, context: CliContext): void {
  const paint = colours(context.stderr, context.env);
  if (summary.diagnostics.length > 0) say(context, formatDiagnostics(summary.diagnostics, paint));
  say(
    context,
    `${paint.green(summary.stack)}: ${describeChanges(summary)} in ${formatDuration(summary.durationMs)}`,
  );
  for (const path of summary.kept) say(context, `kept, since it is data: ${path}`);
  if (summary.operation !== "up") return;
  for (const [name, value] of Object.entries(summary.outputs)) {
    print(context, `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  }
  say(
    context,
    `\nNext:\n  handoff trigger -s ${summary.stack}    # run it now\n  handoff agent start       # so that its schedules fire`,
  );
}

const words: Readonly<Record<Operation, string>> = {
  up: "",
  preview: "would be ",
  destroy: "",
  refresh: "found ",
};
const verbs = [
  ["create", "created"],
  ["update", "updated"],
  ["replace", "replaced"],
  ["delete", "deleted"],
] as const;

/** `3 created, 1 updated, 4 unchanged`, or `nothing to change`. */
export function describeChanges({
  operation,
  changes,
}: Pick<engine.StackSummary, "operation" | "changes">): string {
  const done = verbs
    .filter(([key]) => changes[key] > 0)
    .map(([key, verb]) => `${changes[key]} ${words[operation]}${verb}`);
  if (done.length === 0) return `nothing to change, ${changes.same} unchanged`;
  return [...done, ...(changes.same > 0 ? [`${changes.same} unchanged`] : [])].join(", ");
}
