/** The commands that ask a deployed stack: trigger, runs, logs, schedules. */
import { ExitCode } from "../model/diagnostic.js";
import type { Operator, RunView, ScheduleView } from "../providers/operate.js";
import { createJsonLog, createTerminalLog, type LogSink } from "../runner-image/src/log.js";
import type { LogsOptions } from "./commands/logs.js";
import type { RunsOptions } from "./commands/runs.js";
import type { TriggerOptions } from "./commands/trigger.js";
import { type CliContext, print, printJson, say } from "./context.js";
import { parseKeyValues } from "./key-values.js";
import { type Colours, colours } from "./output/colour.js";
import { describeEnd, formatRuns, paintStatus } from "./output/runs.js";
import { formatTable } from "./output/table.js";
import { formatInZone, formatRelative } from "./output/time.js";
import { parseCount } from "./parse-count.js";
import { openStack } from "./stack-operator.js";

interface StackOptions {
  readonly stack?: string;
}

/**
 * `handoff trigger`: prints the run's id. With `--wait`, its log goes to stderr and the exit code is the run's; an
 * interruption ends the waiting, not the run.
 */
export async function triggerJob(
  job: string | undefined,
  options: TriggerOptions,
  context: CliContext,
): Promise<number> {
  const vars = parseKeyValues(options.var, "-v");
  const envs = parseKeyValues(options.env, "-e");
  const { stack, operator } = await openStack(options.stack, context);
  const run = await operator.trigger({ ...(job === undefined ? {} : { job }), vars, envs });
  if (!options.json) print(context, run.runId);
  if (!options.wait) {
    if (options.json) printJson(context, { schemaVersion: 1, ...run });
    else say(context, `follow it with: handoff logs ${run.runId} -s ${stack} --follow`);
    return ExitCode.ok;
  }
  const ended = await watchRun(run, operator, context);
  if (ended === undefined) {
    say(context, `the run goes on; its log: handoff logs ${run.runId} -s ${stack} --follow`);
    return interruptedCode(context);
  }
  if (options.json) printJson(context, { schemaVersion: 1, ...ended });
  else say(context, describeEnd(ended, context.now(), colours(context.stderr, context.env)));
  return ended.exitCode ?? (ended.status === "success" ? ExitCode.ok : ExitCode.failed);
}

/** The run at its end; undefined when the command was interrupted before. */
async function watchRun(run: RunView, operator: Operator, context: CliContext): Promise<RunView | undefined> {
  const log = terminalLog(context.stderr, context);
  if ((await copyLog(run, operator, log, true, context)) === "interrupted") return undefined;
  try {
    const ended = await operator.wait(run.runId, context.interrupted);
    return context.interrupted.aborted && ended.endedAt === null ? undefined : ended;
  } catch (error) {
    if (context.interrupted.aborted) return undefined;
    throw error;
  }
}

/** `handoff runs`: the newest first. */
export async function listRuns(options: RunsOptions, context: CliContext): Promise<number> {
  const limit = parseCount("--limit", options.limit);
  const { stack, operator } = await openStack(options.stack, context);
  const runs = await operator.runs({ limit });
  if (options.json) printJson(context, { schemaVersion: 1, runs });
  else if (runs.length === 0)
    say(context, `${stack} has not run yet; run it with: handoff trigger -s ${stack}`);
  else print(context, formatRuns(runs, context.now(), colours(context.stdout, context.env)));
  return ExitCode.ok;
}

/** `handoff logs`. An interrupted `--follow` exits as the signal says, without a word. */
export async function printLogs(
  runId: string | undefined,
  options: LogsOptions,
  context: CliContext,
): Promise<number> {
  const { operator } = await openStack(options.stack, context);
  const run = await operator.run(runId);
  const log = options.json ? createJsonLog(context.stdout) : terminalLog(context.stdout, context);
  const copied = await copyLog(run, operator, log, options.follow === true, context);
  if (copied === "interrupted") return interruptedCode(context);
  if (copied === 0) say(context, noLog(run, operator));
  return ExitCode.ok;
}

function noLog(run: RunView, operator: Operator): string {
  return operator.whyNoLog?.(run) ?? `${run.runId} (${run.status}) has no log${emptyReason(run)}`;
}

function emptyReason({ status, reason }: RunView): string {
  if (status === "queued" || status === "running") return " yet; wait for it with --follow";
  return reason === null ? "" : `: ${reason}`;
}

/** Number of lines copied. Closes the sink. */
async function copyLog(
  run: RunView,
  operator: Operator,
  log: LogSink,
  follow: boolean,
  context: CliContext,
): Promise<number | "interrupted"> {
  let lines = 0;
  try {
    for await (const line of operator.logs(run, { follow, signal: context.interrupted })) {
      log.write(line);
      lines += 1;
    }
  } catch (error) {
    if (!context.interrupted.aborted) throw error;
  } finally {
    await log.close();
  }
  return context.interrupted.aborted ? "interrupted" : lines;
}

function terminalLog(stream: NodeJS.WriteStream, context: CliContext): LogSink {
  return createTerminalLog(stream, { color: colours(stream, context.env).isColorSupported });
}

function interruptedCode(context: CliContext): number {
  return context.interrupted.reason === "SIGTERM" ? ExitCode.terminated : ExitCode.interrupted;
}

/** `handoff schedules list`: times in each schedule's own zone. */
export async function listSchedules(
  options: StackOptions & { readonly json?: boolean },
  context: CliContext,
): Promise<number> {
  const { stack, operator } = await openStack(options.stack, context);
  const schedules = await operator.schedules();
  if (options.json) {
    printJson(context, { schemaVersion: 1, schedules });
    return ExitCode.ok;
  }
  if (schedules.length === 0) {
    say(context, `${stack} has no schedules`);
    return ExitCode.ok;
  }
  print(context, formatSchedules(schedules, context.now(), colours(context.stdout, context.env)));
  if (schedules.some((schedule) => schedule.next.length > 0)) warn(operator, context);
  return ExitCode.ok;
}

function formatSchedules(schedules: readonly ScheduleView[], now: Date, paint: Colours): string {
  return formatTable(
    ["SCHEDULE", "JOB", "CRON", "ZONE", "STATUS", "NEXT", "LAST"],
    schedules.map((schedule) => [
      schedule.name,
      schedule.job,
      schedule.cron,
      schedule.timezone,
      scheduleStatus(schedule, paint),
      nextTime(schedule, now),
      schedule.last === undefined
        ? "-"
        : `${paintStatus(schedule.last.status, paint)} ${formatRelative(new Date(schedule.last.scheduledAt), now)}`,
    ]),
  );
}

function scheduleStatus({ enabled, paused }: ScheduleView, paint: Colours): string {
  if (!enabled) return paint.dim("disabled");
  return paused ? paint.yellow("paused") : paint.green("on");
}

function nextTime({ next: [first], timezone }: ScheduleView, now: Date): string {
  if (first === undefined) return "-";
  const instant = new Date(first);
  return `${formatInZone(instant, timezone)} (${formatRelative(instant, now)})`;
}

/** `handoff schedules pause` and `resume`. */
export async function pauseSchedule(
  name: string,
  paused: boolean,
  options: StackOptions,
  context: CliContext,
): Promise<number> {
  const { operator, platform } = await openStack(options.stack, context);
  await operator.setPaused(name, paused);
  if (paused) {
    // In a cloud an update that changes the schedule may start it again (docs/operate.md).
    const through = platform === "local" ? ", also through the next `up`," : "";
    say(context, `${name} is paused${through} until: handoff schedules resume ${name}`);
    return ExitCode.ok;
  }
  const view = (await operator.schedules()).find((schedule) => schedule.name === name);
  if (view?.enabled === false) {
    say(context, `${name} is not paused, and does not fire: project.yml has \`enabled: false\``);
  } else {
    say(context, `${name} fires again${view ? `; next: ${nextTime(view, context.now())}` : ""}`);
    warn(operator, context);
  }
  return ExitCode.ok;
}

function warn(operator: Operator, context: CliContext): void {
  for (const warning of operator.warnings?.() ?? []) say(context, warning);
}
