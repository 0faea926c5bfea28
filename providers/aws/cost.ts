/** What a month on AWS costs, line by line. */
import type { DeployPlan } from "../../model/plan-types.js";
import type { NotificationEvent } from "../../model/project.js";
import {
  type CostLine,
  costLine,
  firesPerMonth,
  hoursPerMonth,
  runsOf,
  shown,
  type UsageOfPlan,
} from "../cost.js";
import { flowsOf, isOrchestrated, jobsOf, levelsOf } from "../flows.js";
import { transitionsOfNotice } from "./notifier.js";
import { prices } from "./prices.js";
import { disk, roundSize } from "./size.js";

/** What is not known of a project, and is supposed for each of its runs; said in the lines. */
export const assumptions = {
  /** Seconds that a task is paid for at least: Fargate's minimum. */
  minimumSeconds: 60,
  logMBPerRun: 1,
  imageGB: 0.5,
  artifactGB: 1,
  natMBPerRun: 100,
} as const;

/** The same as `usageOf`, so that all lines count the same fires. */
const countedFrom = new Date("2026-01-01T00:00:00Z");

export function cost(plan: DeployPlan, usage: UsageOfPlan): CostLine[] {
  return [
    ...compute(plan, usage),
    ...scheduling(plan, usage),
    ...orchestration(plan),
    ...network(plan, usage),
    ...logs(usage),
    ...secrets(plan, usage),
    ...registry(plan),
    ...storage(plan),
    ...alerts(plan, usage),
  ];
}

function paid(secondsPerRun: number): number {
  return Math.max(assumptions.minimumSeconds, secondsPerRun);
}

function compute(plan: DeployPlan, usage: UsageOfPlan): CostLine[] {
  const { vcpu, memory } = prices[plan.settings.architecture];
  const spot = plan.settings.spot ? "; Spot is up to 70% less, and not counted" : "";
  return plan.jobs.flatMap((job) => {
    const use = usage.jobs.find((candidate) => candidate.job === job.name);
    const rounded = roundSize(job.resources);
    if (!use || "problem" in rounded) return [];
    const { cpuUnits, memoryMiB, diskGiB } = rounded.size;
    const seconds = use.runsPerMonth * paid(use.secondsPerRun);
    const runs = `${job.name}: ${shown(use.runsPerMonth)} runs x ${shown(paid(use.secondsPerRun))} s`;
    const cpu = cpuUnits / 1024;
    const gib = memoryMiB / 1024;
    const extra = diskGiB - disk.included;
    return [
      costLine("compute", `${runs} x ${shown(cpu)} vCPU${spot}`, seconds * cpu, vcpu),
      costLine("compute", `${runs} x ${shown(gib)} GiB${spot}`, seconds * gib, memory),
      ...(extra > 0
        ? [
            costLine(
              "storage",
              `${runs} x ${extra} GiB of disk above ${disk.included}`,
              (seconds / 3600) * extra,
              prices.disk,
            ),
          ]
        : []),
    ];
  });
}

function scheduling(plan: DeployPlan, { fires }: UsageOfPlan): CostLine[] {
  if (plan.schedules.length === 0) return [];
  return [costLine("schedules", `${shown(fires)} calls`, fires, prices.schedule)];
}

/** Transitions of one execution in which every job succeeds at once; each retry is one more. */
export function transitionsOf(plan: DeployPlan, tasks: readonly string[]): number {
  const names = new Set(jobsOf(plan, tasks).map(({ name }) => name));
  const flow = flowsOf(plan).find(
    ({ jobs }) => jobs.length === names.size && jobs.every(({ name }) => names.has(name)),
  );
  if (!flow) return 0;
  // Start, the call's choice and its reading, each level, the end's choice, the end; and of a job: its choice, the run, its result.
  const jobs = flow.jobs.reduce((sum, job) => sum + (job.dependsOn.length > 0 ? 3 : 2), 0);
  return 5 + levelsOf(flow.jobs).length + jobs;
}

function orchestration(plan: DeployPlan): CostLine[] {
  if (!isOrchestrated(plan)) return [];
  const transitions = plan.schedules
    .filter(({ enabled }) => enabled)
    .reduce((sum, { cron, tasks }) => sum + firesPerMonth(cron, countedFrom) * transitionsOf(plan, tasks), 0);
  return [
    costLine(
      "orchestration",
      `${shown(transitions)} state transitions without retries`,
      transitions,
      prices.transition,
    ),
  ];
}

function network(plan: DeployPlan, usage: UsageOfPlan): CostLine[] {
  const mode = plan.settings.network.mode;
  const runs = runsOf(usage);
  if (mode === "existing") return [];
  if (mode === "public") {
    const hours = usage.jobs.reduce(
      (sum, { runsPerMonth, secondsPerRun }) => sum + (runsPerMonth * paid(secondsPerRun)) / 3600,
      0,
    );
    return [
      costLine(
        "network",
        `a public IPv4 address while a job runs: ${shown(hours)} h`,
        hours,
        prices.publicAddress,
      ),
    ];
  }
  const gigabytes = (runs * assumptions.natMBPerRun) / 1000;
  return [
    costLine("network", "a NAT gateway, all the time", hoursPerMonth, prices.natHour),
    costLine("network", "the NAT gateway's public IPv4 address", hoursPerMonth, prices.publicAddress),
    costLine(
      "network",
      `through the NAT gateway: ${shown(runs)} runs x ${assumptions.natMBPerRun} MB (assumed)`,
      gigabytes,
      prices.natData,
    ),
  ];
}

function logs({ jobs }: UsageOfPlan): CostLine[] {
  const runs = runsOf({ jobs });
  return [
    costLine(
      "logs",
      `${shown(runs)} runs x ${assumptions.logMBPerRun} MB (assumed)`,
      (runs * assumptions.logMBPerRun) / 1000,
      prices.logs,
    ),
  ];
}

function secrets(plan: DeployPlan, { jobs }: UsageOfPlan): CostLine[] {
  const count = plan.secrets.filter(({ key }) => plan.settings.secretKeys.includes(key)).length;
  if (count === 0) return [];
  const calls = count * runsOf({ jobs });
  return [
    costLine("secrets", `${count} secrets`, count, prices.secret),
    costLine("secrets", `${shown(calls)} reads, one of each at every start`, calls, prices.secretCall),
  ];
}

function registry({ settings }: DeployPlan): CostLine[] {
  if (settings.image !== undefined) return [];
  return [
    costLine(
      "registry",
      `an image of ${assumptions.imageGB} GB (assumed)`,
      assumptions.imageGB,
      prices.registry,
    ),
  ];
}

function storage(plan: DeployPlan): CostLine[] {
  const buckets = 1 + plan.stores.filter(({ kind }) => kind === "bucket").length;
  return [
    costLine(
      "storage",
      `${buckets} ${buckets === 1 ? "bucket" : "buckets"} x ${assumptions.artifactGB} GB (assumed)`,
      buckets * assumptions.artifactGB,
      prices.storage,
    ),
  ];
}

function alerts(plan: DeployPlan, { fires }: UsageOfPlan): CostLine[] {
  const reached = plan.notifications.filter(({ target }) => target.kind !== "command");
  const wants = (event: NotificationEvent) => reached.some(({ on }) => on.includes(event));
  return [
    ...(plan.schedules.length > 0 && wants("missed")
      ? [costLine("alerts", "an alarm on missed schedules", 1, prices.alarm)]
      : []),
    // Of failures nobody knows how many there will be.
    ...(fires > 0 && wants("success")
      ? [
          costLine(
            "alerts",
            `${shown(fires)} notices of success x ${transitionsOfNotice} state transitions`,
            fires * transitionsOfNotice,
            prices.transition,
          ),
        ]
      : []),
  ];
}
