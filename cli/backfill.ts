/** `handoff backfill`: a run for each instant that a schedule would have fired at. */
import { fireTimes, fromLocal, parseCron } from "../model/cron.js";
import { ExitCode, UserError } from "../model/diagnostic.js";
import { nearest } from "../model/nearest.js";
import type { Operator, RunView, ScheduleView } from "../providers/operate.js";
import type { BackfillOptions } from "./commands/backfill.js";
import { type CliContext, print, printJson, say } from "./context.js";
import { parseKeyValues } from "./key-values.js";
import { colours } from "./output/colour.js";
import { describeEnd } from "./output/runs.js";
import { formatInZone } from "./output/time.js";
import { parseCount } from "./parse-count.js";
import { openStack } from "./stack-operator.js";

/** More than this in one command is more likely a wrong year than a wish. */
const mostRuns = 10_000;

interface Backfilled {
  /** ISO 8601. */
  readonly scheduledAt: string;
  /** Null where it was not started. */
  readonly runId: string | null;
  readonly status: RunView["status"] | "not started";
}

export async function backfillSchedule(
  name: string,
  options: BackfillOptions,
  context: CliContext,
): Promise<number> {
  const parallel = parseCount("--parallel", options.parallel);
  const request = { vars: parseKeyValues(options.var, "-v"), envs: parseKeyValues(options.env, "-e") };
  const { stack, operator } = await openStack(options.stack, context);
  const schedule = find(name, await operator.schedules(), stack);
  const instants = instantsOf(schedule, options, context.now());
  if (options.dryRun) {
    if (options.json) printJson(context, { schemaVersion: 1, schedule: name, instants });
    else for (const at of instants) print(context, `${at}  ${formatInZone(new Date(at), schedule.timezone)}`);
    return ExitCode.ok;
  }
  if (!options.json) say(context, `${instants.length} runs of ${name}, ${parallel} at a time`);
  const paint = colours(context.stderr, context.env);
  let done = 0;
  const results = await runEach(operator, instants, {
    parallel,
    stopOnFailure: options.keepGoing !== true,
    signal: context.interrupted,
    request: { ...request, schedule: name },
    onEnd: (run) => {
      done += 1;
      if (options.json) return;
      const at = formatInZone(new Date(run.scheduledAt), schedule.timezone);
      say(
        context,
        `${done}/${instants.length}  ${at}  ${run.runId}  ${describeEnd(run, context.now(), paint)}`,
      );
    },
  });
  return report(results, { name, stack, options }, context);
}

function report(
  results: readonly Backfilled[],
  about: {
    readonly name: string;
    readonly stack: string;
    readonly options: BackfillOptions;
  },
  context: CliContext,
): number {
  const { name, stack, options } = about;
  const well = results.filter(({ status }) => status === "success").length;
  const waiting = results.filter(({ status }) => status === "not started" || status === "running");
  const failed = results.filter((result) => result.status !== "success" && !waiting.includes(result));
  if (options.json) printJson(context, { schemaVersion: 1, stack, schedule: name, runs: results });
  else {
    say(context, `${well} succeeded, ${failed.length} failed, ${waiting.length} not done`);
    const [first] = [...failed, ...waiting].sort((a, b) => (a.scheduledAt < b.scheduledAt ? -1 : 1));
    if (first)
      say(
        context,
        `go on with: handoff backfill ${name} -s ${stack} --from ${first.scheduledAt}${options.to ? ` --to ${options.to}` : ""}`,
      );
  }
  if (context.interrupted.aborted)
    return context.interrupted.reason === "SIGTERM" ? ExitCode.terminated : ExitCode.interrupted;
  return failed.length > 0 ? ExitCode.failed : ExitCode.ok;
}

interface EachOptions {
  readonly parallel: number;
  readonly stopOnFailure: boolean;
  readonly signal: AbortSignal;
  readonly request: Parameters<Operator["trigger"]>[0];
  readonly onEnd: (run: RunView) => void;
}

/** Starts them in order, some at a time. An error ends it like a failed run, and is thrown once the others have ended. */
async function runEach(
  operator: Operator,
  instants: readonly string[],
  { parallel, stopOnFailure, signal, request, onEnd }: EachOptions,
): Promise<Backfilled[]> {
  const results = instants.map(
    (scheduledAt): Backfilled => ({ scheduledAt, runId: null, status: "not started" }),
  );
  let next = 0;
  let stopped = false;
  const worker = async (): Promise<void> => {
    while (next < instants.length && !stopped && !signal.aborted) {
      const place = next++;
      const scheduledAt = instants[place] ?? "";
      try {
        const { runId } = await operator.trigger({ ...request, scheduledAt });
        results[place] = { scheduledAt, runId, status: "running" };
        const ended = await operator.wait(runId, signal);
        results[place] = { scheduledAt, runId, status: ended.status };
        if (ended.endedAt === null) return;
        onEnd(ended);
        if (ended.status !== "success" && stopOnFailure) stopped = true;
      } catch (error) {
        stopped = true;
        if (!signal.aborted) throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: parallel }, worker));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return results;
}

function find(name: string, schedules: readonly ScheduleView[], stack: string): ScheduleView {
  const found = schedules.find((schedule) => schedule.name === name);
  if (found) return found;
  const names = schedules.map((schedule) => schedule.name);
  const meant = nearest(name, names);
  throw new UserError(`stack ${stack} has no schedule ${name}`, {
    code: "unknown-schedule",
    hint:
      meant === undefined
        ? names.length > 0
          ? `there are: ${names.join(", ")}`
          : "it has none"
        : `did you mean ${meant}?`,
  });
}

/** Oldest first. */
function instantsOf(schedule: ScheduleView, { from, to }: BackfillOptions, now: Date): string[] {
  const { cron, timezone, name } = schedule;
  const first = instantOf("--from", from, timezone);
  const end = to === undefined ? now : instantOf("--to", to, timezone);
  if (end > now) {
    throw new UserError(`--to ${to} is in the future`, {
      code: "bad-option",
      hint: "the schedule runs those itself",
    });
  }
  // What fires is after an instant: --from itself counts.
  const found = fireTimes(parseCron(cron), timezone, new Date(first.getTime() - 1), end, mostRuns + 1).filter(
    (at) => at >= first && at < end,
  );
  if (found.length === 0) {
    throw new UserError(
      `${name} (${cron}, ${timezone}) fires at no time from ${first.toISOString()} to ${end.toISOString()}`,
      {
        code: "bad-option",
        hint: "give an earlier --from, or a later --to",
      },
    );
  }
  if (found.length > mostRuns) {
    throw new UserError(`that would be more than ${mostRuns.toLocaleString("en")} runs`, {
      code: "bad-option",
      hint: "give a shorter time with --from and --to",
    });
  }
  return found.map((at) => at.toISOString());
}

/** ISO 8601; without a zone the schedule's own time. */
function instantOf(option: string, text: string, timezone: string): Date {
  const wall = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(text);
  if (wall) {
    const [, year, month, day, hour = "00", minute = "00", second = "00"] = wall;
    const local = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
    // Date.parse takes 31 February for 3 March.
    if (!Number.isNaN(local) && new Date(local).getUTCDate() === Number(day))
      return new Date(fromLocal(timezone, local));
  }
  const instant = new Date(text);
  if (/^\d{4}-.*(Z|[+-]\d{2}:?\d{2})$/.test(text) && !Number.isNaN(instant.getTime())) return instant;
  throw new UserError(`${option} ${text} is no instant`, {
    code: "bad-option",
    hint: "such as 2026-01-31, 2026-01-31T06:00 (in the schedule's zone) or 2026-01-31T06:00:00Z",
  });
}
