/**
 * The state machine that tells people: EventBridge starts it with an event that somebody wants to hear of. It reads what the
 * runner wrote at the run's end (runner-image/src/ending.ts); of a run that could not write, it says what the platform knows.
 */
import { json, type RenderedResource, type RenderedValue, ref } from "../rendering.js";
import type { Endings } from "./artifacts.js";
import { asValue, type Machine, type Retrier, type State } from "./asl.js";
import { states } from "./flows.js";
import { arn, role, type Statement } from "./identity.js";
import { nameOf } from "./names.js";
import { aws } from "./resources.js";
import type { Scope } from "./scope.js";

export interface NotifierParts {
  readonly endings: Endings;
  /** Topics of mail addresses. */
  readonly topics: readonly RenderedValue[];
  /** Whether somebody wants JSON: it is put on the event bus, from where EventBridge calls webhooks. */
  readonly posts: boolean;
}

/** Source of the events that the notifier puts on the bus. */
export const ownSource = "handoff";

/** What the notifier is started with. */
export interface NotifierInput {
  readonly event: string;
  /** What happened, where no run tells it: completes the sentence. */
  readonly happened: string;
  readonly project: string;
  readonly client: string;
  readonly stack: string;
  /** At the beginning of the sentence. */
  readonly who: string;
  /** Command that reads the log. */
  readonly log: string;
  /** Page of AWS's console. */
  readonly link: string;
  /** Before and after the command, with the lines' ends: those of a literal are in no documentation of States.Format. */
  readonly mail: { readonly before: string; readonly after: string };
  /** Subject of the mail: ASCII, at most 100 characters (SNS). */
  readonly subject: string;
  readonly topics: readonly RenderedValue[];
}

/** Of one notice of a run that told how it ended, to webhooks and one topic: its start, each state, the topic's own. */
export const transitionsOfNotice = 8;

export function notifier(scope: Scope, parts: NotifierParts) {
  const { plan, parent, tags } = scope;
  const statements: Statement[] = [parts.endings.read];
  if (parts.topics.length > 0) {
    statements.push({ Sid: "SendMail", Effect: "Allow", Action: "sns:Publish", Resource: parts.topics });
  }
  if (parts.posts) {
    statements.push({
      Sid: "TellTheBus",
      Effect: "Allow",
      Action: "events:PutEvents",
      Resource: arn(scope, "events", "event-bus/default"),
      Condition: { StringEquals: { "events:source": ownSource } },
    });
  }
  const identity = role(scope, { kind: "notifier", service: states, confined: true, statements });
  const machine = aws(
    "aws:sfn/stateMachine:StateMachine",
    scope.resource("notifier"),
    parent,
    {
      name: nameOf(plan, "stateMachine", "notifier"),
      type: "STANDARD",
      roleArn: identity.arn,
      definition: json(asValue(notifierMachine(scope, parts))),
      tags,
    },
    { dependsOn: [identity.ready] },
  );
  const resources: RenderedResource[] = [...identity.resources, machine];
  return { arn: ref(machine, "arn"), resources };
}

/** A service that doesn't answer for a while; with these the last try is after ten minutes. */
const patient: Retrier = { ErrorEquals: ["States.ALL"], IntervalSeconds: 5, MaxAttempts: 7, BackoffRate: 2 };
/** Nobody is to wait long for a text that may not be there. */
const hasty: Retrier = { ErrorEquals: ["States.ALL"], IntervalSeconds: 1, MaxAttempts: 2, BackoffRate: 2 };

/**
 * `$.from` is EventBridge's event. `$.told` becomes what is said: `summary` for mail, `chat` for JSON, with the run's id, how
 * it ended and its metrics.
 */
export function notifierMachine(scope: Scope, { endings, topics, posts }: NotifierParts): Machine {
  const tell = posts ? "Tell the event bus" : "Send mail";
  const service = (name: string) => `arn:${scope.partition}:states:::${name}`;
  /** What no run told, in AWS's own words where it has some. */
  const known = (parameters: Readonly<Record<string, RenderedValue>>): State => ({
    Type: "Pass",
    Parameters: { runId: "", "status.$": "$.event", metrics: {}, "log.$": "$.log", ...parameters },
    ResultPath: "$.told",
    Next: tell,
  });
  const because = (path: string): State =>
    known({
      "summary.$": `States.Format('{}: {}', $.happened, ${path})`,
      "chat.$": `States.Format('{}: {}', $.happened, ${path})`,
    });
  const exitCode = "$.from.detail.containers[0].exitCode";
  const machine: Record<string, State> = {
    "What ended?": {
      Type: "Choice",
      Choices: [
        { Variable: "$.from.detail.taskArn", IsPresent: true, Next: "A task" },
        { Variable: "$.from.detail.executionArn", IsPresent: true, Next: "A flow" },
      ],
      Default: "Nothing more is known",
    },
    // arn:…:task/CLUSTER/ID
    "A task": {
      Type: "Pass",
      Parameters: { "name.$": "States.ArrayGetItem(States.StringSplit($.from.detail.taskArn, '/'), 2)" },
      ResultPath: "$.run",
      Next: "Read how it ended",
    },
    "A flow": {
      Type: "Pass",
      Parameters: { "name.$": "$.from.detail.name" },
      ResultPath: "$.run",
      Next: "Read how it ended",
    },
    "Read how it ended": {
      Type: "Task",
      Resource: service("aws-sdk:s3:getObject"),
      Parameters: {
        Bucket: endings.bucket,
        "Key.$": `States.Format('${endings.prefix}{}/end', $.run.name)`,
      },
      // The SDK integration gives an object's body as text (seen in public code; UNCONFIRMED).
      ResultSelector: { "end.$": "States.StringToJson($.Body)" },
      ResultPath: "$.read",
      Retry: [hasty],
      Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: "$.unread", Next: "Does AWS say why?" }],
      Next: "Is it that end?",
    },
    "Is it that end?": {
      Type: "Choice",
      Choices: [
        { Variable: "$.read.end.event", StringEqualsPath: "$.event", Next: "As the run told" },
        // A run that did not begin, since another was under way, ends well.
        {
          And: [
            { Variable: "$.event", StringEquals: "success" },
            { Variable: "$.read.end.event", StringEquals: "skipped" },
          ],
          Next: "Nothing to tell",
        },
      ],
      Default: "Does AWS say why?",
    },
    "As the run told": {
      Type: "Pass",
      Parameters: {
        "summary.$": "$.read.end.summary",
        "chat.$": "$.read.end.chat",
        "runId.$": "$.read.end.runId",
        "status.$": "$.read.end.event",
        "metrics.$": "$.read.end.metrics",
        "log.$": "States.Format('{} {}', $.log, $.read.end.runId)",
      },
      ResultPath: "$.told",
      Next: tell,
    },
    "Does AWS say why?": {
      Type: "Choice",
      Choices: [
        { Variable: "$.from.detail.containers[0].reason", IsPresent: true, Next: "The container's reason" },
        { Variable: exitCode, IsPresent: true, Next: "The exit code" },
        { Variable: "$.from.detail.stoppedReason", IsPresent: true, Next: "The task's reason" },
      ],
      Default: "Nothing more is known",
    },
    "The container's reason": because("$.from.detail.containers[0].reason"),
    "The exit code": known({
      "summary.$": `States.Format('{} with exit code {}', $.happened, ${exitCode})`,
      "chat.$": `States.Format('{} with exit code {}', $.happened, ${exitCode})`,
    }),
    "The task's reason": because("$.from.detail.stoppedReason"),
    "Nothing more is known": known({ "summary.$": "$.happened", "chat.$": "$.happened" }),
    "Nothing to tell": { Type: "Succeed" },
  };
  const mails = topics.length > 0;
  if (posts) {
    machine["Tell the event bus"] = {
      Type: "Task",
      Resource: service("events:putEvents"),
      Parameters: { Entries: [busEntry] },
      ResultPath: null,
      Retry: [patient],
      ...(mails
        ? {
            // Mail is sent all the same.
            Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: "$.untold", Next: "Send mail" }],
            Next: "Send mail",
          }
        : { End: true }),
    };
  }
  if (mails) {
    machine["Send mail"] = {
      Type: "Map",
      ItemsPath: "$.topics",
      ItemSelector: {
        "topic.$": "$$.Map.Item.Value",
        "subject.$": "$.subject",
        "text.$":
          "States.Format('{}: {}.{}{}{}', $.who, $.told.summary, $.mail.before, $.told.log, $.mail.after)",
      },
      ItemProcessor: {
        ProcessorConfig: { Mode: "INLINE" },
        StartAt: "To a topic",
        States: {
          "To a topic": {
            Type: "Task",
            Resource: service("sns:publish"),
            Parameters: { "TopicArn.$": "$.topic", "Subject.$": "$.subject", "Message.$": "$.text" },
            ResultPath: null,
            Retry: [patient],
            End: true,
          },
        },
      },
      ResultPath: null,
      End: true,
    };
  }
  return {
    Comment: `Tells how runs of ${scope.plan.spec.project.name} ended`.slice(0, 500),
    StartAt: "What ended?",
    States: machine,
  };
}

/** What webhooks are sent, in `Detail`; the rule knows it by who put it there. */
const busEntry: RenderedValue = {
  Source: ownSource,
  DetailType: "Run ended",
  "Resources.$": "States.Array($$.StateMachine.Id)",
  Detail: {
    schemaVersion: 1,
    "text.$": "States.Format('{}: {}. Log: {}', $.who, $.told.chat, $.told.log)",
    "event.$": "$.event",
    "project.$": "$.project",
    "client.$": "$.client",
    "stack.$": "$.stack",
    "runId.$": "$.told.runId",
    "status.$": "$.told.status",
    "metrics.$": "$.told.metrics",
    "time.$": "$.from.time",
    "link.$": "$.link",
  },
};
