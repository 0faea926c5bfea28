/**
 * granularity task: a Logic App for each flow starts the jobs in order, waits for them and retries them. A job's actions end
 * with `Check_…`, which fails when the job did: what depends on the job waits for that one, and is skipped. What doesn't,
 * goes on; the workflow's run fails at its end.
 */
import type { PlannedJob } from "../../model/plan-types.js";
import type { Retries } from "../../model/project.js";
import { jobCall } from "../container.js";
import { type Flow, flowFor, flowsOf } from "../flows.js";
import { type RenderedResource, type RenderedValue, type Typed, text } from "../rendering.js";
import { pollSeconds } from "./cost.js";
import { type Identity, identity } from "./identity.js";
import { container, limitSeconds, type Runtime } from "./job.js";
import {
  type Actions,
  actionName,
  after,
  duration,
  jobsApi,
  literal,
  management,
  quoted,
  signIn,
  whatever,
  workflow,
} from "./logic-app.js";
import type { Text } from "./scope.js";

/** A job as it was made. */
export interface MadeJob {
  readonly job: PlannedJob;
  readonly identity: Identity;
  readonly id: Text;
  /** On Azure. */
  readonly azureName: Text;
}

export interface RenderedFlow {
  readonly flow: Flow;
  readonly workflow: Typed<string>;
  /** Names on Azure of the jobs that wait for no other. */
  readonly firstJobs: readonly Text[];
}

export interface Flows {
  readonly resources: readonly RenderedResource[];
  /** Starts the jobs, and no others. */
  readonly identity: Identity;
  readonly flows: readonly RenderedFlow[];
  /** Undefined where the selection has no active task. */
  forTasks(tasks: readonly string[]): RenderedFlow | undefined;
}

/** What a run of a flow adds to the jobs' calls, as expressions of the workflow. */
export interface FlowInput {
  /** Text of JSON: options before the tasks' names, a comma before each. */
  readonly options: string;
  /** Array of `{name, value}`. */
  readonly env: string;
}

/** What schedules.ts sends; nothing, when a flow is started by hand. */
const requested: FlowInput = {
  options: "coalesce(triggerBody()?['options'], '')",
  env: "coalesce(triggerBody()?['env'], json('[]'))",
};

export function flows(runtime: Runtime, jobs: readonly MadeJob[]): Flows {
  const { scope } = runtime;
  const { plan } = scope;
  const runner = identity(
    scope,
    "orchestrator",
    jobs.map(({ job, id }) => ({ role: "runJob", of: job.name, scope: id })),
  );
  // A schedule may select tasks that are not active: there is nothing to start then.
  const filled = flowsOf(plan).filter((flow) => flow.jobs.length > 0);
  const made = filled.map((flow): RenderedFlow => {
    const app = workflow(scope, {
      name: scope.resource("flow", flow.name),
      parts: [plan.spec.project.name, "flow", flow.name],
      identity: runner.id,
      enabled: true,
      internal: true,
      triggers: { manual: { type: "Request", kind: "Http", inputs: { schema: {} } } },
      actions: flowActions(runtime, flow, jobs, runner.id, requested),
      dependsOn: runner.ready,
    });
    return { flow, workflow: app, firstJobs: firstJobs(flow, jobs) };
  });
  return {
    resources: [...runner.resources, ...made.map((one) => one.workflow)],
    identity: runner,
    flows: made,
    forTasks: (tasks) => {
      const { name } = flowFor(plan, tasks);
      return made.find(({ flow }) => flow.name === name);
    },
  };
}

export function firstJobs(flow: Flow, jobs: readonly MadeJob[]): Text[] {
  return flow.jobs
    .filter(({ dependsOn }) => dependsOn.length === 0)
    .flatMap(({ name }) => jobs.filter(({ job }) => job.name === name).map(({ azureName }) => azureName));
}

/**
 * One run for all jobs and their retries: they share the schedule's lease, are found as one, and stand for the same instant.
 * Evaluated once, in the action that comes before all others.
 */
const runIdentity: readonly RenderedValue[] = [
  { name: "HANDOFF_RUN_ID", value: "@{workflow()['run']['name']}" },
  { name: "HANDOFF_STARTED_AT", value: "@{utcNow()}" },
];

/** The actions that run all jobs of a flow. */
export function flowActions(
  runtime: Runtime,
  flow: Flow,
  jobs: readonly MadeJob[],
  by: Text,
  input: FlowInput,
): Actions {
  const members = flow.jobs.map((job) => {
    const made = jobs.find((one) => one.job.name === job.name);
    if (!made) throw new Error(`job ${job.name} was not made`);
    const call = jobCall(runtime.scope.plan, job);
    return { job, made, container: container(runtime, { job, call, identity: made.identity }) };
  });
  const environments = members.map(
    ({ job, container: { env } }) => [job.name, [...env.map(literally), ...runIdentity]] as const,
  );
  return {
    [environmentsAction]: { type: "Compose", inputs: Object.fromEntries(environments), runAfter: {} },
    ...Object.assign(
      {},
      ...members.map(({ job, made, container: described }) =>
        jobActions({ job, id: made.id, container: described, limit: limitSeconds(runtime, job), by, input }),
      ),
    ),
  };
}

/** A variable in a definition, where a text that starts with `@` would be an expression. */
function literally(variable: ReturnType<typeof container>["env"][number]): RenderedValue {
  if (!("value" in variable) || typeof variable.value !== "string") return variable;
  return { ...variable, value: literal(variable.value) };
}

/** Action that succeeds only when the job did. */
export function checkAction(job: string): string {
  return actionName("Check", job);
}

/** Each job's variables: an expression can't hold them itself. */
const environmentsAction = "Environments";
/** Until Azure has started an execution, and we have seen that it ended. */
const startSeconds = 900;

interface FlowJob {
  readonly job: PlannedJob;
  readonly id: Text;
  readonly container: ReturnType<typeof container>;
  /** Seconds of one execution. */
  readonly limit: number;
  /** Identity that starts it. */
  readonly by: Text;
  readonly input: FlowInput;
}

function jobActions(flowJob: FlowJob): Actions {
  const { job, limit } = flowJob;
  const named = (verb: string) => actionName(verb, job.name);
  const retries = job.retries !== undefined && job.retries.max > 0 ? job.retries : undefined;
  const before = after(named("Init"), environmentsAction, ...job.dependsOn.map(checkAction));
  return {
    [named("Init")]: {
      type: "InitializeVariable",
      inputs: { variables: [{ name: statusOf(job), type: "string", value: "" }] },
      runAfter: {},
    },
    ...(retries
      ? { [named("Attempts")]: attempts(flowJob, retries, before) }
      : attempt(flowJob, limit, before)),
    [checkAction(job.name)]: {
      type: "ParseJson",
      inputs: {
        content: { status: `@variables('${statusOf(job)}')` },
        // What ended in another way doesn't match the schema, and the action fails.
        schema: {
          type: "object",
          required: ["status"],
          properties: { status: { type: "string", enum: ["Succeeded"] } },
        },
      },
      // Not when the job was skipped: it is then skipped itself, and so is what waits for it.
      runAfter: { [named(retries ? "Attempts" : "Wait")]: ["Succeeded", "Failed", "TimedOut"] },
    },
  };
}

/** Variable that holds the status of the job's latest execution. */
function statusOf(job: PlannedJob): string {
  return actionName("status", job.name);
}

/** The loop over the attempts. */
function attempts(
  flowJob: FlowJob,
  retries: Retries,
  runAfter: Readonly<Record<string, readonly string[]>>,
): RenderedValue {
  const { job, limit } = flowJob;
  const named = (verb: string) => actionName(verb, job.name);
  const pauses = pausesOf(retries);
  const all = (limit + startSeconds) * (retries.max + 1) + pauses.reduce((sum, pause) => sum + pause, 0);
  return {
    type: "Until",
    expression: `@equals(variables('${statusOf(job)}'), 'Succeeded')`,
    limit: { count: retries.max + 1, timeout: duration(all) },
    actions: {
      // Before the first attempt for a second: that needs no branch.
      [named("Pause")]: {
        type: "Wait",
        inputs: {
          interval: {
            count: `@createArray(${[1, ...pauses].join(", ")})[iterationIndexes('${named("Attempts")}')]`,
            unit: "Second",
          },
        },
        runAfter: {},
      },
      ...attempt(flowJob, limit, after(named("Pause"))),
      // An attempt that failed is no failure of the loop.
      [named("Ended")]: {
        type: "Compose",
        inputs: `@variables('${statusOf(job)}')`,
        runAfter: whatever(named("Wait")),
      },
    },
    runAfter,
  };
}

/** Starts the job and waits for the end of the execution. */
function attempt(
  { job, id, container: described, by, input }: FlowJob,
  limit: number,
  runAfter: Readonly<Record<string, readonly string[]>>,
): Actions {
  const named = (verb: string) => actionName(verb, job.name);
  const { args, env: _, ...rest } = described;
  // `run --no-retries`, the options, the tasks.
  const head = args.slice(0, 2).map((arg) => JSON.stringify(arg));
  const tail = args.slice(2).map((arg) => `,${JSON.stringify(arg)}`);
  const argsExpression = `json(concat(${quoted(`[${head.join(",")}`)}, ${input.options}, ${quoted(`${tail.join("")}]`)}))`;
  return {
    [named("Start")]: {
      type: "Http",
      inputs: {
        method: "POST",
        uri: text`https://management.azure.com${id}/start?api-version=${jobsApi}`,
        authentication: signIn(by, management),
        // Not wrapped in `template`, as the REST reference has it and one test on a real account found (docs/cloud-facts.md).
        body: {
          containers: [
            {
              ...rest,
              args: `@${argsExpression}`,
              env: `@union(outputs('${environmentsAction}')?[${quoted(job.name)}], ${input.env})`,
            },
          ],
        },
      },
      runAfter,
    },
    [named("Wait")]: {
      type: "Until",
      expression: `@contains(createArray('Succeeded', 'Failed', 'Stopped', 'Degraded'), variables('${statusOf(job)}'))`,
      limit: { count: maxRounds, timeout: duration(limit + startSeconds) },
      actions: {
        [named("Sleep")]: {
          type: "Wait",
          inputs: { interval: { count: pollPause(limit), unit: "Second" } },
          runAfter: {},
        },
        [named("Look")]: {
          type: "Http",
          inputs: {
            method: "GET",
            uri: text`https://management.azure.com${id}/executions/@{body('${named("Start")}')?['name']}?api-version=${jobsApi}`,
            authentication: signIn(by, management),
          },
          runAfter: after(named("Sleep")),
        },
        // A look that failed tells nothing: the next one will.
        [named("Status")]: {
          type: "SetVariable",
          inputs: {
            name: statusOf(job),
            value: `@coalesce(body('${named("Look")}')?['properties']?['status'], '')`,
          },
          runAfter: { [named("Look")]: ["Succeeded", "Failed", "TimedOut"] },
        },
      },
      runAfter: after(named("Start")),
    },
  };
}

/** Of a loop. Source: limits of Logic Apps, from memory, UNCONFIRMED. */
const maxRounds = 5000;

/** Seconds between two looks, so that the loop's rounds are enough. */
function pollPause(limit: number): number {
  return Math.max(pollSeconds, Math.ceil((limit + startSeconds) / (maxRounds - 500)));
}

/** Seconds before each retry. */
export function pausesOf({ max, delaySeconds, backoff }: Retries): number[] {
  return Array.from({ length: max }, (_, retry) => Math.max(1, Math.round(delaySeconds * backoff ** retry)));
}

/** Actions of a flow, before anything is made. A test holds it to what is rendered. */
export function countActions({ jobs }: Flow): number {
  return jobs.reduce((sum, { retries }) => sum + (retries && retries.max > 0 ? 10 : 7), 1);
}
