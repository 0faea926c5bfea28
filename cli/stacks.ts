/** up, preview, refresh, destroy and drift: of one stack, which is done here, or of many, which are a fleet's. */
import { backendEnv } from "../deploy/backend.js";
import { findPulumi } from "../deploy/engine.js";
import { type FleetEvent, runFleet, type StackOutcome } from "../deploy/fleet/fleet.js";
import type { Operation } from "../deploy/fleet/messages.js";
import { defaultParallel, parseParallel, thisMachine } from "../deploy/fleet/parallel.js";
import { makePool, type Pool } from "../deploy/fleet/pool.js";
import { inProcess } from "../deploy/fleet/run-stack.js";
import { selectStacks } from "../deploy/fleet/selection.js";
import { findRepository } from "../deploy/repository.js";
import type { StackSummary } from "../deploy/stack.js";
import { UserError } from "../model/diagnostic.js";
import type { StackCommandOptions } from "./command.js";
import { type CliContext, print, say } from "./context.js";
import { handleError } from "./errors.js";
import { describeChanges, driftLines } from "./fleet/changes.js";
import { describeEnding, exitCodeOf } from "./fleet/ending.js";
import { errorOf } from "./fleet/failure.js";
import { jsonView, summaryOf } from "./fleet/json.js";
import { linesView, retryLine } from "./fleet/lines.js";
import { openReports } from "./fleet/reports.js";
import { rowsView } from "./fleet/rows.js";
import type { FleetView } from "./fleet/view.js";
import { colours } from "./output/colour.js";
import { formatDiagnostics } from "./output/diagnostics.js";
import { progressLines } from "./output/progress.js";
import { formatDuration } from "./output/time.js";
import { findStack } from "./project-lookup.js";

/**
 * One operation on each of the stacks that are named or selected. One that fails stops no other. Returns the exit code.
 * @throws UserError for a command line that isn't one, before anything is touched
 */
export async function runStackCommand(
  operation: Operation,
  names: readonly string[],
  options: StackCommandOptions,
  context: CliContext,
): Promise<number> {
  const stacks = chooseStacks(names, options, context);
  if (operation === "destroy") checkConfirmed(names, stacks, options);
  const retries = parseRetries(options.retry);
  const given = options.parallel === undefined ? undefined : parseParallel(options.parallel);
  const writeReports = openReports(options.report ?? [], context);
  const [only] = stacks.length === 1 ? stacks : [];

  const views: FleetView[] = [
    only === undefined ? fleetView(stacks.length, options, context) : singleView(context, options),
    ...(options.json ? [jsonView(context)] : []),
  ];
  const onEvent = (event: FleetEvent) => {
    for (const view of views) view.onEvent(event);
  };
  const parallel = Math.min(stacks.length, given ?? defaultParallel(stacks.length, thisMachine()));
  let pool: Pool | undefined;
  try {
    if (only === undefined) {
      say(context, `handoff: ${operation} of ${stacks.length} stacks, ${parallel} at a time`);
      await prepareForMany(context);
      pool = makePool({ env: context.env });
    }
    const result = await runFleet({
      operation,
      stacks,
      cwd: context.cwd,
      parallel,
      run: pool?.run ?? inProcess(context.env),
      failFast: options.failFast === true,
      retries,
      expectNoChanges: options.expectNoChanges === true,
      refresh: options.refresh === true,
      signal: context.interrupted,
      onEvent,
    });
    for (const view of views.splice(0)) view.close();
    const [outcome] = result.outcomes;
    const exitCode =
      only !== undefined && outcome?.result === "failed"
        ? outcome.exitCode
        : exitCodeOf(result.outcomes, context.interrupted.reason);
    if (only === undefined) say(context, describeEnding(result, colours(context.stderr, context.env)));
    const summary = summaryOf(result, exitCode);
    if (options.json) print(context, JSON.stringify(summary));
    writeReports(summary);
    return exitCode;
  } finally {
    for (const view of views) view.close();
    pool?.close();
  }
}

function chooseStacks(
  names: readonly string[],
  { all, select }: StackCommandOptions,
  context: CliContext,
): readonly string[] {
  if (names.length === 0 && !all && !select?.length) return [findStack(context.cwd, undefined).stack];
  // Where there is no repository, it is said in the words of the other commands.
  findStack(context.cwd, names[0] ?? "");
  const repository = findRepository(context.cwd);
  const selection = { names, all: all === true, select: select ?? [] };
  const { stacks, unreadable } = selectStacks(repository, selection, context.env);
  for (const stack of unreadable)
    say(context, `warning: Pulumi.${stack}.yaml is no YAML: whether ${stack} is selected is not known`);
  return stacks;
}

/** What is destroyed has been named, or looked at. */
function checkConfirmed(
  names: readonly string[],
  stacks: readonly string[],
  { all, select, yes }: StackCommandOptions,
): void {
  if (yes || names.length > 0 || !(all || select?.length)) return;
  const shown = stacks.slice(0, 10).join(", ");
  const more = stacks.length > 10 ? ` and ${stacks.length - 10} more` : "";
  throw new UserError(`this would destroy ${stacks.length} stacks: ${shown}${more}`, {
    code: "not-confirmed",
    hint: "say --yes when that is what you want, or name the stacks",
  });
}

function parseRetries(text: string | undefined): number {
  const value = Number(text ?? 0);
  if (Number.isInteger(value) && value >= 0 && value <= 20) return value;
  throw new UserError(`--retry takes a number from 0 to 20, not \`${text}\``, {
    code: "bad-option",
    hint: "write --retry 2",
  });
}

/** What the workers would else do at the same time: install the engine, make the passphrase. */
async function prepareForMany({ cwd, env, interrupted, stderr }: CliContext): Promise<void> {
  backendEnv(findRepository(cwd), env);
  await findPulumi({ env, log: (line) => stderr.write(`${line}\n`), signal: interrupted });
}

function fleetView(total: number, { json }: StackCommandOptions, context: CliContext): FleetView {
  const { stderr, stdout, env } = context;
  const terminal = stderr.isTTY === true && env.TERM !== "dumb" && !env.CI;
  // Rows that are drawn over each other leave no place for lines of JSON on the same terminal.
  const moving = terminal && !(json && stdout.isTTY);
  return moving ? rowsView(context, total) : linesView(context, total);
}

/** One stack: what changes, as it changes. */
function singleView(context: CliContext, options: StackCommandOptions): FleetView {
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
  say(
    context,
    `\nNext:\n  handoff trigger -s ${summary.stack}    # run it now\n  handoff agent start       # so that its schedules fire`,
  );
}
