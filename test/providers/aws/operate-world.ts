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
import type { DeployPlan } from "../../../model/plan-types.js";
import type { LogLine, StoredRecord } from "../../../model/run.js";
import { awsOperator } from "../../../providers/aws/operate.js";
import type { Sleep } from "../../../providers/cloud-errors.js";
import { flowsOf } from "../../../providers/flows.js";
import type { DeployedStack, Operator } from "../../../providers/operate.js";
import { listRecords, writeRecord } from "../../../runner-image/src/records.js";
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
      return await deploy(plan, `s${stacks}`, clients, server.endpoint);
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

async function deploy(plan: DeployPlan, name: string, clients: Clients, endpoint: string): Promise<AwsStack> {
  const outputs = await create(plan, name, clients, endpoint);
  const env = { AWS_ENDPOINT_URL: endpoint, AWS_REGION: region };
  const store = () => openObjects(outputs.stores.artifacts, env);
  return {
    outputs,
    clients,
    operator: ({ env: more = {}, sleep, now = () => new Date(), broken = false } = {}) => {
      const stack: DeployedStack = {
        pulumiProject: "pipelines",
        settings: plan.settings,
        plan: () => {
          if (broken) throw new Error("project.yml is not asked for here");
          return plan;
        },
        outputs,
        env: { ...env, ...more },
        now,
        openRecords: async (artifacts, given) => {
          const opened = await openObjects(artifacts, given);
          return { list: (options) => listRecords(opened, options) };
        },
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

/** In the form of providers/aws/outputs.ts, as its own test holds it. */
async function create(plan: DeployPlan, name: string, clients: Clients, endpoint: string) {
  const { ecs, logs, scheduler, states, s3 } = clients;
  const bucket = `artifacts-${name}`;
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const { cluster } = await ecs.send(new CreateClusterCommand({ clusterName: name }));
  const jobs: Record<
    string,
    { family: string; taskDefinition: string; container: string; logGroup: string }
  > = {};
  for (const { name: job } of plan.jobs) {
    const family = `${name}_${job}`;
    const logGroup = `/handoff/${name}/${job}`;
    await logs.send(new CreateLogGroupCommand({ logGroupName: logGroup }));
    const { taskDefinition } = await ecs.send(
      new RegisterTaskDefinitionCommand({
        family,
        networkMode: "awsvpc",
        cpu: "256",
        memory: "512",
        requiresCompatibilities: ["FARGATE"],
        containerDefinitions: [{ name: "runner", image: "runner", command: ["run"], memory: 512 }],
      }),
    );
    const arn = taskDefinition?.taskDefinitionArn ?? "";
    jobs[job] = {
      family,
      taskDefinition: arn.replace(/:\d+$/, ""),
      container: "runner",
      logGroup,
    };
  }
  const flows: Record<string, string> = {};
  for (const flow of flowsOf(plan)) {
    const { stateMachineArn = "" } = await states.send(
      new CreateStateMachineCommand({
        name: `${name}-${flow.name}`,
        roleArn: role,
        definition: JSON.stringify({ StartAt: "Wait", States: { Wait: { Type: "Succeed" } } }),
      }),
    );
    flows[flow.name] = stateMachineArn;
  }
  await scheduler.send(new CreateScheduleGroupCommand({ Name: name }));
  const schedules: Record<string, string[]> = {};
  for (const schedule of plan.schedules) {
    schedules[schedule.name] = [`${name}-${schedule.name}`, `${name}-${schedule.name}-weekdays`];
    for (const Name of schedules[schedule.name] ?? []) {
      await scheduler.send(
        new CreateScheduleCommand({
          GroupName: name,
          Name,
          Description: "as deployed",
          ScheduleExpression: "cron(0 6 * * ? *)",
          ScheduleExpressionTimezone: schedule.timezone,
          FlexibleTimeWindow: { Mode: "OFF" },
          State: schedule.enabled ? "ENABLED" : "DISABLED",
          Target: {
            Arn: cluster?.clusterArn,
            RoleArn: role,
            Input: "{}",
            RetryPolicy: { MaximumRetryAttempts: 20, MaximumEventAgeInSeconds: 3600 },
          },
        }),
      );
    }
  }
  return {
    region,
    account,
    cluster: cluster?.clusterArn ?? "",
    network: { ...(await defaultNetwork(endpoint)), assignPublicIp: true },
    jobs,
    flows,
    schedules,
    scheduleGroup: name,
    triggers: {},
    stores: { artifacts: `s3://${bucket}/prod` },
  };
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
