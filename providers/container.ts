/** How a job's container is called, the same on every cloud: arguments and environment (docs/environment.md). */
export { secretVariable, storeVariable } from "../model/container-env.js";

import type { DeployPlan, PlannedJob } from "../model/plan-types.js";
import type { Schedule } from "../model/project.js";

export interface ContainerCall {
  /** After the image's entry point. */
  readonly args: readonly string[];
  /** Plain values; secrets are the platform's references. Keys sorted: clouds compare the text. */
  readonly env: Readonly<Record<string, string>>;
}

/** A job as it is deployed: it runs its tasks. Where an orchestrator retries jobs, the runner doesn't. */
export function jobCall(plan: DeployPlan, job: PlannedJob): ContainerCall {
  const orchestrated = plan.spec.project.deploy.granularity === "task";
  return {
    args: ["run", ...(orchestrated ? ["--no-retries"] : []), ...job.tasks],
    env: sorted({
      HANDOFF_CLIENT: plan.settings.client,
      HANDOFF_JOB: job.name,
      HANDOFF_LOG_FORMAT: "json",
      HANDOFF_STACK: plan.settings.stack,
      HANDOFF_STAGE: plan.settings.stack,
    }),
  };
}

/** What a schedule changes of a job's call: its tasks, vars and envs. `env` holds only what comes on top of the job's. */
export function scheduleCall(plan: DeployPlan, job: PlannedJob, schedule: Schedule): ContainerCall {
  const orchestrated = plan.spec.project.deploy.granularity === "task";
  const tasks =
    schedule.tasks.length === 0 ? job.tasks : job.tasks.filter((task) => schedule.tasks.includes(task));
  const options = [
    ...Object.entries(schedule.vars).flatMap(([key, value]) => ["-v", `${key}=${value}`]),
    ...Object.entries(schedule.envs).flatMap(([key, value]) => ["-e", `${key}=${value}`]),
  ];
  return {
    args: ["run", ...(orchestrated ? ["--no-retries"] : []), ...options, ...tasks],
    env: { HANDOFF_SCHEDULE: schedule.name },
  };
}

/** What a trigger changes of a job's call; the message itself is the platform's to add, as HANDOFF_MESSAGE. */
export function triggerCall(
  plan: DeployPlan,
  job: PlannedJob,
  trigger: { name: string; tasks: readonly string[] },
): ContainerCall {
  const orchestrated = plan.spec.project.deploy.granularity === "task";
  const tasks =
    trigger.tasks.length === 0 ? job.tasks : job.tasks.filter((task) => trigger.tasks.includes(task));
  return {
    args: ["run", ...(orchestrated ? ["--no-retries"] : []), ...tasks],
    env: { HANDOFF_TRIGGER: trigger.name },
  };
}

function sorted(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1)));
}
