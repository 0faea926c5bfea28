/**
 * granularity task: Step Functions orders and retries the jobs, one state machine for each selection that a schedule or
 * trigger makes.
 *
 * Jobs are put into levels, each job in the first level after all that it depends on; a level is a Parallel state, and starts
 * when the one before is done. A job runs when what it depends on succeeded, else it is skipped; what doesn't depend on a
 * failed job goes on. The execution fails at its end when any job failed.
 */

import { physicalName } from "../../model/names.js";
import type { PlannedJob } from "../../model/plan-types.js";
import { jobCall } from "../container.js";
import { type Flow, flowsOf, levelsOf } from "../flows.js";
import { json, type RenderedResource, type RenderedValue, ref, text } from "../rendering.js";
import {
  asValue,
  type Catcher,
  errors,
  exitedByTimeout,
  type Machine,
  type Retrier,
  type State,
  startRetrier,
  type Test,
} from "./asl.js";
import { arn, role, type Statement } from "./identity.js";
import { containerName, type MadeCluster, type MadeJob, startStatements } from "./job.js";
import { statesLaunch } from "./launch.js";
import { flowLogGroupName, nameOf, names } from "./names.js";
import type { Network } from "./network.js";
import { aws } from "./resources.js";
import { retention } from "./retention.js";
import type { Scope } from "./scope.js";

/** Behind the runner's own time-out: it stops its tasks, pushes artifacts and exits with 124 before. */
export const platformGraceSeconds = 120;

export interface FlowParts {
  readonly cluster: MadeCluster;
  readonly network: Network;
  readonly jobs: readonly MadeJob[];
}

export interface MadeFlows {
  readonly resources: readonly RenderedResource[];
  readonly arns: readonly RenderedValue[];
  /** Resources that must be there before a flow is started. */
  readonly ready: readonly string[];
  /** Flow's name to its ARN. */
  readonly machines: Readonly<Record<string, RenderedValue>>;
  arnOf(flow: Flow): RenderedValue;
}

export function flows(scope: Scope, parts: FlowParts): MadeFlows {
  const all = flowsOf(scope.plan);
  const machines: Record<string, RenderedValue> = {};
  const arnOf = (flow: Flow): RenderedValue => {
    const found = machines[flow.name];
    if (found === undefined) throw new Error(`no state machine is made for ${flow.name}`);
    return found;
  };
  if (all.length === 0) return { resources: [], arns: [], ready: [], machines, arnOf };
  const orchestrator = role(scope, {
    kind: "flows",
    service: states,
    confined: true,
    statements: [
      ...startStatements(scope, parts.cluster, parts.jobs),
      ...watchStatements(scope, parts.cluster),
      deliverLogs,
    ],
  });
  const ready = parts.jobs.flatMap((made) => made.ready);
  const resources: RenderedResource[] = [...orchestrator.resources];
  const made: string[] = [];
  for (const flow of all) {
    const { logs, logging } = flowLogs(scope, flow.name);
    const machine = aws(
      "aws:sfn/stateMachine:StateMachine",
      scope.resource("flow", flow.name),
      scope.parent,
      {
        name: nameOf(scope.plan, "stateMachine", flow.name),
        type: "STANDARD",
        roleArn: orchestrator.arn,
        definition: json(asValue(flowMachine(scope, flow, parts))),
        loggingConfiguration: logging,
        tags: scope.tags,
      },
      { dependsOn: [...new Set([orchestrator.ready, parts.cluster.capacity.name, ...ready])] },
    );
    machines[flow.name] = ref(machine, "arn");
    made.push(machine.name);
    resources.push(logs, machine);
  }
  return { resources, arns: Object.values(machines), ready: made, machines, arnOf };
}

export const states = "states.amazonaws.com";

/** What `.sync` needs beside starting tasks (Step Functions' developer guide, "Amazon ECS"). */
export function watchStatements(scope: Scope, { name }: MadeCluster): Statement[] {
  return [
    {
      Sid: "WatchRuns",
      Effect: "Allow",
      Action: ["ecs:DescribeTasks", "ecs:StopTask"],
      Resource: arn(scope, "ecs", text`task/${name}/*`),
    },
    {
      Sid: "HearOfRuns",
      Effect: "Allow",
      Action: ["events:DescribeRule", "events:PutRule", "events:PutTargets"],
      Resource: arn(scope, "events", "rule/StepFunctionsGetEventsForECSTaskRule"),
    },
  ];
}

export const deliverLogs: Statement = {
  Sid: "DeliverLogs",
  Effect: "Allow",
  Action: [
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
  ],
  Resource: "*",
};

/** Events of a state machine, without its data: a message's body may be in there. */
export function flowLogs(scope: Scope, name: string) {
  const logs = aws("aws:cloudwatch/logGroup:LogGroup", scope.resource("flowlogs", name), scope.parent, {
    name: flowLogGroupName(scope.plan, name),
    retentionInDays: retention(scope.plan.settings.logRetentionDays),
    tags: scope.tags,
  });
  const logging = {
    level: "ERROR",
    includeExecutionData: false,
    logDestination: text`${ref(logs, "arn")}:*`,
  };
  return { logs, logging };
}

/** What starts a flow: a command for each of its jobs, in its order, and variables for all of them. */
export function flowInput(
  flow: Flow,
  command: (job: PlannedJob) => readonly string[],
  env: Readonly<Record<string, string>>,
): RenderedValue {
  return {
    calls: flow.jobs.map((job) => ({ command: [...command(job)] })),
    environment: Object.entries(env).map(([Name, Value]) => ({ Name, Value })),
  };
}

/** Where a job's result is in the execution's data. */
function resultPaths(levels: readonly (readonly PlannedJob[])[]): ReadonlyMap<string, `$${string}`> {
  return new Map(
    levels.flatMap((level, index) =>
      level.map(({ name }, place) => [name, `$.results.level${index + 1}[${place}].status`] as const),
    ),
  );
}

/** One run for all jobs and their retries: they share the schedule's lease, and are found as one. */
const runIdentity = [{ Name: "HANDOFF_RUN_ID", "Value.$": "$$.Execution.Name" }];

export function flowMachine(scope: Scope, flow: Flow, parts: FlowParts): Machine {
  const levels = levelsOf(flow.jobs);
  const paths = resultPaths(levels);
  const levelName = (index: number) => (index < levels.length ? `Level ${index + 1}` : "How did it end?");
  const anyJob = (status: string): Test[] =>
    [...paths.values()].map((Variable) => ({ Variable, StringEquals: status }));
  const levelStates = levels.map((level, index): [string, State] => [
    levelName(index),
    {
      Type: "Parallel",
      Branches: level.map((job) => branch(scope, flow, job, paths, parts)),
      ResultPath: `$.results.level${index + 1}`,
      Next: levelName(index + 1),
    },
  ]);
  return {
    Comment: `${scope.plan.spec.project.name}: ${flow.jobs.map(({ name }) => name).join(", ")}`.slice(0, 500),
    StartAt: "Is it called?",
    States: {
      // Started by hand with `{}`, it runs as it is deployed.
      "Is it called?": {
        Type: "Choice",
        Choices: [{ Variable: "$.calls", IsPresent: true, Next: "As called" }],
        Default: "As deployed",
      },
      "As called": {
        Type: "Pass",
        Parameters: {
          "calls.$": "$.calls",
          environment: [{ "list.$": "$.environment" }, { list: runIdentity }],
        },
        Next: levelName(0),
      },
      "As deployed": {
        Type: "Pass",
        Parameters: {
          calls: flow.jobs.map((job) => ({ command: [...jobCall(scope.plan, job).args] })),
          environment: [
            { list: [{ Name: "HANDOFF_SCHEDULED_AT", "Value.$": "$$.Execution.StartTime" }] },
            { list: runIdentity },
          ],
        },
        Next: levelName(0),
      },
      ...Object.fromEntries(levelStates),
      "How did it end?": {
        Type: "Choice",
        Choices: [
          { Or: anyJob("failure"), Next: "A job failed" },
          { Or: anyJob("timeout"), Next: "A job timed out" },
        ],
        Default: "All is well",
      },
      "A job failed": { Type: "Fail", Error: errors.failure, CausePath: "States.JsonToString($.results)" },
      "A job timed out": { Type: "Fail", Error: errors.timeout, CausePath: "States.JsonToString($.results)" },
      "All is well": { Type: "Succeed" },
    },
  };
}

/** One job: run when all that it waits for succeeded; gives `{job, status}`. */
function branch(
  scope: Scope,
  flow: Flow,
  job: PlannedJob,
  paths: ReadonlyMap<string, `$${string}`>,
  parts: FlowParts,
): Machine {
  const base = physicalName(names.state, [job.name]);
  const state = (what: string) => `${base}: ${what}`;
  const ended = (status: string): State => ({ Type: "Pass", Result: { job: job.name, status }, End: true });
  const needed = job.dependsOn.flatMap((other) => paths.get(other) ?? []);
  const waits: Readonly<Record<string, State>> =
    needed.length === 0
      ? {}
      : {
          [state("may it run?")]: {
            Type: "Choice",
            Choices: [
              {
                And: needed.map((Variable) => ({ Variable, StringEquals: "success" })),
                Next: state("run"),
              },
            ],
            Default: state("skipped"),
          },
          [state("skipped")]: ended("skipped"),
        };
  return {
    StartAt: needed.length === 0 ? state("run") : state("may it run?"),
    States: {
      ...waits,
      [state("run")]: {
        Type: "Task",
        Resource: runTask(scope),
        Parameters: runParameters(scope, parts, job, {
          "Command.$": `$.calls[${flow.jobs.indexOf(job)}].command`,
          // One list of the two: wildcards flatten (its developer guide, "Flattening an array of arrays"; here UNCONFIRMED).
          "Environment.$": "$.environment[*].list[*]",
        }),
        ...platformLimit(job),
        ResultPath: null,
        Retry: retriers(job),
        Catch: catchers(state("timed out"), state("why?")),
        Next: state("succeeded"),
      },
      [state("why?")]: {
        Type: "Choice",
        Choices: [{ Variable: "$.error.Cause", StringMatches: exitedByTimeout, Next: state("timed out") }],
        Default: state("failed"),
      },
      [state("succeeded")]: ended("success"),
      [state("failed")]: ended("failure"),
      [state("timed out")]: ended("timeout"),
    },
  };
}

export const runTask = ({ partition }: Scope): string => `arn:${partition}:states:::ecs:runTask.sync`;

export function runParameters(
  scope: Scope,
  { cluster, network, jobs }: FlowParts,
  job: PlannedJob,
  overrides: Readonly<Record<string, RenderedValue>>,
): Readonly<Record<string, RenderedValue>> {
  const made = jobs.find((candidate) => candidate.job.name === job.name);
  if (!made) throw new Error(`no task definition is made for ${job.name}`);
  return {
    Cluster: cluster.arn,
    TaskDefinition: made.definition,
    ...statesLaunch(scope, network),
    Overrides: { ContainerOverrides: [{ Name: containerName, ...overrides }] },
  };
}

/** Seconds after which Step Functions stops one attempt; none where the project gives none (its own maximum is a year). */
function platformLimit({ attemptSeconds }: PlannedJob): { readonly TimeoutSeconds?: number } {
  if (attemptSeconds === undefined) return {};
  return { TimeoutSeconds: Math.ceil(attemptSeconds) + platformGraceSeconds };
}

/** Every failed attempt, whatever its cause, as often as the project says. */
function retriers({ retries }: PlannedJob): Retrier[] {
  if (!retries || retries.max === 0) return [startRetrier];
  return [
    {
      ErrorEquals: ["States.ALL"],
      // Step Functions counts whole seconds, from 1.
      IntervalSeconds: Math.max(1, Math.ceil(retries.delaySeconds)),
      MaxAttempts: retries.max,
      BackoffRate: Math.max(1, retries.backoff),
    },
  ];
}

function catchers(timedOut: string, other: string): Catcher[] {
  return [
    { ErrorEquals: ["States.Timeout"], ResultPath: "$.error", Next: timedOut },
    { ErrorEquals: ["States.ALL"], ResultPath: "$.error", Next: other },
  ];
}
