/** granularity task: which jobs run in what order, for each selection of tasks that a schedule or trigger makes. */
import type { DeployPlan, PlannedJob } from "../model/plan-types.js";
import { jobsOf } from "./cost.js";

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
