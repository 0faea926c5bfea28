/**
 * Schedules. A Container Apps job has one trigger and one template, so each schedule has a job of its own, with its variables
 * in the template. That is sturdier than one job and overrides at each start, and costs nothing: jobs are free, a start has
 * no body that could be misread, and what would run can be seen before it does. Where the clock's changes need a Logic App,
 * the app only starts that job.
 * granularity task: a Logic App calls the flow (flows.ts), which orders the jobs.
 */

import type { PlannedJob } from "../../model/plan-types.js";
import type { Schedule } from "../../model/project.js";
import { type ContainerCall, jobCall, scheduleCall } from "../container.js";
import { jobsOf } from "../flows.js";
import { type RenderedResource, type RenderedValue, ref, text } from "../rendering.js";
import type { Flows } from "./flows.js";
import { type Identity, identity } from "./identity.js";
import { containerJob, type Runtime } from "./job.js";
import { jobsApi, literal, management, signIn, workflow } from "./logic-app.js";
import { type RenderedRecurrence, recurrenceOf, renderSchedules, scheduledTime } from "./schedule.js";
import type { Scope, Text } from "./scope.js";

export interface RenderedSchedules {
  readonly resources: readonly RenderedResource[];
  /** By schedule: the resource to look at in Azure. */
  readonly made: Readonly<Record<string, RenderedResource>>;
  /** By schedule: names on Azure of the jobs of which one runs first. */
  readonly jobNames: Readonly<Record<string, readonly Text[]>>;
}

/** granularity project: jobs that their own cron starts, or a Logic App. */
export function schedules(runtime: Runtime, jobIdentity: Identity): RenderedSchedules {
  const { scope } = runtime;
  const { plan } = scope;
  const resources: RenderedResource[] = [];
  const made: Record<string, RenderedResource> = {};
  const jobNames: Record<string, Text[]> = {};
  let starter: Identity | undefined;
  for (const schedule of plan.schedules) {
    const [job] = jobsOf(plan, schedule.tasks);
    const [rendered] = renderSchedules(schedule);
    if (!job || !rendered) continue;
    const native = rendered.kind === "cron" && schedule.enabled;
    const scheduled = containerJob(runtime, {
      name: scope.resource("schedulejob", schedule.name),
      parts: [job.name, "at", schedule.name],
      job,
      call: merged(scope, job, schedule),
      identity: jobIdentity,
      // Paused: the same job, which nothing starts. That a job's kind of trigger can be changed is UNCONFIRMED.
      trigger: native ? { kind: "schedule", cron: rendered.expression } : { kind: "manual" },
    });
    resources.push(scheduled);
    made[schedule.name] = scheduled;
    jobNames[schedule.name] = [ref(scheduled, "name")];
    if (rendered.kind === "cron") continue;
    if (!starter) {
      starter = identity(scope, "starter", []);
      resources.push(...starter.resources);
    }
    const right = starter.grant({ role: "runJob", of: schedule.name, scope: ref(scheduled, "id") });
    const app = workflow(scope, {
      name: scope.resource("schedule", schedule.name),
      parts: [job.name, "at", schedule.name],
      identity: starter.id,
      enabled: schedule.enabled,
      triggers: { schedule: recurrenceTrigger(rendered) },
      actions: { Start: start(starter.id, ref(scheduled, "id")) },
      dependsOn: [right.name],
    });
    resources.push(right, app);
    made[schedule.name] = app;
  }
  return { resources, made, jobNames };
}

/** granularity task: a Logic App for each schedule, which starts the flow of the schedule's tasks. */
export function flowSchedules(scope: Scope, flows: Flows): RenderedSchedules {
  const { plan } = scope;
  const resources: RenderedResource[] = [];
  const made: Record<string, RenderedResource> = {};
  const jobNames: Record<string, readonly Text[]> = {};
  for (const schedule of plan.schedules) {
    const flow = flows.forTasks(schedule.tasks);
    if (!flow) continue;
    const app = workflow(scope, {
      name: scope.resource("schedule", schedule.name),
      parts: [plan.spec.project.name, "at", schedule.name],
      identity: flows.identity.id,
      enabled: schedule.enabled,
      triggers: { schedule: recurrenceTrigger(recurrenceOf(schedule)) },
      actions: {
        Start: {
          type: "Workflow",
          inputs: {
            host: { triggerName: "manual", workflow: { id: ref(flow.workflow, "id") } },
            body: flowRequest(scope, schedule),
          },
          runAfter: {},
        },
      },
      dependsOn: [],
    });
    resources.push(app);
    made[schedule.name] = app;
    jobNames[schedule.name] = flow.firstJobs;
  }
  return { resources, made, jobNames };
}

/** The job's call with what the schedule changes. */
function merged(scope: Scope, job: PlannedJob, schedule: Schedule): ContainerCall {
  const { args, env } = scheduleCall(scope.plan, job, schedule);
  return { args, env: { ...jobCall(scope.plan, job).env, ...env } };
}

/** A Recurrence as a trigger. Its start lies in the past: without one, Azure would start the app once as it is made. */
function recurrenceTrigger({ recurrence, condition }: RenderedRecurrence): RenderedValue {
  return {
    type: "Recurrence",
    recurrence: { ...recurrence, startTime: "2026-01-01T00:00:00" },
    ...(condition === undefined ? {} : { conditions: [{ expression: `@${condition}` }] }),
  };
}

/** Starts a job as it is. Azure's own retries of the request are for a start that failed: nothing has run then. */
function start(by: Text, job: Text): RenderedValue {
  return {
    type: "Http",
    inputs: {
      method: "POST",
      uri: text`https://management.azure.com${job}/start?api-version=${jobsApi}`,
      authentication: signIn(by, management),
    },
    runAfter: {},
  };
}

/** What a schedule tells its flow; flows.ts reads it. */
function flowRequest(scope: Scope, schedule: Schedule): RenderedValue {
  const [first] = jobsOf(scope.plan, schedule.tasks);
  if (!first) throw new Error(`schedule ${schedule.name} selects no job`);
  const { args, env } = scheduleCall(scope.plan, first, { ...schedule, tasks: [] });
  // Between `run --no-retries` and the names of tasks.
  const options = args.slice(2, args.length - first.tasks.length);
  return {
    options: literal(options.map((option) => `,${JSON.stringify(option)}`).join("")),
    env: [
      ...Object.entries(env).map(([name, value]) => ({ name, value: literal(value) })),
      { name: "HANDOFF_SCHEDULED_AT", value: `@{formatDateTime(${scheduledTime}, 'yyyy-MM-ddTHH:mm:00Z')}` },
    ],
  };
}
