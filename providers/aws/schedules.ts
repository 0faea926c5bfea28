/** Schedules: EventBridge Scheduler starts the job, or the flow of jobs. */
import type { Schedule } from "../../model/project.js";
import { scheduleCall } from "../container.js";
import { flowFor, isOrchestrated, jobsOf } from "../flows.js";
import { json, type RenderedResource, type RenderedValue, ref } from "../rendering.js";
import { flowInput, type MadeFlows } from "./flows.js";
import { role, type Statement } from "./identity.js";
import { containerName, type MadeCluster, type MadeJob, startStatements } from "./job.js";
import { schedulerLaunch } from "./launch.js";
import { nameOf } from "./names.js";
import type { Network } from "./network.js";
import { aws } from "./resources.js";
import { renderSchedules } from "./schedule.js";
import type { Scope } from "./scope.js";

/** Instant that a schedule fired for: Scheduler puts it in place of this (its user guide; ISO 8601). */
const scheduledTime = "<aws.scheduler.scheduled-time>";

/**
 * Of the call that starts a run, not of the run: an hour of tries, then it counts as missed. The defaults are the maxima, a
 * day and 185 tries.
 */
const delivery = { maximumRetryAttempts: 20, maximumEventAgeInSeconds: 3600 } as const;

export interface ScheduleParts {
  readonly cluster: MadeCluster;
  readonly network: Network;
  readonly jobs: readonly MadeJob[];
  readonly flows: MadeFlows;
}

export interface MadeSchedules {
  readonly resources: readonly RenderedResource[];
  /** Calls that were given up; undefined without schedules. */
  readonly deadLetters?: { readonly name: RenderedValue; readonly url: RenderedValue };
  readonly group?: RenderedValue;
  /** By the schedule's name: the physical names of what it became. */
  readonly names: Readonly<Record<string, readonly string[]>>;
}

export function schedules(scope: Scope, parts: ScheduleParts): MadeSchedules {
  const { plan, parent, tags } = scope;
  if (plan.schedules.length === 0) return { resources: [], names: {} };
  const group = aws("aws:scheduler/scheduleGroup:ScheduleGroup", scope.resource("schedulegroup"), parent, {
    name: nameOf(plan, "scheduleGroup"),
    tags,
  });
  const deadLetters = aws("aws:sqs/queue:Queue", scope.resource("missed"), parent, {
    name: nameOf(plan, "queue", "missed"),
    messageRetentionSeconds: 1_209_600,
    sqsManagedSseEnabled: true,
    tags,
  });
  const caller = role(scope, {
    kind: "scheduler",
    service: "scheduler.amazonaws.com",
    confined: true,
    statements: [
      ...starts(scope, parts),
      {
        Sid: "ReportMissed",
        Effect: "Allow",
        Action: "sqs:SendMessage",
        Resource: ref(deadLetters, "arn"),
      },
    ],
  });
  // Without a prototype: a schedule may be called `constructor`.
  const names: Record<string, string[]> = Object.create(null);
  const made = plan.schedules.flatMap((schedule) =>
    renderSchedules(schedule).map((expression, index) => {
      // Where either day field may match there are two; the second has a name of its own.
      const part = index === 0 ? [schedule.name] : [schedule.name, "weekdays"];
      const name = nameOf(plan, "schedule", ...part);
      names[schedule.name] = [...(names[schedule.name] ?? []), name];
      return aws(
        "aws:scheduler/schedule:Schedule",
        scope.resource(index === 0 ? "schedule" : "scheduleweekdays", schedule.name),
        parent,
        {
          name,
          groupName: ref(group, "name"),
          description: (schedule.description ?? "").slice(0, 512) || undefined,
          scheduleExpression: expression,
          scheduleExpressionTimezone: schedule.timezone,
          flexibleTimeWindow: { mode: "OFF" },
          state: schedule.enabled ? "ENABLED" : "DISABLED",
          target: {
            ...target(scope, schedule, parts),
            roleArn: caller.arn,
            retryPolicy: delivery,
            deadLetterConfig: { arn: ref(deadLetters, "arn") },
          },
        },
        { dependsOn: [caller.ready, ...ready(parts)] },
      );
    }),
  );
  return {
    resources: [group, deadLetters, ...caller.resources, ...made],
    deadLetters: { name: ref(deadLetters, "name"), url: ref(deadLetters, "url") },
    group: ref(group, "name"),
    names,
  };
}

function starts(scope: Scope, { cluster, jobs, flows }: ScheduleParts): Statement[] {
  if (!isOrchestrated(scope.plan)) return startStatements(scope, cluster, jobs);
  return [{ Sid: "StartFlows", Effect: "Allow", Action: "states:StartExecution", Resource: flows.arns }];
}

function ready({ jobs, flows, cluster }: ScheduleParts): string[] {
  return [cluster.capacity.name, ...jobs.flatMap((made) => made.ready), ...flows.ready];
}

function target(scope: Scope, schedule: Schedule, parts: ScheduleParts) {
  const { plan } = scope;
  if (isOrchestrated(plan)) {
    const flow = flowFor(plan, schedule.tasks);
    return { arn: parts.flows.arnOf(flow) as string, input: json(scheduledFlow(scope, schedule)) };
  }
  const [made] = parts.jobs;
  if (!made) throw new Error("a plan has at least one job");
  return {
    arn: parts.cluster.arn,
    input: json(scheduledOverrides(scope, schedule)),
    ecsParameters: {
      taskDefinitionArn: made.definition as string,
      ...schedulerLaunch(scope, parts.network),
    },
  };
}

/** Overrides of RunTask; Scheduler hands `input` on as such (seen in public code, terraform-aws #34057; UNCONFIRMED). */
export function scheduledOverrides({ plan }: Pick<Scope, "plan">, schedule: Schedule) {
  const [job] = jobsOf(plan, schedule.tasks);
  if (!job) throw new Error(`schedule ${schedule.name} starts no job`);
  const call = scheduleCall(plan, job, schedule);
  return {
    containerOverrides: [
      {
        name: containerName,
        command: [...call.args],
        environment: Object.entries(scheduledEnv(call.env)).map(([name, value]) => ({ name, value })),
      },
    ],
  };
}

/** Input of the flow's state machine. */
export function scheduledFlow({ plan }: Pick<Scope, "plan">, schedule: Schedule): RenderedValue {
  const flow = flowFor(plan, schedule.tasks);
  return flowInput(
    flow,
    (job) => scheduleCall(plan, job, schedule).args,
    scheduledEnv({ HANDOFF_SCHEDULE: schedule.name }),
  );
}

function scheduledEnv(env: Readonly<Record<string, string>>): Record<string, string> {
  return { ...env, HANDOFF_SCHEDULED_AT: scheduledTime };
}
