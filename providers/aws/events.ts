/** How runs end, as EventBridge tells it: which events mean what, and what is said about them. */
import type { NotificationEvent } from "../../model/project.js";
import { isOrchestrated } from "../flows.js";
import { type RenderedResource, type RenderedValue, ref } from "../rendering.js";
import { errors } from "./asl.js";
import { nameOf } from "./names.js";
import { aws } from "./resources.js";
import type { MadeSchedules } from "./schedules.js";
import type { Scope } from "./scope.js";

export interface EventSource {
  /** Unique among sources. */
  readonly id: string;
  readonly event: NotificationEvent;
  readonly pattern: RenderedValue;
  /** Completes the sentence where no run tells what happened. */
  readonly happened: string;
  /** Page of AWS's console. */
  readonly link: string;
}

export interface SourceParts {
  readonly cluster: RenderedValue;
  /** State machines of flows (granularity task). */
  readonly flows: readonly RenderedValue[];
  /** State machines of triggers. */
  readonly triggers: readonly RenderedValue[];
  readonly schedules: MadeSchedules;
}

/** Exit code of a run that the runner stopped for its time-out. */
const timedOut = 124;

/** Those of the wanted events, and what they need. One run ends in one of them: nobody is told twice. */
export function eventSources(
  scope: Scope,
  parts: SourceParts,
  wanted: ReadonlySet<NotificationEvent>,
): { sources: EventSource[]; resources: RenderedResource[] } {
  const ends = isOrchestrated(scope.plan) ? flowEnds(scope, parts.flows) : taskEnds(scope, parts.cluster);
  const { alarm, source } = missed(scope, parts.schedules);
  const sources = [...ends, ...notStarted(scope, parts.triggers), ...(source ? [source] : [])];
  return {
    sources: sources.filter(({ event }) => wanted.has(event)),
    resources: alarm && wanted.has("missed") ? [alarm] : [],
  };
}

/** granularity project: a task's end is the run's, as nobody starts it again. */
function taskEnds(scope: Scope, cluster: RenderedValue): EventSource[] {
  const stopped = (detail: RenderedValue): RenderedValue => ({
    source: ["aws.ecs"],
    "detail-type": ["ECS Task State Change"],
    detail: { clusterArn: [cluster], lastStatus: ["STOPPED"], ...(detail as object) },
  });
  const exited = (rule: RenderedValue): RenderedValue => ({ containers: { exitCode: rule } });
  const link = consoleLink(scope, `ecs/v2/clusters/${nameOf(scope.plan, "cluster")}/tasks`);
  return [
    {
      id: "failure",
      event: "failure",
      // With neither code nor time-out: it was not started, or the machine below it went away. A task that Spot took back
      // has its container's exit code.
      pattern: stopped({
        $or: [
          exited([{ "anything-but": [0, timedOut] }]),
          exited([{ exists: false }]),
          { stopCode: ["TaskFailedToStart"] },
        ],
      }),
      happened: "failed",
      link,
    },
    {
      id: "timeout",
      event: "timeout",
      pattern: stopped(exited([timedOut])),
      happened: "timed out",
      link,
    },
    {
      id: "success",
      event: "success",
      pattern: stopped(exited([0])),
      happened: "succeeded",
      link,
    },
  ];
}

/** granularity task: the execution's end, after the last retry of its last job. */
function flowEnds(scope: Scope, machines: readonly RenderedValue[]): EventSource[] {
  const link = consoleLink(scope, "states/home");
  return [
    {
      id: "failure",
      event: "failure",
      pattern: ended(machines, [
        { status: ["FAILED"], error: [{ "anything-but": [errors.timeout] }] },
        { status: ["FAILED"], error: [null] },
        { status: ["ABORTED"] },
      ]),
      happened: "failed",
      link,
    },
    {
      id: "timeout",
      event: "timeout",
      pattern: ended(machines, [{ status: ["FAILED"], error: [errors.timeout] }, { status: ["TIMED_OUT"] }]),
      happened: "timed out",
      link,
    },
    {
      id: "success",
      event: "success",
      pattern: ended(machines, [{ status: ["SUCCEEDED"] }]),
      happened: "succeeded",
      link,
    },
  ];
}

/** Runs of triggers that never began; those that began have an end of their own. */
function notStarted(scope: Scope, machines: readonly RenderedValue[]): EventSource[] {
  if (machines.length === 0) return [];
  return [
    {
      id: "notstarted",
      event: "failure",
      pattern: ended(machines, [{ status: ["FAILED"], error: [errors.notStarted] }]),
      happened: "a message could not start a run; it is in the dead-letter queue",
      link: consoleLink(scope, "states/home"),
    },
  ];
}

/** `error` and `cause` are in the event's detail as in DescribeExecution (seen in public code; UNCONFIRMED). */
function ended(machines: readonly RenderedValue[], detail: readonly RenderedValue[]): RenderedValue {
  const [only] = detail;
  return {
    source: ["aws.states"],
    "detail-type": ["Step Functions Execution Status Change"],
    detail: {
      stateMachineArn: machines,
      ...(detail.length === 1 ? (only as object) : { $or: detail }),
    },
  };
}

/**
 * An alarm, as a call that was given up is no event: Scheduler's own count, and what it put into the dead-letter queue. It
 * goes back to OK after five minutes, so that the next one is told as well.
 */
function missed(scope: Scope, { deadLetters, group }: MadeSchedules) {
  if (deadLetters === undefined || group === undefined) return { alarm: undefined, source: undefined };
  const { plan, parent, tags } = scope;
  const period = 300;
  const alarm = aws("aws:cloudwatch/metricAlarm:MetricAlarm", scope.resource("missedalarm"), parent, {
    name: nameOf(plan, "alarm", "missed"),
    alarmDescription: `A schedule of ${plan.spec.project.name} (${plan.settings.client}) could not start its job`,
    comparisonOperator: "GreaterThanThreshold",
    threshold: 0,
    evaluationPeriods: 1,
    treatMissingData: "notBreaching",
    metricQueries: [
      {
        id: "missed",
        expression: "MAX([FILL(dropped, 0), FILL(dead, 0)])",
        label: "Calls of schedules that were given up",
        returnData: true,
      },
      {
        id: "dropped",
        metric: {
          namespace: "AWS/Scheduler",
          metricName: "InvocationDroppedCount",
          dimensions: { ScheduleGroup: group as string },
          stat: "Sum",
          period,
        },
      },
      {
        id: "dead",
        metric: {
          namespace: "AWS/SQS",
          metricName: "NumberOfMessagesSent",
          dimensions: { QueueName: deadLetters.name as string },
          stat: "Sum",
          period,
        },
      },
    ],
    tags,
  });
  const source: EventSource = {
    id: "missed",
    event: "missed",
    pattern: {
      source: ["aws.cloudwatch"],
      "detail-type": ["CloudWatch Alarm State Change"],
      resources: [ref(alarm, "arn")],
      detail: { state: { value: ["ALARM"] } },
    },
    happened: `a schedule could not start its job; its call is in the queue ${nameOf(plan, "queue", "missed")}`,
    link: consoleLink(scope, "sqs/v3/home"),
  };
  return { alarm, source };
}

function consoleLink({ region }: Scope, path: string): string {
  return `https://${region}.console.aws.amazon.com/${path}?region=${region}`;
}
