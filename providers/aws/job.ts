/** Jobs: the cluster, and for each job a task definition with its roles and log group. */
import type { PlannedJob } from "../../model/plan-types.js";
import { jobCall } from "../container.js";
import { json, type RenderedResource, type RenderedValue, ref, text } from "../rendering.js";
import { arn, ecsTasks, type Role, role, type Statement } from "./identity.js";
import type { RunnerImage } from "./image.js";
import { deploymentName, familyName, logGroupName, nameOf } from "./names.js";
import type { Network } from "./network.js";
import { aws } from "./resources.js";
import { retention } from "./retention.js";
import type { Scope } from "./scope.js";
import type { Secrets } from "./secrets.js";
import { disk, roundSize } from "./size.js";

/** The one container of each task. */
export const containerName = "runner";

/** Seconds from SIGTERM to SIGKILL: Fargate's most (botocore 1.44.5). */
const stopTimeout = 120;

export function cluster(scope: Scope) {
  const { parent, plan, tags } = scope;
  const made = aws("aws:ecs/cluster:Cluster", scope.resource("cluster"), parent, {
    name: nameOf(plan, "cluster"),
    // An account may have switched the paid metrics on for all new clusters.
    settings: [{ name: "containerInsights", value: "disabled" }],
    tags,
  });
  const capacity = aws(
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
    scope.resource("capacity"),
    parent,
    { clusterName: ref(made, "name"), capacityProviders: ["FARGATE", "FARGATE_SPOT"] },
  );
  return { cluster: made, arn: ref(made, "arn"), name: ref(made, "name"), capacity };
}

export type MadeCluster = ReturnType<typeof cluster>;

export interface JobParts {
  readonly image: RunnerImage;
  readonly secrets: Secrets;
  readonly network: Network;
  /** Plain variables that every job has beside its own: where artifacts and stores are. */
  readonly env: Readonly<Record<string, RenderedValue>>;
  /** What every job may do with artifacts and stores. */
  readonly statements: readonly Statement[];
}

export interface MadeJob {
  readonly job: PlannedJob;
  readonly family: string;
  /** Without the revision: who starts the job gets the newest, and an edit of the job changes the job alone. */
  readonly definition: RenderedValue;
  readonly execution: Role;
  readonly task: Role;
  readonly logGroup: string;
  /** Resources that must be there before it is started. */
  readonly ready: readonly string[];
  readonly resources: readonly RenderedResource[];
}

export function job(scope: Scope, planned: PlannedJob, parts: JobParts): MadeJob {
  const { plan, parent, tags } = scope;
  const family = familyName(plan, planned.name);
  const logs = aws("aws:cloudwatch/logGroup:LogGroup", scope.resource("logs", planned.name), parent, {
    name: logGroupName(plan, planned.name),
    retentionInDays: retention(plan.settings.logRetentionDays),
    tags,
  });
  const execution = role(scope, {
    kind: "start",
    job: planned.name,
    service: ecsTasks,
    confined: false,
    statements: [
      {
        Sid: "WriteLog",
        Effect: "Allow",
        Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
        Resource: text`${ref(logs, "arn")}:*`,
      },
      ...parts.image.statements,
      ...readSecrets(parts.secrets),
    ],
  });
  const task = role(scope, {
    kind: "run",
    job: planned.name,
    service: ecsTasks,
    confined: true,
    statements: parts.statements,
  });
  const definition = taskDefinition(scope, planned, parts, {
    family,
    logs: ref(logs, "name"),
    execution: execution.arn,
    task: task.arn,
  });
  return {
    job: planned,
    family,
    definition: ref(definition, "arnWithoutRevision"),
    execution,
    task,
    logGroup: logGroupName(plan, planned.name),
    ready: [definition.name, execution.ready, task.ready, ...parts.secrets.ready, ...parts.network.ready],
    resources: [logs, ...execution.resources, ...task.resources, definition],
  };
}

function readSecrets({ arns }: Secrets): Statement[] {
  if (arns.length === 0) return [];
  return [{ Sid: "ReadSecrets", Effect: "Allow", Action: "secretsmanager:GetSecretValue", Resource: arns }];
}

type Wiring = Readonly<Record<"logs" | "execution" | "task", RenderedValue>> & { readonly family: string };

function taskDefinition(scope: Scope, planned: PlannedJob, parts: JobParts, wiring: Wiring) {
  const { plan, parent, tags } = scope;
  const rounded = roundSize(planned.resources);
  if ("problem" in rounded) throw new Error(`check finds this before it is rendered: ${rounded.problem}`);
  const { cpuUnits, memoryMiB, diskGiB } = rounded.size;
  return aws("aws:ecs/taskDefinition:TaskDefinition", scope.resource("job", planned.name), parent, {
    family: wiring.family,
    cpu: String(cpuUnits),
    memory: String(memoryMiB),
    networkMode: "awsvpc",
    requiresCompatibilities: ["FARGATE"],
    runtimePlatform: {
      operatingSystemFamily: "LINUX",
      cpuArchitecture: plan.settings.architecture === "arm64" ? "ARM64" : "X86_64",
    },
    ...(diskGiB > disk.included ? { ephemeralStorage: { sizeInGib: diskGiB } } : {}),
    executionRoleArn: wiring.execution as string,
    taskRoleArn: wiring.task as string,
    containerDefinitions: json([container(scope, planned, parts, wiring.logs)]),
    tags,
  });
}

/**
 * One container. AWS answers with defaults filled in and Pulumi compares texts: what is left out here, or in another order,
 * is a change in every preview (pulumi-aws #4576, #5256).
 */
function container(
  scope: Scope,
  planned: PlannedJob,
  parts: JobParts,
  logGroup: RenderedValue,
): RenderedValue {
  const call = jobCall(scope.plan, planned);
  const env: Record<string, RenderedValue> = { ...call.env, ...parts.env };
  const secrets = parts.secrets.container;
  return {
    command: [...call.args],
    cpu: 0,
    environment: Object.entries(env)
      .map(([name, value]) => ({ name, value }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    essential: true,
    image: parts.image.reference,
    logConfiguration: {
      logDriver: "awslogs",
      options: {
        "awslogs-group": logGroup,
        "awslogs-region": scope.region,
        "awslogs-stream-prefix": "run",
        // The default has dropped lines since 2025-06-25, when they come faster than they are taken.
        mode: "blocking",
      },
    },
    mountPoints: [],
    name: containerName,
    portMappings: [],
    ...(secrets.length > 0 ? { secrets: [...secrets] } : {}),
    stopTimeout,
    systemControls: [],
    volumesFrom: [],
  };
}

/** Who starts jobs may start these, on the deployment's cluster, with their roles and tags. */
export function startStatements(scope: Scope, made: MadeCluster, jobs: readonly MadeJob[]): Statement[] {
  const onCluster = { ArnEquals: { "ecs:cluster": made.arn } };
  const [first] = jobs;
  // A policy has 10,240 characters, which is some thirty jobs by name: where there can be many, they share a prefix.
  const families = arn(scope, "ecs", `task-definition/${deploymentName(scope.plan)}_*`);
  const jobRoles = text`arn:${scope.partition}:iam::${scope.account}:role/handoff/${deploymentName(scope.plan)}/*`;
  const single = jobs.length === 1 ? first : undefined;
  return [
    {
      Sid: single ? "RunJob" : "RunJobs",
      Effect: "Allow",
      Action: "ecs:RunTask",
      Resource: single ? [single.definition, text`${single.definition}:*`] : families,
      Condition: onCluster,
    },
    {
      Sid: single ? "PassRoles" : "PassJobRoles",
      Effect: "Allow",
      Action: "iam:PassRole",
      Resource: single ? [single.execution.arn, single.task.arn] : jobRoles,
      Condition: { StringEquals: { "iam:PassedToService": ecsTasks } },
    },
    {
      Sid: "TagRuns",
      Effect: "Allow",
      Action: "ecs:TagResource",
      Resource: arn(scope, "ecs", text`task/${made.name}/*`),
      Condition: { StringEquals: { "ecs:CreateAction": "RunTask" } },
    },
  ];
}
