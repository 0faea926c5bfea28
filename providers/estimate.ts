/** A month's bill of a plan: its platform's lines, and what they suppose. */

import type { DeployPlan, Platform } from "../model/plan-types.js";
import { formatDuration } from "../model/size.js";
import { assumedSeconds, type CostLine, type JobUsage, totalOf, usageOf } from "./cost.js";
import { providerOf } from "./registry.js";

/** How long a job takes, and who says so. */
export interface KnownDuration {
  readonly seconds: number;
  /** `declared` by the user, or the median of `runs` successful runs. */
  readonly from: "declared" | "history";
  readonly runs?: number;
}

export interface EstimatedJob extends JobUsage {
  readonly durationFrom: KnownDuration["from"] | "assumed";
}

export interface CostEstimate {
  readonly cloud: Platform;
  readonly currency: "USD";
  /** Sum of the lines. */
  readonly perMonth: number;
  readonly lines: readonly CostLine[];
  /** How often and how long jobs are supposed to run. */
  readonly jobs: readonly EstimatedJob[];
  /** What the estimate supposes and leaves out, a sentence each. */
  readonly notes: readonly string[];
}

/** List prices in US dollars; pure. Jobs that `known` says nothing about take 5 minutes. */
export function estimateCost(
  plan: DeployPlan,
  known: ReadonlyMap<string, KnownDuration> = new Map(),
): CostEstimate {
  const weakest = plan.jobs.reduce<"declared" | "history" | "assumed">((found, { name }) => {
    const from = known.get(name)?.from ?? "assumed";
    return ranks[from] > ranks[found] ? from : found;
  }, "declared");
  const usage = usageOf(plan, { secondsOf: (job) => known.get(job)?.seconds, durations: weakest });
  const jobs = usage.jobs.map(
    (job): EstimatedJob => ({ ...job, durationFrom: known.get(job.job)?.from ?? "assumed" }),
  );
  const lines = providerOf(plan.settings.cloud).cost(plan, usage);
  const { cloud } = plan.settings;
  return {
    cloud,
    currency: "USD",
    perMonth: totalOf(lines),
    lines,
    jobs,
    notes: notesOf(plan, jobs, known, lines),
  };
}

const ranks = { declared: 0, history: 1, assumed: 2 } as const;

function notesOf(
  plan: DeployPlan,
  jobs: readonly EstimatedJob[],
  known: ReadonlyMap<string, KnownDuration>,
  lines: readonly CostLine[],
): string[] {
  const named = (from: EstimatedJob["durationFrom"]) =>
    jobs.filter(({ durationFrom }) => durationFrom === from).map(({ job }) => job);
  const assumed = named("assumed");
  const learnt = named("history");
  return [
    ...(plan.settings.cloud === "local" ? ["This machine is paid for already: nothing is counted."] : []),
    ...(assumed.length === 0
      ? []
      : [
          `${listed(assumed)}: ${formatDuration(assumedSeconds)} a run is assumed; say what it takes with --duration ${assumed[0]}=90s.`,
        ]),
    ...learnt.map((job) => {
      const { seconds = 0, runs = 0 } = known.get(job) ?? {};
      return `${job}: ${shownDuration(seconds)} a run, the median of ${runs} successful run${runs === 1 ? "" : "s"} on this machine; a cloud's machine may take longer.`;
    }),
    ...(jobs.every(({ runsPerMonth }) => runsPerMonth === 0)
      ? ["No schedule is enabled: runs are not counted."]
      : []),
    ...(plan.triggers.length === 0
      ? []
      : ["Runs that triggers start are not counted: nobody knows how many messages will come."]),
    ...(lines.some(({ freeUnits }) => freeUnits > 0)
      ? ["What is free is so for a whole account: other stacks use it as well."]
      : []),
    ...(lines.length === 0 ? [] : ["List prices without tax; data that leaves the region is not counted."]),
  ];
}

/** `90s` as `1m30s`; short ones to two digits, so that nothing seems to take no time. */
export function shownDuration(seconds: number): string {
  return formatDuration(seconds < 10 ? Number(seconds.toPrecision(2)) : Math.round(seconds));
}

function listed(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 4).join(", ")} and ${names.length - 4} more` : names.join(", ");
}
