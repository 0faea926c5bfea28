/** How runs end, as EventBridge tells it: which events mean what, and what is said about them. */
import type { NotificationEvent } from "../../model/project.js";
import { isOrchestrated } from "../flows.js";
import { type RenderedResource, type RenderedValue, ref } from "../rendering.js";
import { errors } from "./asl.js";
import { nameOf } from "./names.js";
import { aws } from "./resources.js";
import type { MadeSchedules } from "./schedules.js";
import type { Scope } from "./scope.js";

/** What is said: `<name>` in lines and fields is a path of the event. */
export interface Message {
  readonly paths: Readonly<Record<string, string>>;
  /** For people; without quotes and backslashes, which the templates add. */
  readonly lines: readonly string[];
  /** For programs: JSON, or a path. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface EventSource {
  /** Unique among sources. */
  readonly id: string;
  readonly event: NotificationEvent;
  readonly pattern: RenderedValue;
  readonly message: Message;
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
  const [job] = scope.plan.jobs;
  const link = consoleLink(scope, `ecs/v2/clusters/${nameOf(scope.plan, "cluster")}/tasks`);
  const message = (verb: string, event: NotificationEvent): Message => ({
    paths: { code: "$.detail.containers[0].exitCode", task: "$.detail.taskArn", time: "$.time" },
    lines: [`${who(scope)}: job ${plain(job?.name ?? "")} ${verb} at <time>. Task: <task>`, link],
    fields: { ...about(scope, event), task: "<task>", time: "<time>" },
  });
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
      message: message("failed (exit code <code>)", "failure"),
    },
    {
      id: "timeout",
      event: "timeout",
      pattern: stopped(exited([timedOut])),
      message: message("timed out", "timeout"),
    },
    {
      id: "success",
      event: "success",
      pattern: stopped(exited([0])),
      message: message("succeeded", "success"),
    },
  ];
}

/** granularity task: the execution's end, after the last retry of its last job. */
function flowEnds(scope: Scope, machines: readonly RenderedValue[]): EventSource[] {
  const { lines, ...rest } = executionMessage(scope);
  const said = (verb: string, event: NotificationEvent): Message => ({
    ...rest,
    lines: [`${who(scope)}: the run <run> ${verb} at <time>. Execution: <execution>`, ...lines],
    fields: { ...about(scope, event), ...rest.fields },
  });
  return [
    {
      id: "failure",
      event: "failure",
      pattern: ended(machines, [
        { status: ["FAILED"], error: [{ "anything-but": [errors.timeout] }] },
        { status: ["FAILED"], error: [null] },
        { status: ["ABORTED"] },
      ]),
      message: said("failed", "failure"),
    },
    {
      id: "timeout",
      event: "timeout",
      pattern: ended(machines, [{ status: ["FAILED"], error: [errors.timeout] }, { status: ["TIMED_OUT"] }]),
      message: said("timed out", "timeout"),
    },
    {
      id: "success",
      event: "success",
      pattern: ended(machines, [{ status: ["SUCCEEDED"] }]),
      message: said("succeeded", "success"),
    },
  ];
}

/** Runs of triggers that never began; those that began have an end of their own. */
function notStarted(scope: Scope, machines: readonly RenderedValue[]): EventSource[] {
  if (machines.length === 0) return [];
  const { lines, ...rest } = executionMessage(scope);
  return [
    {
      id: "notstarted",
      event: "failure",
      pattern: ended(machines, [{ status: ["FAILED"], error: [errors.notStarted] }]),
      message: {
        ...rest,
        lines: [
          `${who(scope)}: a message could not start a run at <time>; it is in the dead-letter queue. Execution: <execution>`,
          ...lines,
        ],
        fields: { ...about(scope, "failure"), ...rest.fields },
      },
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

function executionMessage(scope: Scope): Message {
  return {
    paths: {
      execution: "$.detail.executionArn",
      run: "$.detail.name",
      status: "$.detail.status",
      time: "$.time",
    },
    lines: [consoleLink(scope, "states/home")],
    fields: { execution: "<execution>", status: "<status>", time: "<time>" },
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
    message: {
      paths: { time: "$.time" },
      lines: [
        `${who(scope)}: a schedule could not start its job before <time>. Its call is in the queue ${nameOf(plan, "queue", "missed")}`,
        consoleLink(scope, "sqs/v3/home"),
      ],
      fields: { ...about(scope, "missed"), time: "<time>" },
    },
  };
  return { alarm, source };
}

/** What every message says. */
function about({ plan }: Scope, event: NotificationEvent): Record<string, string> {
  return {
    event: JSON.stringify(event),
    project: JSON.stringify(plain(plan.spec.project.name)),
    client: JSON.stringify(plain(plan.settings.client)),
    stack: JSON.stringify(plain(plan.settings.stack)),
  };
}

function who({ plan }: Scope): string {
  return `${plain(plan.spec.project.name)} (${plain(plan.settings.client)})`;
}

/** Without what means something in a template: quotes, backslashes, `<name>`. */
function plain(text: string): string {
  return text.replace(/["\\<>\p{Cc}]/gu, "_");
}

function consoleLink({ region }: Scope, path: string): string {
  return `https://${region}.console.aws.amazon.com/${path}?region=${region}`;
}
