/** What a month on Azure costs at list price. */
import type { DeployPlan } from "../../model/plan-types.js";
import type { NotificationEvent } from "../../model/project.js";
import {
  type CostLine,
  costLine,
  hoursPerMonth,
  type JobUsage,
  natLines,
  type Price,
  runsOf,
  secondsPerMonth,
  shown,
  type UsageOfPlan,
} from "../cost.js";
import { flowsOf, isOrchestrated } from "../flows.js";
import { isNative } from "./schedule.js";
import { sizeOf } from "./size.js";

const listed = "public repositories that quote Azure's price pages, undated (collected 2026-11-21)";
const billing = "Microsoft's billing page of Container Apps of 2025-12-09";
const unconfirmed = "from memory, UNCONFIRMED";

/** US dollars, a US region, list prices. Free units are of a subscription, which all of its stacks share. */
export const prices = {
  cpu: { usd: 0.000_024, unit: "vCPU-second", free: 180_000, source: `${listed}; free: ${billing}` },
  memory: { usd: 0.000_003, unit: "GiB-second", free: 360_000, source: `${listed}; free: ${billing}` },
  action: {
    usd: 0.000_025,
    unit: "action",
    free: 4000,
    source: `${listed}; the free 4,000 ${unconfirmed}`,
  },
  logs: { usd: 2.3, unit: "GB", free: 5, source: `${listed}; the free 5 GB ${unconfirmed}` },
  logRetention: { usd: 0.1, unit: "GB-month", source: unconfirmed },
  secretCall: { usd: 0.03 / 10_000, unit: "operation", source: listed },
  registry: { usd: 0.167, unit: "registry-day", source: listed },
  storage: { usd: 0.0208, unit: "GB-month", source: unconfirmed },
  logAlert: { usd: 1.5, unit: "rule-month", source: unconfirmed },
  hourlyLogAlert: { usd: 0.5, unit: "rule-month", source: unconfirmed },
  metricAlert: { usd: 0.1, unit: "rule-month", source: unconfirmed },
  natHour: { usd: 0.045, unit: "gateway-hour", source: unconfirmed },
  natGb: { usd: 0.045, unit: "GB", source: unconfirmed },
  address: { usd: 0.005, unit: "address-hour", source: unconfirmed },
} as const satisfies Readonly<Record<string, Price>>;

/** What nothing in a plan tells. */
export const assumed = { logGbPerRun: 0.001, storedGb: 1, natGbPerRun: 0.05 } as const;

/** Days that the price of a stored log includes. Source: from memory, UNCONFIRMED. */
const includedLogDays = 31;

export function cost(plan: DeployPlan, usage: UsageOfPlan): CostLine[] {
  const runs = runsOf(usage);
  return [
    ...computeLines(plan, usage),
    ...scheduleLines(plan, usage),
    ...orchestrationLines(plan, usage),
    ...logLines(plan, runs),
    ...secretLines(plan, runs),
    ...registryLines(plan),
    costLine("storage", `artifacts: ${assumed.storedGb} GB (assumed)`, assumed.storedGb, prices.storage),
    ...alertLines(plan),
    ...networkLines(plan, runs),
  ];
}

/** The free grant is the subscription's, so all jobs share one line. */
function computeLines(plan: DeployPlan, { jobs }: UsageOfPlan): CostLine[] {
  const sizes = new Map(plan.jobs.map(({ name, resources }) => [name, sizeOf(resources)]));
  const line = (price: Price, amountOf: (job: string) => number, unit: string): CostLine => {
    const detail = jobs.map((used) => `${usageText(used)} x ${shown(amountOf(used.job))} ${unit}`).join(", ");
    const quantity = jobs.reduce((sum, used) => sum + secondsOf(used) * amountOf(used.job), 0);
    return costLine("compute", detail, quantity, price);
  };
  return [
    line(prices.cpu, (job) => sizes.get(job)?.cpu ?? 0, "vCPU"),
    line(prices.memory, (job) => (sizes.get(job)?.memoryMiB ?? 0) / 1024, "GiB"),
  ];
}

/** A job's own cron costs nothing (UNCONFIRMED); a Logic App is paid for by the trigger and the request that it makes. */
function scheduleLines(plan: DeployPlan, { fires }: UsageOfPlan): CostLine[] {
  const enabled = plan.schedules.filter((schedule) => schedule.enabled);
  const logicApps = isOrchestrated(plan) ? enabled : enabled.filter((schedule) => !isNative(schedule));
  if (logicApps.length === 0) return [];
  const share = (fires * logicApps.length) / enabled.length;
  const what = `${logicApps.length} Logic Apps, ${shown(share)} fires x 2`;
  return [costLine("schedules", what, share * 2, prices.action)];
}

/** Each poll is two actions; what starts and judges an attempt is about six more (flows.ts). */
function orchestrationLines(plan: DeployPlan, { jobs }: UsageOfPlan): CostLine[] {
  if (!isOrchestrated(plan)) return [];
  const runs = runsOf({ jobs });
  const actions = jobs.reduce(
    (sum, used) => sum + used.runsPerMonth * (6 + 2 * Math.ceil(used.secondsPerRun / pollSeconds)),
    0,
  );
  const what = `${shown(runs)} runs of jobs, looked at each ${pollSeconds} s`;
  return [costLine("orchestration", what, actions, prices.action)];
}

/** Between two looks at a running job. */
export const pollSeconds = 30;

function logLines({ settings }: DeployPlan, runs: number): CostLine[] {
  const gb = runs * assumed.logGbPerRun;
  const what = `${shown(runs)} runs x ${assumed.logGbPerRun * 1000} MB (assumed)`;
  const months = Math.max(0, (settings.logRetentionDays - includedLogDays) / 30);
  return [
    costLine("logs", what, gb, prices.logs),
    ...(months > 0
      ? [
          costLine(
            "logs",
            `${what}, kept ${settings.logRetentionDays} days`,
            gb * months,
            prices.logRetention,
          ),
        ]
      : []),
  ];
}

function secretLines(plan: DeployPlan, runs: number): CostLine[] {
  const count = plan.secrets.length;
  if (count === 0) return [];
  return [costLine("secrets", `${shown(runs)} runs read ${count}`, runs * count, prices.secretCall)];
}

function registryLines({ settings }: DeployPlan): CostLine[] {
  if (settings.image !== undefined) return [];
  return [costLine("registry", "Basic, every day of the month", secondsPerMonth / 86_400, prices.registry)];
}

/** Rules as alerts.ts makes them. */
function alertLines(plan: DeployPlan): CostLine[] {
  const events = new Set(plan.notifications.filter(reaches).flatMap(({ on }) => on));
  const kinds = (...each: readonly (readonly NotificationEvent[])[]) =>
    each.filter((some) => some.some((event) => events.has(event))).length;
  const flows = isOrchestrated(plan) ? flowsOf(plan).length + plan.triggers.length : 0;
  // A Logic App's time-out is a failure like any other.
  const ofFlows = flows * kinds(["failure", "timeout"]);
  const ofRuns = flows > 0 ? kinds(["success"]) : kinds(["failure"], ["timeout"], ["success"]);
  const ofFires = events.has("missed") ? plan.schedules.filter(({ enabled }) => enabled).length : 0;
  const line = (count: number, what: string, price: Price) =>
    count === 0 ? [] : [costLine("alerts", `${count} ${what}`, count, price)];
  return [
    ...line(ofRuns, "rules on logs", prices.logAlert),
    ...line(ofFlows, "rules on Logic Apps", prices.metricAlert),
    ...line(ofFires, "schedules that may be missed", prices.hourlyLogAlert),
  ];
}

function reaches({ target }: DeployPlan["notifications"][number]): boolean {
  return target.kind !== "command";
}

function networkLines({ settings }: DeployPlan, runs: number): CostLine[] {
  if (settings.network.mode !== "nat") return [];
  const gateway = "NAT gateway, every hour of the month";
  return natLines({ gateway, hours: hoursPerMonth, runs, gbPerRun: assumed.natGbPerRun }, prices);
}

function secondsOf({ runsPerMonth, secondsPerRun }: JobUsage): number {
  return runsPerMonth * secondsPerRun;
}

function usageText({ job, runsPerMonth, secondsPerRun }: JobUsage): string {
  return `${job}: ${shown(runsPerMonth)} runs x ${shown(secondsPerRun)} s`;
}
