/** How long a job takes: what the user says, and what this machine has seen. */
import { existsSync } from "node:fs";
import type { Run } from "../history/history.js";
import { UserError } from "../model/diagnostic.js";
import { nearest } from "../model/nearest.js";
import type { DeployPlan, PlannedJob } from "../model/plan-types.js";
import { parseDuration } from "../model/size.js";
import type { KnownDuration } from "../providers/estimate.js";
import { handoffHome, homePaths } from "../providers/local/home.js";
import type { CliContext } from "./context.js";

/** Of the newest runs; a job's length changes with its data. */
const runsLookedAt = 200;

type Durations = ReadonlyMap<string, KnownDuration>;

/**
 * `["load=90s"]`; an entry without a job holds for each that no other entry names.
 * @throws UserError `bad-option` for a job that isn't there, and for no duration
 */
export function declaredDurations(entries: readonly string[] | undefined, { jobs }: DeployPlan): Durations {
  const names = jobs.map(({ name }) => name);
  const declared = new Map<string, KnownDuration>();
  const parsed = (entries ?? []).map(parseEntry);
  for (const { job, seconds } of [...parsed].sort((a, b) => Number(a.job !== "") - Number(b.job !== ""))) {
    if (job !== "" && !names.includes(job)) throw unknownJob(job, names);
    for (const name of job === "" ? names : [job]) declared.set(name, { seconds, from: "declared" });
  }
  return declared;
}

function parseEntry(entry: string): { job: string; seconds: number } {
  const at = entry.lastIndexOf("=");
  try {
    return { job: at < 0 ? "" : entry.slice(0, at), seconds: parseDuration(entry.slice(at + 1)) };
  } catch (error) {
    throw new UserError(`--duration ${entry}: ${error instanceof Error ? error.message : String(error)}`, {
      code: "bad-option",
      hint: "such as: --duration load=90s",
    });
  }
}

function unknownJob(job: string, names: readonly string[]): UserError {
  const near = nearest(job, names);
  return new UserError(`--duration: there is no job ${job}`, {
    code: "bad-option",
    hint: near ? `did you mean ${near}?` : `the jobs are ${names.join(", ")}`,
  });
}

/** Median of the successful runs of the project's stacks on this machine; nothing for jobs that none of them ran. */
export async function learntDurations(
  jobs: readonly PlannedJob[],
  plan: DeployPlan,
  pulumiProject: string,
  context: CliContext,
): Promise<Durations> {
  const file = homePaths(handoffHome(context.env)).history;
  if (jobs.length === 0 || !existsSync(file)) return new Map();
  const { openHistory } = await import("../history/history.js");
  const history = openHistory(file);
  try {
    // On this machine a project is one job, whatever the granularity.
    const runs = history
      .list({ job: plan.spec.project.name, status: "success", limit: runsLookedAt })
      .filter(({ deployment }) => deployment.startsWith(`${pulumiProject}-`));
    const learnt = jobs.map(({ name, tasks }) => [name, durationOf(tasks, runs)] as const);
    return new Map(
      learnt.filter((entry): entry is readonly [string, KnownDuration] => entry[1] !== undefined),
    );
  } finally {
    history.close();
  }
}

/** Of the runs that ran all of the tasks. */
function durationOf(tasks: readonly string[], runs: readonly Run[]): KnownDuration | undefined {
  const seconds = runs
    .map(({ record }) => tasks.map((task) => record?.tasks.find(({ name }) => name === task)))
    .filter((records) => records.every((record) => record?.status === "success"))
    .map((records) => records.reduce((sum, record) => sum + (record?.durationMs ?? 0), 0) / 1000)
    .sort((a, b) => a - b);
  const middle = seconds.length >> 1;
  const upper = seconds[middle];
  if (upper === undefined) return undefined;
  const median = seconds.length % 2 === 1 ? upper : (upper + (seconds[middle - 1] ?? upper)) / 2;
  return { seconds: median, from: "history", runs: seconds.length };
}
