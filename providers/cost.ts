/** Monthly estimates: what runs how often for how long, and the arithmetic that the platforms' prices share. */
import { parseCron } from "../model/cron.js";
import type { DeployPlan } from "../model/plan-types.js";
import { jobsOf } from "./flows.js";

/** One line of an estimate. US dollars a month at list price, after the free grant. */
export interface CostLine {
  /** What is paid for: `compute`, `schedules`, `logs`, `secrets`, `registry`, `network`, `storage`, `orchestration`, `alerts`. */
  readonly item: string;
  /** Of what, and how much: `fx: 30.4 runs x 120 s x 0.5 vCPU`. */
  readonly detail: string;
  readonly quantity: number;
  /** `vCPU-second`, `GiB-second`, `secret-month`, `GB`, … */
  readonly unit: string;
  /** US dollars for one unit. */
  readonly unitPrice: number;
  /** Units a month that are free; 0 where nothing is. Shared by all of an account, which other stacks use as well. */
  readonly freeUnits: number;
  /** US dollars a month. */
  readonly amount: number;
  /** Where the price is from, and the day it was read. */
  readonly source: string;
}

/** A price in a dated table. */
export interface Price {
  /** US dollars a unit. */
  readonly usd: number;
  readonly unit: string;
  /** Units a month at no charge. Default 0. */
  readonly free?: number;
  readonly source: string;
}

/** How often and how long one job runs in a month. */
export interface JobUsage {
  readonly job: string;
  readonly runsPerMonth: number;
  readonly secondsPerRun: number;
}

/** What an estimate supposes of a plan. */
export interface UsageOfPlan {
  readonly jobs: readonly JobUsage[];
  /** Schedule fires a month, of all schedules that are enabled. */
  readonly fires: number;
  /** Where the durations are from. */
  readonly durations: "declared" | "history" | "assumed";
}

/** Seconds in a month of an average year. */
export const secondsPerMonth = (365.25 / 12) * 86_400;
export const hoursPerMonth = secondsPerMonth / 3600;

/** A run's length when it was neither declared nor seen: 5 minutes. */
export const assumedSeconds = 300;

export interface UsageOptions {
  /** Seconds of one run of a job: declared by the user, or learnt from the history. Default `assumedSeconds`. */
  readonly secondsOf?: (job: string) => number | undefined;
  readonly durations?: UsageOfPlan["durations"];
  /** In the first year whose fires are counted. Default 2026-01-01, so that an estimate stays the same. */
  readonly from?: Date;
}

/** Counts the fires of each schedule and spreads them over the months. */
export function usageOf(plan: DeployPlan, options: UsageOptions = {}): UsageOfPlan {
  const from = options.from ?? new Date("2026-01-01T00:00:00Z");
  const runs = new Map<string, number>();
  let fires = 0;
  for (const { cron, tasks, enabled } of plan.schedules) {
    if (!enabled) continue;
    const perMonth = firesPerMonth(cron, from);
    fires += perMonth;
    for (const { name } of jobsOf(plan, tasks)) runs.set(name, (runs.get(name) ?? 0) + perMonth);
  }
  const jobs = plan.jobs.map(
    ({ name }): JobUsage => ({
      job: name,
      runsPerMonth: runs.get(name) ?? 0,
      secondsPerRun: options.secondsOf?.(name) ?? assumedSeconds,
    }),
  );
  return { jobs, fires, durations: options.durations ?? "assumed" };
}

/** Days of each month; February's 29th is there in one year of four. */
const monthDays = [31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Average fires a month in a year that the expression fires in; 0 when its years are over. Every weekday is on every date
 * equally often, so days need not be counted one by one. Clocks that change move a fire and take none away.
 */
export function firesPerMonth(expression: string, from: Date): number {
  const cron = parseCron(expression);
  if (cron.years?.every((year) => year < from.getUTCFullYear())) return 0;
  const weekdays = cron.daysOfWeek.length / 7;
  const either = cron.daysOfMonthRestricted && cron.daysOfWeekRestricted;
  let days = 0;
  for (const month of cron.months) {
    const length = monthDays[month - 1] ?? 0;
    for (let date = 1; date < length + 1; date++) {
      const share = cron.daysOfMonth.includes(date) ? (either ? 1 : weekdays) : either ? weekdays : 0;
      days += share * Math.min(1, length + 1 - date);
    }
  }
  return (days / 12) * cron.hours.length * cron.minutes.length;
}

/** A line from a quantity and a price, the free units taken off. */
export function costLine(item: string, detail: string, quantity: number, price: Price): CostLine {
  const freeUnits = price.free ?? 0;
  return {
    item,
    detail,
    quantity,
    unit: price.unit,
    unitPrice: price.usd,
    freeUnits,
    amount: Math.max(0, quantity - freeUnits) * price.usd,
    source: price.source,
  };
}

/** Runs a month, of all jobs. */
export function runsOf({ jobs }: Pick<UsageOfPlan, "jobs">): number {
  return jobs.reduce((sum, { runsPerMonth }) => sum + runsPerMonth, 0);
}

/** A number as lines show it: with two decimals at most. */
export function shown(value: number): string {
  return String(Math.round(value * 100) / 100);
}

export interface NatUsage {
  /** What is paid by the hour, as the line says it. */
  readonly gateway: string;
  readonly hours: number;
  readonly runs: number;
  /** Supposed of each run. */
  readonly gbPerRun: number;
}

/** A NAT gateway with its fixed address. */
export function natLines(
  { gateway, hours, runs, gbPerRun }: NatUsage,
  prices: { readonly natHour: Price; readonly natGb: Price; readonly address: Price },
): CostLine[] {
  const traffic = `NAT, ${shown(runs)} runs x ${gbPerRun * 1000} MB (assumed)`;
  return [
    costLine("network", gateway, hours, prices.natHour),
    costLine("network", traffic, runs * gbPerRun, prices.natGb),
    costLine("network", "one fixed address", hoursPerMonth, prices.address),
  ];
}

/** US dollars a month of all lines. */
export function totalOf(lines: readonly CostLine[]): number {
  return lines.reduce((sum, { amount }) => sum + amount, 0);
}
