/** `handoff status`: many stacks, a row each. */
import { ExitCode, UserError } from "../model/diagnostic.js";
import type { RunView } from "../providers/operate.js";
import type { StatusOptions } from "./commands/status.js";
import { type CliContext, print, printJson } from "./context.js";
import { type Colours, colours } from "./output/colour.js";
import { paintStatus } from "./output/runs.js";
import { formatTable } from "./output/table.js";
import { formatRelative } from "./output/time.js";
import { findStack, listStackFiles, requireStackRoot } from "./project-lookup.js";
import { openStack } from "./stack-operator.js";

/** Stacks asked at the same time: each of another platform needs an engine for its outputs. */
const parallel = 4;
/** Runs that are looked at; "failed" counts among these. */
const recentRuns = 20;
const day = 24 * 3_600_000;

export interface StackStatus {
  readonly stack: string;
  /** Null where it could not be asked. */
  readonly platform: string | null;
  readonly lastRun: Pick<RunView, "runId" | "job" | "status" | "scheduledAt" | "endedAt" | "reason"> | null;
  /** Failed, timed out and missed runs of the last 24 hours, among the newest 20. */
  readonly failedLately: number;
  /** ISO 8601; of all schedules that fire. */
  readonly next: string | null;
  readonly paused: readonly string[];
  /** Why it could not be asked. */
  readonly error?: string;
  readonly hint?: string;
}

export async function showStatus(
  names: readonly string[],
  options: StatusOptions,
  context: CliContext,
): Promise<number> {
  const stacks = stacksOf(names, options, context);
  const found: StackStatus[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < stacks.length && !context.interrupted.aborted) {
      const place = next++;
      found[place] = await statusOf(stacks[place] ?? "", context);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, stacks.length) }, worker));
  if (context.interrupted.aborted) return ExitCode.interrupted;
  if (options.json) printJson(context, { schemaVersion: 1, stacks: found });
  else print(context, format(found, context.now(), colours(context.stdout, context.env)));
  return found.some(({ error }) => error !== undefined) ? ExitCode.failed : ExitCode.ok;
}

function stacksOf(names: readonly string[], { all }: StatusOptions, context: CliContext): readonly string[] {
  if (!all) return names.length > 0 ? names : [findStack(context.cwd, undefined).stack];
  if (names.length === 0) return listStackFiles(requireStackRoot(context.cwd));
  throw new UserError("--all and names of stacks exclude each other", {
    code: "bad-option",
    hint: "leave one of them out",
  });
}

async function statusOf(stack: string, context: CliContext): Promise<StackStatus> {
  try {
    const { platform, operator } = await openStack(stack, context);
    const [runs, schedules] = await Promise.all([operator.runs({ limit: recentRuns }), operator.schedules()]);
    const since = context.now().getTime() - day;
    const lately = runs.filter(({ firedAt }) => Date.parse(firedAt) >= since);
    const [last] = runs;
    const nexts = schedules.flatMap(({ next: [first] }) => first ?? []).sort();
    return {
      stack,
      platform,
      lastRun: last ? summaryOf(last) : null,
      failedLately: lately.filter(({ status }) => bad.has(status)).length,
      next: nexts[0] ?? null,
      paused: schedules.filter(({ paused }) => paused).map(({ name }) => name),
    };
  } catch (error) {
    return {
      stack,
      platform: null,
      lastRun: null,
      failedLately: 0,
      next: null,
      paused: [],
      error: error instanceof Error ? error.message : String(error),
      ...(error instanceof UserError && error.hint !== undefined ? { hint: error.hint } : {}),
    };
  }
}

const bad: ReadonlySet<RunView["status"]> = new Set(["failure", "timeout", "missed"]);

function summaryOf({ runId, job, status, scheduledAt, endedAt, reason }: RunView) {
  return { runId, job, status, scheduledAt, endedAt, reason };
}

function format(stacks: readonly StackStatus[], now: Date, paint: Colours): string {
  return formatTable(
    ["STACK", "PLATFORM", "LAST RUN", "FAILED (24 H)", "NEXT", "NOTE"],
    stacks.map(({ stack, platform, lastRun, failedLately, next, paused, error, hint }) => [
      stack,
      platform ?? "-",
      lastRun === null
        ? "-"
        : `${paintStatus(lastRun.status, paint)} ${formatRelative(new Date(lastRun.scheduledAt), now)}`,
      failedLately > 0 ? paint.red(String(failedLately)) : "0",
      next === null ? "-" : formatRelative(new Date(next), now),
      error === undefined
        ? paused.length > 0
          ? paint.yellow(`paused: ${paused.join(", ")}`)
          : (lastRun?.reason ?? "")
        : paint.red([error, hint].filter((text) => text !== undefined).join("; ")),
    ]),
  );
}
