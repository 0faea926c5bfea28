/**
 * Triggers: a message in a queue starts a state machine, which runs the job or the flow and puts the message into the
 * dead-letter queue when that fails. A pipe by itself deletes a message as soon as the task is accepted, so its own
 * dead-letter path never sees a failed run.
 */
import type { Trigger } from "../../model/project.js";
import { triggerCall } from "../container.js";
import { flowFor, isOrchestrated, jobsOf } from "../flows.js";
import { json, type RenderedResource, type RenderedValue, ref } from "../rendering.js";
import { asValue, errors, type Machine, type State, startRetrier } from "./asl.js";
import {
  deliverLogs,
  flowInput,
  flowLogs,
  type MadeFlows,
  platformGraceSeconds,
  runParameters,
  runTask,
  states,
  watchStatements,
} from "./flows.js";
import { arn, role, type Statement } from "./identity.js";
import { type MadeCluster, type MadeJob, startStatements } from "./job.js";
import { nameOf } from "./names.js";
import type { Network } from "./network.js";
import { aws } from "./resources.js";
import type { Scope } from "./scope.js";

/** Times that a message is handed out without a run being started, before it counts as dead. */
const maxReceives = 5;

export interface TriggerParts {
  readonly cluster: MadeCluster;
  readonly network: Network;
  readonly jobs: readonly MadeJob[];
  readonly flows: MadeFlows;
}

export interface MadeTriggers {
  readonly resources: readonly RenderedResource[];
  /** By the trigger's name. */
  readonly queues: Readonly<
    Record<string, { readonly url: RenderedValue; readonly deadLetters: RenderedValue }>
  >;
  readonly machines: readonly RenderedValue[];
}

export function triggers(scope: Scope, parts: TriggerParts): MadeTriggers {
  const resources: RenderedResource[] = [];
  const machines: RenderedValue[] = [];
  const queues: Record<string, { url: RenderedValue; deadLetters: RenderedValue }> = {};
  for (const trigger of scope.plan.triggers) {
    const made = one(scope, trigger, parts);
    resources.push(...made.resources);
    machines.push(made.machine);
    queues[trigger.name] = made.queues;
  }
  return { resources, machines, queues };
}

function one(scope: Scope, trigger: Trigger, parts: TriggerParts) {
  const { plan, parent, tags } = scope;
  const { name } = trigger;
  const deadLetters = aws("aws:sqs/queue:Queue", scope.resource("deadletters", name), parent, {
    name: nameOf(plan, "queue", name, "dead"),
    messageRetentionSeconds: 1_209_600,
    sqsManagedSseEnabled: true,
    tags,
  });
  const queue = aws("aws:sqs/queue:Queue", scope.resource("queue", name), parent, {
    name: nameOf(plan, "queue", name),
    messageRetentionSeconds: 1_209_600,
    visibilityTimeoutSeconds: 60,
    sqsManagedSseEnabled: true,
    redrivePolicy: json({ deadLetterTargetArn: ref(deadLetters, "arn"), maxReceiveCount: maxReceives }),
    tags,
  });
  const runner = role(scope, {
    kind: "trigger",
    job: name,
    service: states,
    confined: true,
    statements: [
      ...runStatements(scope, trigger, parts),
      { Sid: "KeepDead", Effect: "Allow", Action: "sqs:SendMessage", Resource: ref(deadLetters, "arn") },
      deliverLogs,
    ],
  });
  const { logs, logging } = flowLogs(scope, `trigger-${name}`);
  const machine = aws(
    "aws:sfn/stateMachine:StateMachine",
    scope.resource("trigger", name),
    parent,
    {
      name: nameOf(plan, "stateMachine", "trigger", name),
      type: "STANDARD",
      roleArn: runner.arn,
      definition: json(asValue(triggerMachine(scope, trigger, parts, ref(deadLetters, "url")))),
      loggingConfiguration: logging,
      tags,
    },
    {
      dependsOn: [
        ...new Set([runner.ready, parts.cluster.capacity.name, ...parts.jobs.flatMap(({ ready }) => ready)]),
      ],
    },
  );
  const carrier = role(scope, {
    kind: "pipe",
    job: name,
    service: "pipes.amazonaws.com",
    confined: true,
    statements: [
      {
        Sid: "TakeMessages",
        Effect: "Allow",
        Action: ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
        Resource: ref(queue, "arn"),
      },
      { Sid: "StartRun", Effect: "Allow", Action: "states:StartExecution", Resource: ref(machine, "arn") },
    ],
  });
  const pipe = aws(
    "aws:pipes/pipe:Pipe",
    scope.resource("carrier", name),
    parent,
    {
      name: nameOf(plan, "pipe", name),
      roleArn: carrier.arn,
      source: ref(queue, "arn"),
      sourceParameters: { sqsQueueParameters: { batchSize: 1 } },
      target: ref(machine, "arn"),
      targetParameters: { stepFunctionStateMachineParameters: { invocationType: "FIRE_AND_FORGET" } },
      desiredState: "RUNNING",
      tags,
    },
    { dependsOn: [carrier.ready] },
  );
  return {
    resources: [deadLetters, queue, ...runner.resources, logs, machine, ...carrier.resources, pipe],
    machine: ref(machine, "arn"),
    queues: { url: ref(queue, "url"), deadLetters: ref(deadLetters, "url") },
  };
}

function runStatements(scope: Scope, trigger: Trigger, parts: TriggerParts): Statement[] {
  if (!isOrchestrated(scope.plan)) {
    return [...startStatements(scope, parts.cluster, parts.jobs), ...watchStatements(scope, parts.cluster)];
  }
  const flow = flowFor(scope.plan, trigger.tasks);
  return [
    {
      Sid: "StartFlow",
      Effect: "Allow",
      Action: "states:StartExecution",
      Resource: parts.flows.arnOf(flow),
    },
    {
      Sid: "WatchFlows",
      Effect: "Allow",
      Action: ["states:DescribeExecution", "states:StopExecution"],
      Resource: arn(scope, "states", `execution:${nameOf(scope.plan, "stateMachine", flow.name)}:*`),
    },
    {
      Sid: "HearOfFlows",
      Effect: "Allow",
      Action: ["events:DescribeRule", "events:PutRule", "events:PutTargets"],
      Resource: arn(scope, "events", "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"),
    },
  ];
}

/** A pipe hands over a list of one message, its body as text (EventBridge Pipes user guide, "batching"). */
export function triggerMachine(
  scope: Scope,
  trigger: Trigger,
  parts: TriggerParts,
  deadLetters: RenderedValue,
): Machine {
  // The cause of a run that was started and failed is the run itself; other causes are those of a start that failed.
  const wasStarted = isOrchestrated(scope.plan) ? '*"ExecutionArn":*' : '*"TaskArn":*';
  return {
    Comment: `a message of ${trigger.name}`,
    StartAt: "Message",
    States: {
      Message: { Type: "Pass", Parameters: { "message.$": "$[0]" }, Next: "Run" },
      Run: runState(scope, trigger, parts),
      Done: { Type: "Succeed" },
      "Dead letter": {
        Type: "Task",
        Resource: `arn:${scope.partition}:states:::sqs:sendMessage`,
        Parameters: {
          QueueUrl: deadLetters,
          "MessageBody.$": "$.message.body",
          MessageAttributes: {
            "handoff-execution": { DataType: "String", "StringValue.$": "$$.Execution.Id" },
          },
        },
        ResultPath: null,
        Retry: [{ ErrorEquals: ["States.ALL"], IntervalSeconds: 5, MaxAttempts: 5, BackoffRate: 2 }],
        Next: "Was it started?",
      },
      "Was it started?": {
        Type: "Choice",
        Choices: [{ Variable: "$.error.Cause", StringMatches: wasStarted, Next: "It failed" }],
        Default: "It was not started",
      },
      "It failed": { Type: "Fail", Error: errors.failure, CausePath: "$.error.Cause" },
      "It was not started": { Type: "Fail", Error: errors.notStarted, CausePath: "$.error.Cause" },
    },
  };
}

function runState(scope: Scope, trigger: Trigger, parts: TriggerParts): State {
  const { plan } = scope;
  const environment = [
    { Name: "HANDOFF_MESSAGE", "Value.$": "$.message.body" },
    // A flow's own execution is its run.
    ...(isOrchestrated(plan) ? [] : [{ Name: "HANDOFF_RUN_ID", "Value.$": "$$.Execution.Name" }]),
    { Name: "HANDOFF_SCHEDULED_AT", "Value.$": "$$.Execution.StartTime" },
    { Name: "HANDOFF_TRIGGER", Value: trigger.name },
  ];
  const common = {
    Type: "Task",
    ResultPath: null,
    Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: "$.error", Next: "Dead letter" }],
    Next: "Done",
  } as const;
  if (isOrchestrated(plan)) {
    const flow = flowFor(plan, trigger.tasks);
    const input = flowInput(flow, (job) => triggerCall(plan, job, trigger).args, {});
    return {
      ...common,
      Resource: `arn:${scope.partition}:states:::states:startExecution.sync:2`,
      Parameters: {
        StateMachineArn: parts.flows.arnOf(flow),
        Input: {
          ...(input as object),
          environment,
          "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id",
        },
      },
    };
  }
  const [job] = jobsOf(plan, trigger.tasks);
  if (!job) throw new Error(`trigger ${trigger.name} starts no job`);
  return {
    ...common,
    Resource: runTask(scope),
    Parameters: runParameters(scope, parts, job, {
      Command: [...triggerCall(plan, job, trigger).args],
      Environment: environment,
    }),
    ...(job.timeoutSeconds === undefined
      ? {}
      : { TimeoutSeconds: Math.ceil(job.timeoutSeconds) + platformGraceSeconds }),
    // The runner retries tasks: only a start that failed is tried again here.
    Retry: [startRetrier],
  };
}
