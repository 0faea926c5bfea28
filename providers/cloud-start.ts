/** What `handoff trigger` and `backfill` ask a cloud to start, decided from the stack's outputs and, where needed, the plan. */
import { UserError } from "../model/diagnostic.js";
import { nearest } from "../model/nearest.js";
import type { DeployPlan, PlannedJob } from "../model/plan-types.js";
import type { Schedule } from "../model/project.js";
import type { StartCall } from "./cloud-driver.js";
import { jobCall, scheduleCall } from "./container.js";
import { flowsOf, isOrchestrated, jobsOf } from "./flows.js";
import type { TriggerRequest } from "./operate.js";

/** What a stack has, by the names in its project. */
export interface Deployed {
  readonly jobs: readonly string[];
  /** None when the one job runs everything itself. */
  readonly flows: readonly string[];
  readonly schedules: readonly string[];
}

/** Outputs of a stack, as each cloud's `outputs` names them. */
export function deployedOf(outputs: Readonly<Record<string, unknown>>): Deployed {
  const names = (key: string): string[] => Object.keys((outputs[key] ?? {}) as object);
  return { jobs: names("jobs"), flows: names("flows"), schedules: names("schedules") };
}

/**
 * @param plan only called where arguments are to be made: a job that is run as it is deployed needs no project
 * @throws UserError `unknown-job`, `no-job`, `unknown-task`, `unknown-schedule`, `not-deployed`
 */
export function startCall(
  request: TriggerRequest,
  run: { readonly runId: string; readonly now: Date },
  deployed: Deployed,
  plan: () => DeployPlan,
): StartCall {
  const { job, schedule, tasks = [], vars = {}, envs = {} } = request;
  if (job !== undefined && !deployed.jobs.includes(job)) throw unknown("job", job, deployed.jobs);
  if (schedule !== undefined) requireSchedule(schedule, deployed);
  const options = [...pairs("-v", vars), ...pairs("-e", envs)];
  const scheduledAt = new Date(request.scheduledAt ?? run.now).toISOString();
  const isFlow = deployed.flows.length > 0 && job === undefined;
  const asDeployed =
    schedule === undefined &&
    tasks.length === 0 &&
    options.length === 0 &&
    // A flow that isn't called stands for the moment that it is started at.
    !(isFlow && request.scheduledAt !== undefined);
  const called = asDeployed
    ? { target: targetAsDeployed(job, deployed, isFlow), calls: null }
    : callsOf(request, options, deployed, plan());
  const { flow } = called.target;
  return {
    runId: run.runId,
    scheduledAt,
    flow,
    job: called.target.job,
    calls: called.calls,
    options,
    env: {
      HANDOFF_SCHEDULED_AT: scheduledAt,
      ...(flow === null ? { HANDOFF_RUN_ID: run.runId } : {}),
      // It is none of the schedule's own runs: it waits for none of them, and keeps none from starting.
      ...(schedule === undefined ? {} : { HANDOFF_SCHEDULE: schedule, HANDOFF_OVERLAP: "allow" }),
    },
    schedule: schedule ?? null,
  };
}

interface Target {
  readonly flow: string | null;
  readonly job: string;
}

function targetAsDeployed(job: string | undefined, deployed: Deployed, isFlow: boolean): Target {
  if (isFlow) return targetOfFlow("all", deployed);
  return { flow: null, job: job ?? onlyJob(deployed) };
}

function targetOfFlow(flow: string, { flows }: Deployed): Target {
  if (flows.includes(flow)) return { flow, job: flow };
  throw new UserError(`the flow ${flow} is not deployed`, {
    code: "not-deployed",
    hint: `deploy what project.yml says now with handoff up; deployed are: ${flows.join(", ") || "none"}`,
  });
}

function onlyJob({ jobs }: Deployed): string {
  const [job] = jobs;
  if (job !== undefined && jobs.length === 1) return job;
  throw new UserError(`which job? There are: ${jobs.join(", ")}`, { code: "no-job", hint: "name one" });
}

function callsOf(
  request: TriggerRequest,
  options: readonly string[],
  deployed: Deployed,
  plan: DeployPlan,
): { target: Target; calls: StartCall["calls"] } {
  const schedule = request.schedule === undefined ? undefined : plannedSchedule(request.schedule, plan);
  const tasks = request.tasks ?? [];
  for (const task of tasks) {
    const known = plan.jobs.flatMap((job) => job.tasks);
    if (known.length > 0 && !known.includes(task)) throw unknown("task", task, known);
  }
  const selected = tasks.length > 0 ? tasks : (schedule?.tasks ?? []);
  const { target, jobs } = targetOf(request.job, selected, deployed, plan);
  const calls = jobs.map((job) => {
    const call = schedule
      ? scheduleCall(plan, job, { ...schedule, tasks: [...selected] })
      : jobCall(plan, job);
    const names = selected.length > 0 ? job.tasks.filter((task) => selected.includes(task)) : undefined;
    return { job: job.name, args: withOptions(call.args, job, options, names) };
  });
  return { target, calls };
}

/** What is given here counts more than the schedule's: of two values of a name the runner takes the last. */
function withOptions(
  args: readonly string[],
  { tasks }: PlannedJob,
  options: readonly string[],
  selected: readonly string[] | undefined,
): string[] {
  // The names of tasks come last, after values that may be called as a task is.
  let end = args.length;
  while (end > 1 && tasks.includes(args[end - 1] ?? "") && !/^-[ve]$/.test(args[end - 2] ?? "")) end -= 1;
  return [...args.slice(0, end), ...options, ...(selected ?? args.slice(end))];
}

function targetOf(
  job: string | undefined,
  selected: readonly string[],
  deployed: Deployed,
  plan: DeployPlan,
): { target: Target; jobs: readonly PlannedJob[] } {
  if (job !== undefined || !isOrchestrated(plan)) {
    const name = job ?? onlyJob(deployed);
    return { target: { flow: null, job: name }, jobs: [plannedJob(name, plan)] };
  }
  const wanted = jobsOf(plan, selected).map(({ name }) => name);
  const flow = flowsOf(plan).find(
    ({ jobs }) => jobs.length === wanted.length && jobs.every(({ name }) => wanted.includes(name)),
  );
  if (flow) return { target: targetOfFlow(flow.name, deployed), jobs: flow.jobs };
  const [alone] = wanted;
  if (alone !== undefined && wanted.length === 1 && deployed.jobs.includes(alone))
    return { target: { flow: null, job: alone }, jobs: [plannedJob(alone, plan)] };
  throw new UserError(`no flow of the stack runs just ${wanted.join(", ")}`, {
    code: "no-job",
    hint: "name one job, or a schedule that selects them",
  });
}

function plannedJob(name: string, plan: DeployPlan): PlannedJob {
  const found = plan.jobs.find((job) => job.name === name);
  if (found) return found;
  throw new UserError(`the job ${name} is deployed, and project.yml has it no more`, {
    code: "not-deployed",
    hint: "deploy what project.yml says now with handoff up, or trigger it without -v and -e",
  });
}

function plannedSchedule(name: string, plan: DeployPlan): Schedule {
  const found = plan.schedules.find((schedule) => schedule.name === name);
  if (found) return found;
  throw new UserError(`the schedule ${name} is deployed, and project.yml has it no more`, {
    code: "unknown-schedule",
    hint: "deploy what project.yml says now with handoff up",
  });
}

/** @throws UserError `unknown-schedule` */
export function requireSchedule(name: string, { schedules }: Deployed): void {
  if (!schedules.includes(name)) throw unknown("schedule", name, schedules);
}

const pairs = (option: string, values: Readonly<Record<string, string>>): string[] =>
  Object.entries(values).flatMap(([key, value]) => [option, `${key}=${value}`]);

/** As the local platform words it. */
export function unknown(
  what: "job" | "task" | "schedule" | "run",
  name: string,
  known: readonly string[],
): UserError {
  const meant = nearest(name, known);
  const list = known.length > 0 ? `there are: ${known.join(", ")}` : `the stack has no ${what}s`;
  return new UserError(`no ${what} ${name}`, {
    code: `unknown-${what}`,
    hint: meant === undefined ? list : `did you mean ${meant}?`,
  });
}
