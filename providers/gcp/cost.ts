/** What a month on Google Cloud costs at list price. */
import type { DeployPlan } from "../../model/plan-types.js";
import {
  type CostLine,
  costLine,
  type JobUsage,
  natLines,
  type Price,
  runsOf,
  shown,
  type UsageOfPlan,
} from "../cost.js";
import { flowsOf, isOrchestrated } from "../flows.js";
import { assumed, minimumSeconds, prices } from "./prices.js";
import { sizeOf } from "./size.js";

/** Steps of a workflow for each job that it runs: flows.ts. */
const stepsPerJob = { internal: 6, external: 1 } as const;

export function cost(plan: DeployPlan, usage: UsageOfPlan): CostLine[] {
  const runs = runsOf(usage);
  return [
    ...computeLines(plan, usage),
    ...scheduleLines(plan),
    ...orchestrationLines(plan, usage),
    ...logLines(plan, runs),
    ...secretLines(plan, runs),
    ...registryLines(plan),
    costLine("storage", `artifacts: ${assumed.storedGb} GB (assumed)`, assumed.storedGb, prices.storage),
    ...networkLines(plan, usage, runs),
  ];
}

interface Quantity {
  readonly detail: string;
  readonly quantity: number;
}

/** Lines that share one free grant, used up from the first on. */
function sharedLines(item: string, quantities: readonly Quantity[], price: Price): CostLine[] {
  let free = price.free ?? 0;
  return quantities.map(({ detail, quantity }) => {
    const line = costLine(item, detail, quantity, { ...price, free });
    free = Math.max(0, free - quantity);
    return line;
  });
}

function computeLines(plan: DeployPlan, usage: UsageOfPlan): CostLine[] {
  const lines = (price: Price, amountOf: (job: string) => { amount: number; what: string }) =>
    sharedLines(
      "compute",
      usage.jobs.map((used) => {
        const { amount, what } = amountOf(used.job);
        const seconds = chargedSeconds(used);
        return {
          detail: `${used.job}: ${shown(used.runsPerMonth)} runs x ${seconds} s x ${what}`,
          quantity: used.runsPerMonth * seconds * amount,
        };
      }),
      price,
    );
  const sizes = new Map(plan.jobs.map(({ name, resources }) => [name, sizeOf(resources)]));
  return [
    ...lines(prices.cpu, (job) => {
      const amount = sizes.get(job)?.cpu ?? 0;
      return { amount, what: `${amount} vCPU` };
    }),
    ...lines(prices.memory, (job) => {
      const amount = (sizes.get(job)?.memoryMiB ?? 0) / 1024;
      return { amount, what: `${shown(amount)} GiB` };
    }),
  ];
}

function chargedSeconds({ secondsPerRun }: JobUsage): number {
  return Math.max(minimumSeconds, secondsPerRun);
}

/** A paused schedule costs the same: what is paid for is the Scheduler's job. */
function scheduleLines({ schedules }: DeployPlan): CostLine[] {
  if (schedules.length === 0) return [];
  return [costLine("schedules", `${schedules.length} schedules`, schedules.length, prices.schedule)];
}

function orchestrationLines(plan: DeployPlan, { jobs }: UsageOfPlan): CostLine[] {
  if (!isOrchestrated(plan) && plan.triggers.length === 0) return [];
  const runs = isOrchestrated(plan) ? runsOf({ jobs }) : 0;
  const what = `${flowsOf(plan).length + plan.triggers.length} workflows, ${shown(runs)} runs of jobs`;
  return [
    costLine("orchestration", `${what} x ${stepsPerJob.internal}`, runs * stepsPerJob.internal, prices.step),
    costLine("orchestration", `${what} x ${stepsPerJob.external}`, runs * stepsPerJob.external, prices.call),
  ];
}

/** Two buckets where logs are kept longer than the 30 days that they are kept anyway. */
function logLines({ settings }: DeployPlan, runs: number): CostLine[] {
  const gb = runs * assumed.logGbPerRun;
  const what = `${shown(runs)} runs x ${assumed.logGbPerRun * 1000} MB (assumed)`;
  if (settings.logRetentionDays <= 30) return [costLine("logs", what, gb, prices.logs)];
  const months = settings.logRetentionDays / 30;
  return [
    costLine("logs", `${what}, stored twice`, gb * 2, prices.logs),
    costLine(
      "logs",
      `${what}, kept ${settings.logRetentionDays} days`,
      gb * (months - 1),
      prices.logRetention,
    ),
  ];
}

function secretLines(plan: DeployPlan, runs: number): CostLine[] {
  const count = plan.secrets.length;
  if (count === 0) return [];
  return [
    costLine("secrets", `${count} secrets`, count, prices.secret),
    costLine("secrets", `${shown(runs)} runs read ${count}`, runs * count, prices.secretAccess),
  ];
}

function registryLines({ settings }: DeployPlan): CostLine[] {
  if (settings.image !== undefined) return [];
  const gb = assumed.imageGb * assumed.keptImages;
  const what = `${assumed.keptImages} images x ${assumed.imageGb} GB (assumed)`;
  return [costLine("registry", what, gb, prices.registry)];
}

function networkLines({ settings }: DeployPlan, usage: UsageOfPlan, runs: number): CostLine[] {
  if (settings.network.mode !== "nat") return [];
  const hours = usage.jobs.reduce((sum, used) => sum + used.runsPerMonth * chargedSeconds(used), 0) / 3600;
  return natLines(
    { gateway: "NAT, hours that jobs run", hours, runs, gbPerRun: assumed.natGbPerRun },
    prices,
  );
}
