/** granularity task: which jobs run in what order, for each selection of tasks that a schedule or trigger makes. */
import type { DeployPlan, PlannedJob } from "../model/plan-types.js";

/** A selection of jobs, ordered by what they depend on. */
export interface Flow {
  /** `all`, or `for-` and the name of the first schedule or trigger that selects it. Unique in the plan. */
  readonly name: string;
  /** Each after those it depends on; `dependsOn` holds only jobs of the flow. */
  readonly jobs: readonly PlannedJob[];
}

/** Whether the jobs need somebody who orders and retries them: granularity task. */
export function isOrchestrated(plan: DeployPlan): boolean {
  return plan.spec.project.deploy.granularity === "task";
}

/** The flows of a plan, `all` first; none when the one job runs everything itself. */
export function flowsOf(plan: DeployPlan): Flow[] {
  if (!isOrchestrated(plan)) return [];
  const flows = new Map<string, Flow>();
  flows.set(keyOf(plan, []), flowOf(plan, "all", []));
  for (const { name, tasks } of [...plan.schedules, ...plan.triggers]) {
    const key = keyOf(plan, tasks);
    if (!flows.has(key)) flows.set(key, flowOf(plan, `for-${name}`, tasks));
  }
  return [...flows.values()];
}

/** The flow of a selection of tasks that a schedule or trigger of the plan makes; one of `flowsOf`. */
export function flowFor(plan: DeployPlan, tasks: readonly string[]): Flow {
  const key = keyOf(plan, tasks);
  const flow = flowsOf(plan).find(({ jobs }) => jobs.map(({ name }) => name).join("\n") === key);
  if (!flow) throw new Error(`no schedule or trigger of the plan selects ${tasks.join(", ")}`);
  return flow;
}

/** Jobs that a selection of tasks needs; an empty selection is all. With granularity `project` it is the one job. */
export function jobsOf(plan: DeployPlan, tasks: readonly string[]): PlannedJob[] {
  if (tasks.length === 0) return [...plan.jobs];
  return plan.jobs.filter((job) => job.tasks.some((task) => tasks.includes(task)));
}

/** Jobs by level, each in the first one after all that it depends on. A job stands after those it depends on in `jobs`. */
export function levelsOf<J extends { readonly name: string; readonly dependsOn: readonly string[] }>(
  jobs: readonly J[],
): J[][] {
  const levelOf = new Map<string, number>();
  const levels: J[][] = [];
  for (const job of jobs) {
    const level = Math.max(-1, ...job.dependsOn.map((other) => levelOf.get(other) ?? -1)) + 1;
    levelOf.set(job.name, level);
    const found = levels[level] ?? [];
    found.push(job);
    levels[level] = found;
  }
  return levels;
}

function keyOf(plan: DeployPlan, tasks: readonly string[]): string {
  return jobsOf(plan, tasks)
    .map(({ name }) => name)
    .join("\n");
}

function flowOf(plan: DeployPlan, name: string, tasks: readonly string[]): Flow {
  const jobs = jobsOf(plan, tasks);
  const names = new Set(jobs.map((job) => job.name));
  return {
    name,
    jobs: jobs.map((job) => ({ ...job, dependsOn: job.dependsOn.filter((other) => names.has(other)) })),
  };
}
