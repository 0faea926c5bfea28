/** How a job's container is called, the same on every cloud: arguments and environment (docs/environment.md). */
export { secretVariable, storeVariable } from "../model/container-env.js";

import type { DeployPlan, PlannedJob } from "../model/plan-types.js";
import type { Schedule } from "../model/project.js";
import { isOrchestrated } from "./flows.js";
import { clones, sourceEnv } from "./git-source.js";

export interface ContainerCall {
  /** After the image's entry point. */
  readonly args: readonly string[];
  /** Plain values; secrets are the platform's references. Keys sorted: clouds compare the text. */
  readonly env: Readonly<Record<string, string>>;
}

/** A job as it is deployed: it runs its tasks. */
export function jobCall(plan: DeployPlan, job: PlannedJob): ContainerCall {
  const { client, stack } = plan.settings;
  return {
    args: runArgs(plan, job, []),
    env: {
      HANDOFF_CLIENT: client,
      HANDOFF_JOB: job.name,
      HANDOFF_LOG_FORMAT: "json",
      ...sourceEnv(plan),
      HANDOFF_STACK: stack,
      HANDOFF_STAGE: stack,
    },
  };
}

/** What a schedule changes of a job's call: its tasks, vars and envs. `env` holds only what comes on top of the job's. */
export function scheduleCall(plan: DeployPlan, job: PlannedJob, schedule: Schedule): ContainerCall {
  const { name, tasks, vars, envs } = schedule;
  const options = [
    ...Object.entries(vars).flatMap(([key, value]) => ["-v", `${key}=${value}`]),
    ...Object.entries(envs).flatMap(([key, value]) => ["-e", `${key}=${value}`]),
  ];
  return { args: runArgs(plan, job, tasks, options), env: { HANDOFF_SCHEDULE: name } };
}

/** What a trigger changes of a job's call; the message itself is the platform's to add, as HANDOFF_MESSAGE. */
export function triggerCall(
  plan: DeployPlan,
  job: PlannedJob,
  { name, tasks }: { name: string; tasks: readonly string[] },
): ContainerCall {
  return { args: runArgs(plan, job, tasks), env: { HANDOFF_TRIGGER: name } };
}

/** @param selected tasks; none: all of the job's, or all that there are in what it clones. Where an orchestrator retries jobs, the runner doesn't. */
function runArgs(
  plan: DeployPlan,
  job: PlannedJob,
  selected: readonly string[],
  options: readonly string[] = [],
): string[] {
  const all = clones(plan) && !isOrchestrated(plan) ? [] : job.tasks;
  const tasks = selected.length === 0 ? all : job.tasks.filter((task) => selected.includes(task));
  return ["run", ...(isOrchestrated(plan) ? ["--no-retries"] : []), ...options, ...tasks];
}
