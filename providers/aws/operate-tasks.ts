/** Runs as tasks of ECS. It knows a task for an hour after its end; which there were before, their logs tell. */
import { type LogStream, paginateDescribeLogStreams } from "@aws-sdk/client-cloudwatch-logs";
import {
  DescribeTasksCommand,
  type NetworkConfiguration,
  paginateListTasks,
  RunTaskCommand,
  type RunTaskCommandInput,
  type Task,
} from "@aws-sdk/client-ecs";
import { ExitCode } from "../../model/diagnostic.js";
import type { RunStatus } from "../../model/run.js";
import type { Execution, StartCall } from "../cloud-driver.js";
import { CloudError } from "../cloud-errors.js";
import { ask, type Clients, failureOf, iso, lastPart } from "./operate-clients.js";
import type { Outputs } from "./operate-outputs.js";

/** DescribeTasks takes no more at once. */
const describedAtOnce = 100;
/** Of a listing: more tasks than that in an hour are not looked at one by one. */
const listedMost = 1000;
const day = 24 * 3_600_000;

export interface TasksOptions {
  /** Days that records are kept: what is older may have had one. */
  readonly recordDays: number;
  readonly now: () => Date;
}

export async function listTasks(
  clients: Clients,
  outputs: Outputs,
  limit: number,
  options: TasksOptions,
): Promise<Execution[]> {
  const [found, logged] = await Promise.all([
    knownTasks(clients, outputs),
    // With a flow Step Functions remembers.
    Object.keys(outputs.flows).length > 0 ? [] : loggedRuns(clients, outputs, limit, options),
  ]);
  const ids = new Set(found.map(({ id }) => id));
  return [...found, ...logged.filter(({ id }) => !ids.has(id))];
}

/** Those of the run of a flow. */
export async function listTasksOf(clients: Clients, outputs: Outputs, runId: string): Promise<Execution[]> {
  return (await knownTasks(clients, outputs)).filter((one) => one.runId === runId);
}

async function knownTasks(clients: Clients, outputs: Outputs): Promise<Execution[]> {
  const [running, stopped] = await Promise.all([
    listArns(clients, outputs, "RUNNING"),
    listArns(clients, outputs, "STOPPED"),
  ]);
  // One that ends meanwhile is in both.
  const tasks = await describe(clients, outputs, [...new Set([...running, ...stopped])]);
  return tasks.map((task) => executionOf(task, outputs));
}

async function listArns(
  { ecs }: Clients,
  { cluster }: Outputs,
  desiredStatus: "RUNNING" | "STOPPED",
): Promise<string[]> {
  return await ask("list the runs", "ecs:ListTasks", async () => {
    const arns: string[] = [];
    for await (const page of paginateListTasks({ client: ecs, pageSize: 100 }, { cluster, desiredStatus })) {
      arns.push(...(page.taskArns ?? []));
      if (arns.length >= listedMost) break;
    }
    return arns;
  });
}

async function describe({ ecs }: Clients, { cluster }: Outputs, arns: readonly string[]): Promise<Task[]> {
  const found: Task[] = [];
  for (let at = 0; at < arns.length; at += describedAtOnce) {
    const tasks = arns.slice(at, at + describedAtOnce);
    const answer = await ask("look at the runs", "ecs:DescribeTasks", () =>
      ecs.send(new DescribeTasksCommand({ cluster, tasks })),
    );
    found.push(...(answer.tasks ?? []));
  }
  return found;
}

export async function describeTask(
  clients: Clients,
  outputs: Outputs,
  { id, job }: Pick<Execution, "id" | "job">,
): Promise<Execution | null> {
  const [task] = await describe(clients, outputs, [id]);
  if (task) return executionOf(task, outputs);
  const group = outputs.jobs[job]?.logGroup;
  if (group === undefined) return null;
  const [stream] = await streamsOf(clients, {
    group,
    limit: 1,
    prefix: streamOf(id, outputs.jobs[job]?.container),
  });
  return stream ? loggedRun(stream, job, outputs) : null;
}

/** Where awslogs writes what a task prints: job.ts gives the prefix. */
export function streamOf(task: string, container = "runner"): string {
  return `run/${container}/${task}`;
}

/** Runs whose tasks ECS has forgotten. How they ended their records say; one without was killed before it could write it. */
async function loggedRuns(
  clients: Clients,
  outputs: Outputs,
  limit: number,
  { recordDays, now }: TasksOptions,
): Promise<Execution[]> {
  const oldest = now().getTime() - recordDays * day;
  const jobs = await Promise.all(
    Object.entries(outputs.jobs).map(async ([job, { logGroup }]) => {
      const streams = await streamsOf(clients, { group: logGroup, limit });
      return streams
        .filter(({ creationTime = 0 }) => creationTime > oldest)
        .map((stream) => loggedRun(stream, job, outputs));
    }),
  );
  return jobs.flat();
}

async function streamsOf(
  { logs }: Clients,
  { group, limit, prefix }: { readonly group: string; readonly limit: number; readonly prefix?: string },
): Promise<LogStream[]> {
  return await ask("list the logs of runs", "logs:DescribeLogStreams", async () => {
    const found: LogStream[] = [];
    const input = {
      logGroupName: group,
      ...(prefix === undefined
        ? { orderBy: "LastEventTime" as const, descending: true }
        : { logStreamNamePrefix: prefix }),
    };
    try {
      const pages = paginateDescribeLogStreams({ client: logs, pageSize: Math.min(50, limit) }, input);
      for await (const page of pages) {
        found.push(...(page.logStreams ?? []));
        if (found.length >= limit) break;
      }
    } catch (error) {
      if (failureOf(error).code !== "ResourceNotFoundException") throw error;
    }
    return found.slice(0, limit);
  });
}

function loggedRun(stream: LogStream, job: string, outputs: Outputs): Execution {
  const { logStreamName = "", creationTime = 0, firstEventTimestamp, lastEventTimestamp } = stream;
  const id = lastPart(logStreamName);
  return {
    kind: "job",
    id,
    job,
    firedAt: new Date(firstEventTimestamp ?? creationTime).toISOString(),
    startedAt: new Date(firstEventTimestamp ?? creationTime).toISOString(),
    endedAt: new Date(lastEventTimestamp ?? creationTime).toISOString(),
    status: "failure",
    exitCode: null,
    reason: "it ended without a record: it was killed, or could not reach its artifact store",
    console: consoleOf(id, outputs),
  };
}

/** @throws CloudError `not-started` where AWS has no room for it */
export async function runTask(
  { ecs }: Clients,
  outputs: Outputs,
  call: StartCall,
  spot: boolean,
): Promise<Execution> {
  const { job, runId, calls, env } = call;
  const made = outputs.jobs[job];
  if (!made) throw new Error(`the outputs have no job ${job}`);
  const args = calls?.find((one) => one.job === job)?.args;
  const input: RunTaskCommandInput = {
    cluster: outputs.cluster,
    taskDefinition: made.taskDefinition,
    count: 1,
    ...(spot
      ? { capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT", weight: 1 }] }
      : { launchType: "FARGATE" }),
    networkConfiguration: networkOf(outputs),
    overrides: {
      containerOverrides: [
        {
          name: made.container,
          ...(args === undefined ? {} : { command: [...args] }),
          environment: Object.entries(env).map(([name, value]) => ({ name, value })),
        },
      ],
    },
    propagateTags: "TASK_DEFINITION",
    startedBy: "handoff-trigger",
    // Asked again after a lost answer, it starts no second one.
    clientToken: runId,
  };
  const { tasks, failures } = await ask(`start ${job}`, "ecs:RunTask", () =>
    ecs.send(new RunTaskCommand(input)),
  );
  const [task] = tasks ?? [];
  if (task) return { ...executionOf(task, outputs), runId };
  const why = (failures ?? []).map(({ reason, detail }) => [reason, detail].filter(Boolean).join(": "));
  throw new CloudError(`${job} was not started: ${why.join("; ") || "AWS doesn't say why"}`, {
    code: "not-started",
    hint: spot ? "there may be no Spot capacity just now: try again in a while" : "try again in a while",
    passing: false,
  });
}

function networkOf({ network }: Outputs): NetworkConfiguration {
  return {
    awsvpcConfiguration: {
      subnets: network.subnets,
      securityGroups: network.securityGroups,
      assignPublicIp: network.assignPublicIp ? "ENABLED" : "DISABLED",
    },
  };
}

/** What ECS says of a task. */
export function executionOf(task: Task, outputs: Outputs): Execution {
  const id = lastPart(task.taskArn ?? "");
  const family = lastPart((task.taskDefinitionArn ?? "").replace(/:\d+$/, ""));
  const [job = family, made] = Object.entries(outputs.jobs).find(([, one]) => one.family === family) ?? [];
  const env = new Map(
    (task.overrides?.containerOverrides ?? [])
      .filter(({ name }) => made === undefined || name === made.container)
      .flatMap(({ environment = [] }) =>
        environment.map(({ name = "", value = "" }) => [name, value] as const),
      ),
  );
  const runId = env.get("HANDOFF_RUN_ID");
  const scheduledAt = instant(env.get("HANDOFF_SCHEDULED_AT"));
  const firedAt = iso(task.createdAt ?? task.startedAt ?? task.stoppedAt) ?? scheduledAt ?? never;
  return {
    kind: "job",
    id,
    ...(runId ? { runId } : {}),
    job,
    schedule: env.get("HANDOFF_SCHEDULE") || null,
    trigger: env.get("HANDOFF_TRIGGER") || null,
    scheduledAt: scheduledAt ?? firedAt,
    firedAt,
    startedAt: iso(task.startedAt),
    ...endOf(task, made?.container, firedAt),
    console: consoleOf(id, outputs),
  };
}

/** What the API's model allows and ECS doesn't do: a task without any time. */
const never = new Date(0).toISOString();

const consoleOf = (id: string, { region, cluster }: Outputs): string =>
  `https://${region}.console.aws.amazon.com/ecs/v2/clusters/${lastPart(cluster)}/tasks/${id}?region=${region}`;

type End = Pick<Execution, "endedAt" | "status" | "exitCode" | "reason">;

function endOf(task: Task, name: string | undefined, firedAt: string): End {
  const container = task.containers?.find((one) => one.name === name) ?? task.containers?.[0];
  // Its one container has ended; taking the machine down takes a while longer.
  const ended =
    task.lastStatus === "STOPPED" || (container?.exitCode !== undefined && task.executionStoppedAt);
  if (!ended) {
    const status = task.lastStatus === "RUNNING" || task.startedAt ? "running" : "queued";
    return { endedAt: null, status, exitCode: null, reason: null };
  }
  const exitCode = container?.exitCode ?? null;
  const status = statusOf(task, exitCode);
  return {
    endedAt: iso(task.executionStoppedAt ?? task.stoppedAt ?? task.stoppingAt) ?? firedAt,
    status,
    exitCode,
    reason: status === "success" ? null : reasonOf(task, container?.reason, exitCode),
  };
}

function statusOf({ stopCode }: Task, exitCode: number | null): RunStatus {
  if (exitCode === ExitCode.ok) return "success";
  if (exitCode === ExitCode.timedOut) return "timeout";
  if (stopCode === "UserInitiated") return "stopped";
  if (stopCode === "SpotInterruption" || stopCode === "TaskFailedToStart") return "failure";
  return exitCode === ExitCode.terminated ? "stopped" : "failure";
}

function reasonOf(
  { stopCode, stoppedReason }: Task,
  container: string | undefined,
  exitCode: number | null,
): string {
  const said = [stopCode === "EssentialContainerExited" ? "" : (stoppedReason ?? ""), container ?? ""]
    .filter((text) => text !== "")
    .join(": ");
  if (said !== "") return said;
  return exitCode === null ? (stoppedReason ?? "AWS doesn't say why it ended") : `it exited with ${exitCode}`;
}

function instant(text: string | undefined): string | undefined {
  const at = new Date(text ?? "");
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}
