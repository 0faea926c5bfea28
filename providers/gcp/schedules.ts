/** A job of Cloud Scheduler for each schedule: it starts the job, or the flow where jobs depend on each other. */
import type { Schedule } from "../../model/project.js";
import { scheduleCall } from "../container.js";
import { flowFor, isOrchestrated } from "../flows.js";
import { base64, json, type RenderedResource, type RenderedValue, ref, text } from "../rendering.js";
import { callsOf, type FlowWorkflow, overrideOf } from "./flows.js";
import { type Account, accountOf, grantOnJob, grantOnProject } from "./identity.js";
import type { Job } from "./job.js";
import { nameOf } from "./names.js";
import { gcp } from "./resources.js";
import { renderSchedules as expressionsOf } from "./schedule.js";
import { namesOf, type Scope, type Text } from "./scope.js";

/** Attempts at a start after the first. Only a request that got no answer or an error is made again. */
export const startRetries = 2;

export interface Schedules {
  readonly resources: readonly RenderedResource[];
  /** Of the schedules, in their order. */
  readonly jobs: readonly RenderedResource[];
}

export function schedules(scope: Scope, jobs: readonly Job[], workflows: readonly FlowWorkflow[]): Schedules {
  const { plan } = scope;
  if (plan.schedules.length === 0) return { resources: [], jobs: [] };
  const account = accountOf(scope, "scheduler", [], "the scheduler");
  const grants = isOrchestrated(plan)
    ? [grantOnProject(scope, "scheduler", account, "roles/workflows.invoker")]
    : jobs.map((job) => grantOnJob(scope, job, "scheduler", account));
  const made = plan.schedules.flatMap((schedule) =>
    scheduleJobs(scope, schedule, account, target(scope, schedule, jobs, workflows), namesOf(grants)),
  );
  return { resources: [account, ...grants, ...made], jobs: made };
}

interface Target {
  readonly uri: Text;
  readonly body: RenderedValue;
}

function target(
  { plan }: Scope,
  schedule: Schedule,
  jobs: readonly Job[],
  workflows: readonly FlowWorkflow[],
): Target {
  const call = (job: (typeof plan.jobs)[number]) => scheduleCall(plan, job, schedule);
  if (isOrchestrated(plan)) {
    const flow = flowFor(plan, schedule.tasks);
    const found = workflows.find(({ name }) => name === flow.name);
    if (!found) throw new Error(`no workflow for schedule ${schedule.name}`);
    return {
      uri: text`https://workflowexecutions.googleapis.com/v1/${ref(found.workflow, "id")}/executions`,
      body: json({ argument: json({ calls: callsOf(flow.jobs, call) }) }),
    };
  }
  const [job] = jobs;
  const [planned] = plan.jobs;
  if (!job || !planned) throw new Error("a project of no job has no schedule");
  return {
    uri: text`https://run.googleapis.com/v2/${ref(job, "id")}:run`,
    body: json({ overrides: { containerOverrides: [overrideOf(call(planned))] } }),
  };
}

function scheduleJobs(
  { plan, name, parent, project, region }: Scope,
  schedule: Schedule,
  account: Account,
  { uri, body }: Target,
  dependsOn: readonly string[],
): RenderedResource[] {
  const all = expressionsOf(schedule);
  return all.map(({ expression, timezone }, index) => {
    // One expression is enough for Cloud Scheduler, and has the schedule's own name.
    const parts = index === 0 ? [schedule.name] : [schedule.name, String(index + 1)];
    return gcp(
      "gcp:cloudscheduler/job:Job",
      name("schedule", ...parts),
      parent,
      {
        name: nameOf(plan, "schedulerJob", ...parts),
        project,
        region,
        ...(schedule.description === undefined ? {} : { description: schedule.description.slice(0, 500) }),
        schedule: expression,
        timeZone: timezone,
        paused: !schedule.enabled,
        attemptDeadline: "60s",
        retryConfig: {
          retryCount: startRetries,
          minBackoffDuration: "30s",
          maxBackoffDuration: "60s",
          maxDoublings: 1,
          maxRetryDuration: "0s",
        },
        httpTarget: {
          httpMethod: "POST",
          uri,
          headers: { "Content-Type": "application/json" },
          body: base64(body),
          oauthToken: { serviceAccountEmail: ref(account, "email") },
        },
      },
      { dependsOn },
    );
  });
}
