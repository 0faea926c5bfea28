/** A deployed stack on moto, and what containers of it do: moto's tasks run nothing, so the tests print and record for them. */
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import {
  CreateClusterCommand,
  DescribeTasksCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
  type Task,
} from "@aws-sdk/client-ecs";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import {
  CreateScheduleCommand,
  CreateScheduleGroupCommand,
  GetScheduleCommand,
  SchedulerClient,
} from "@aws-sdk/client-scheduler";
import { CreateStateMachineCommand, SFNClient } from "@aws-sdk/client-sfn";
import { openRecords } from "../../../cli/records.js";
import type { DeployPlan } from "../../../model/plan-types.js";
import type { LogLine, StoredRecord } from "../../../model/run.js";
import { awsOperator } from "../../../providers/aws/operate.js";
import { lastPart } from "../../../providers/aws/operate-clients.js";
import type { Sleep } from "../../../providers/cloud-errors.js";
import { flowsOf } from "../../../providers/flows.js";
import type { DeployedStack, Operator } from "../../../providers/operate.js";
import { writeRecord } from "../../../runner-image/src/records.js";
import { openObjects } from "../../../runner-image/src/store/objects.js";
import { startMoto } from "./server.js";

const region = "us-east-1";
const account = "123456789012";
const credentials = { AWS_ACCESS_KEY_ID: "testing", AWS_SECRET_ACCESS_KEY: "testing" };
const role = `arn:aws:iam::${account}:role/handoff`;

export interface AwsWorld {
  readonly endpoint: string;
  /** A stack of this plan; each has a cluster and a bucket of its own. */
  deploy(plan: DeployPlan): Promise<AwsStack>;
  /** One that the engine deployed elsewhere: moto is given what its outputs name. */
  adopt(outputs: Outputs, plan: DeployPlan): Promise<AwsStack>;
  stop(): Promise<void>;
}

export interface AwsStack {
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly clients: Clients;
  operator(options?: OperatorOptions): Operator;
  /** The task's container prints. */
  print(job: string, task: string, lines: readonly (Partial<LogLine> | string)[]): Promise<void>;
  /** The runner's last act. */
  record(record: Partial<StoredRecord> & Pick<StoredRecord, "runId" | "execution">): Promise<void>;
  task(id: string): Promise<Task | undefined>;
  /** Of EventBridge Scheduler. */
  stateOf(schedule: string): Promise<string | undefined>;
}

export interface OperatorOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly sleep?: Sleep;
  readonly now?: () => Date;
  /** A project.yml that can't be read. */
  readonly broken?: boolean;
  /** Of the stack's file. */
  readonly config?: Readonly<Record<string, unknown>>;
}

type Clients = ReturnType<typeof openClients>;

export async function startAwsWorld(): Promise<AwsWorld> {
  // The SDKs find credentials in the process's own environment.
  const saved = Object.keys(credentials).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, credentials);
  const server = await startMoto();
  const tell = (what: string, body: unknown) =>
    fetch(`${server.endpoint}/moto-api/${what}`, { method: "POST", body: JSON.stringify(body) });
  // State machines are run, and end; without it they go on for ever.
  await tell("config", { stepfunctions: { execute_state_machine: true } });
  // Tasks end when they are stopped, not by being looked at.
  await tell("state-manager/set-transition", {
    model_name: "ecs::task",
    transition: { progression: "manual", times: 1_000_000 },
  });
  const clients = openClients(server.endpoint);
  let stacks = 0;
  return {
    endpoint: server.endpoint,
    async deploy(plan) {
      stacks += 1;
      const outputs = await outputsOf(plan, `s${stacks}`, server.endpoint);
      await create(outputs, plan, clients, "awsvpc");
      return stackOf(outputs, plan, clients, server.endpoint);
    },
    async adopt(outputs, plan) {
      await create(outputs, plan, clients, "bridge");
      return stackOf(outputs, plan, clients, server.endpoint);
    },
    async stop() {
      await server.stop();
      for (const [name, value] of saved) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    },
  };
}

function openClients(endpoint: string) {
  const options = { region, endpoint };
  return {
    ecs: new ECSClient(options),
    logs: new CloudWatchLogsClient(options),
    scheduler: new SchedulerClient(options),
    states: new SFNClient(options),
    s3: new S3Client({ ...options, forcePathStyle: true }),
  };
}

/** As far as it is used here. */
export interface Outputs {
  readonly region: string;
  readonly cluster: string;
  readonly network: object;
  readonly jobs: Readonly<
    Record<string, { family: string; taskDefinition: string; container: string; logGroup: string }>
  >;
  readonly flows: Readonly<Record<string, string>>;
  readonly schedules: Readonly<Record<string, readonly string[]>>;
  readonly scheduleGroup: string;
  readonly stores: { readonly artifacts: string };
}

/** With `awsvpc` moto wants subnets that it knows. */
type NetworkMode = "awsvpc" | "bridge";

function stackOf(outputs: Outputs, plan: DeployPlan, clients: Clients, endpoint: string): AwsStack {
  const env = { AWS_ENDPOINT_URL: endpoint, AWS_REGION: region };
  const store = () => openObjects(outputs.stores.artifacts, env);
  return {
    outputs: { ...outputs },
    clients,
    operator: ({ env: more = {}, sleep, now = () => new Date(), broken = false, config = {} } = {}) => {
      const stack: DeployedStack = {
        pulumiProject: "pipelines",
        settings: plan.settings,
        config,
        plan: () => {
          if (broken) throw new Error("project.yml is not asked for here");
          return plan;
        },
        outputs: { ...outputs },
        env: { ...env, ...more },
        now,
        openRecords,
      };
      return awsOperator(stack, sleep ? { sleep } : {});
    },
    async print(job, task, lines) {
      const logGroupName = outputs.jobs[job]?.logGroup;
      const logStreamName = `run/runner/${task}`;
      await clients.logs
        .send(new CreateLogStreamCommand({ logGroupName, logStreamName }))
        .catch((error: unknown) => {
          if ((error as Error).name !== "ResourceAlreadyExistsException") throw error;
        });
      const logEvents = lines.map((line) => ({
        timestamp: Date.parse(typeof line === "string" ? "" : (line.time ?? "")) || Date.now(),
        message:
          typeof line === "string"
            ? line
            : JSON.stringify({ time: new Date().toISOString(), level: "info", runId: "r", ...line }),
      }));
      await clients.logs.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
    },
    async record(given) {
      const startedAt = given.startedAt ?? new Date().toISOString();
      await writeRecord(await store(), {
        schemaVersion: 1,
        status: "success",
        exitCode: 0,
        startedAt,
        durationMs: 1500,
        tasks: [],
        metrics: {},
        job: plan.jobs[0]?.name ?? "",
        schedule: null,
        trigger: null,
        scheduledAt: startedAt,
        endedAt: new Date(Date.parse(startedAt) + 1500).toISOString(),
        attempt: 1,
        ...given,
      });
    },
    async task(id) {
      const { tasks } = await clients.ecs.send(
        new DescribeTasksCommand({ cluster: outputs.cluster, tasks: [id] }),
      );
      return tasks?.[0];
    },
    async stateOf(schedule) {
      const Name = outputs.schedules[schedule]?.[0];
      const { State } = await clients.scheduler.send(
        new GetScheduleCommand({ GroupName: outputs.scheduleGroup, Name }),
      );
      return State;
    },
  };
}

/** In the form of providers/aws/outputs.ts. */
async function outputsOf(plan: DeployPlan, name: string, endpoint: string): Promise<Outputs> {
  const arn = (service: string, rest: string) => `arn:aws:${service}:${region}:${account}:${rest}`;
  const jobs = plan.jobs.map(({ name: job }) => {
    const family = `${name}_${job}`;
    const taskDefinition = arn("ecs", `task-definition/${family}`);
    return [
      job,
      { family, taskDefinition, container: "runner", logGroup: `/handoff/${name}/${job}` },
    ] as const;
  });
  return {
    region,
    cluster: arn("ecs", `cluster/${name}`),
    network: { ...(await defaultNetwork(endpoint)), assignPublicIp: true },
    jobs: Object.fromEntries(jobs),
    flows: Object.fromEntries(
      flowsOf(plan).map((flow) => [flow.name, arn("states", `stateMachine:${name}-${flow.name}`)]),
    ),
    schedules: Object.fromEntries(
      plan.schedules.map((schedule) => [
        schedule.name,
        [`${name}-${schedule.name}`, `${name}-${schedule.name}-weekdays`],
      ]),
    ),
    scheduleGroup: name,
    stores: { artifacts: `s3://artifacts-${name}/prod` },
  };
}

/** Makes on moto what a stack's outputs name. */
async function create(outputs: Outputs, plan: DeployPlan, clients: Clients, networkMode: NetworkMode) {
  const { ecs, logs, scheduler, states, s3 } = clients;
  await s3.send(new CreateBucketCommand({ Bucket: new URL(outputs.stores.artifacts).hostname }));
  await ecs.send(new CreateClusterCommand({ clusterName: lastPart(outputs.cluster) }));
  for (const { family, logGroup, container } of Object.values(outputs.jobs)) {
    await logs.send(new CreateLogGroupCommand({ logGroupName: logGroup }));
    await ecs.send(
      new RegisterTaskDefinitionCommand({
        family,
        networkMode,
        cpu: "256",
        memory: "512",
        requiresCompatibilities: [networkMode === "awsvpc" ? "FARGATE" : "EC2"],
        containerDefinitions: [{ name: container, image: "runner", command: ["run"], memory: 512 }],
      }),
    );
  }
  for (const machine of Object.values(outputs.flows)) {
    await states.send(
      new CreateStateMachineCommand({
        name: lastPart(machine),
        roleArn: role,
        definition: JSON.stringify({ StartAt: "Wait", States: { Wait: { Type: "Succeed" } } }),
      }),
    );
  }
  await scheduler.send(new CreateScheduleGroupCommand({ Name: outputs.scheduleGroup }));
  for (const schedule of plan.schedules) {
    for (const Name of outputs.schedules[schedule.name] ?? []) {
      await scheduler.send(
        new CreateScheduleCommand({
          GroupName: outputs.scheduleGroup,
          Name,
          Description: "as deployed",
          ScheduleExpression: "cron(0 6 * * ? *)",
          ScheduleExpressionTimezone: schedule.timezone,
          FlexibleTimeWindow: { Mode: "OFF" },
          State: schedule.enabled ? "ENABLED" : "DISABLED",
          Target: {
            Arn: outputs.cluster,
            RoleArn: role,
            Input: "{}",
            RetryPolicy: { MaximumRetryAttempts: 20, MaximumEventAgeInSeconds: 3600 },
          },
        }),
      );
    }
  }
}

/** Of the account's default VPC; EC2's SDK is too large for two calls. */
async function defaultNetwork(endpoint: string): Promise<{ subnets: string[]; securityGroups: string[] }> {
  const ask = async (action: string, element: string): Promise<string[]> => {
    const answer = await fetch(endpoint, {
      method: "POST",
      body: new URLSearchParams({ Action: action, Version: "2016-11-15" }),
      // By this moto knows which service is meant.
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=testing/20260101/${region}/ec2/aws4_request, SignedHeaders=host, Signature=none`,
      },
    });
    const text = await answer.text();
    return [...text.matchAll(new RegExp(`<${element}>([^<]+)</${element}>`, "g"))].map(([, id = ""]) => id);
  };
  const [subnets, groups] = await Promise.all([
    ask("DescribeSubnets", "subnetId"),
    ask("DescribeSecurityGroups", "groupId"),
  ]);
  return { subnets: subnets.slice(0, 1), securityGroups: groups.slice(0, 1) };
}
