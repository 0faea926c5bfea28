/** up, preview, refresh, destroy and drift: of one stack, which is done here, or of many, which are a fleet's. */
import { backendEnv } from "../deploy/backend.js";
import { findPulumi } from "../deploy/engine.js";
import { runFleet } from "../deploy/fleet/fleet.js";
import type { Operation } from "../deploy/fleet/messages.js";
import { defaultParallel, memoryWarning, parseParallel, thisMachine } from "../deploy/fleet/parallel.js";
import { makePool } from "../deploy/fleet/pool.js";
import { inProcess } from "../deploy/fleet/run-stack.js";
import { findRepository } from "../deploy/repository.js";
import { UserError } from "../model/diagnostic.js";
import type { StackCommandOptions } from "./command.js";
import { type CliContext, print, say } from "./context.js";
import { checkConfirmed, chooseStacks } from "./fleet/choose.js";
import { describeEnding, exitCodeOf } from "./fleet/ending.js";
import { jsonView, summaryOf } from "./fleet/json.js";
import { linesView } from "./fleet/lines.js";
import { openReports } from "./fleet/reports.js";
import { rowsView } from "./fleet/rows.js";
import { singleView } from "./fleet/single.js";
import type { FleetView } from "./fleet/view.js";
import { colours } from "./output/colour.js";

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

  const machine = thisMachine();
  const parallel = Math.min(stacks.length, given ?? defaultParallel(stacks.length, machine));
  const many = stacks.length > 1;
  if (many) {
    say(context, `handoff: ${operation} of ${stacks.length} stacks, ${parallel} at a time`);
    const warning = memoryWarning(parallel, machine);
    if (warning) say(context, `warning: ${warning}`);
    await prepareForMany(context);
  }
  const views: FleetView[] = [
    many ? fleetView(stacks.length, options, context) : singleView(context, options),
    ...(options.json ? [jsonView(context)] : []),
  ];
  const pool = many ? makePool({ env: context.env }) : undefined;
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
    onEvent(event) {
      for (const view of views) view.onEvent(event);
    },
  }).finally(() => {
    for (const view of views) view.close();
    pool?.close();
  });

  const { outcomes } = result;
  const exitCode = exitCodeOf(outcomes, context.interrupted.reason);
  if (many) say(context, describeEnding(result, colours(context.stderr, context.env)));
  const summary = summaryOf(result, exitCode);
  if (options.json) print(context, JSON.stringify(summary));
  writeReports(summary);
  return exitCode;
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
