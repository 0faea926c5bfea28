/** Runs as executions of Step Functions: granularity task. It remembers them for 90 days. */
import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  type ExecutionListItem,
  ListExecutionsCommand,
  StartExecutionCommand,
} from "@aws-sdk/client-sfn";
import type { RunStatus } from "../../model/run.js";
import type { Execution, StartCall } from "../cloud-driver.js";
import { errors } from "./asl.js";
import { ask, type Clients, failureOf, iso, lastPart } from "./operate-clients.js";
import type { Outputs } from "./operate-outputs.js";

/** The newest of each flow. */
export async function listFlows(clients: Clients, outputs: Outputs, limit: number): Promise<Execution[]> {
  const flows = await Promise.all(
    Object.entries(outputs.flows).map(async ([flow, stateMachineArn]) => {
      // Newest first.
      const { executions = [] } = await ask("list the runs of flows", "states:ListExecutions", () =>
        clients.states.send(
          new ListExecutionsCommand({ stateMachineArn, maxResults: Math.min(limit, 1000) }),
        ),
      );
      return executions.map((item): Execution => ({ ...listed(item, flow, outputs), partial: true }));
    }),
  );
  return flows.flat();
}

export async function describeFlow(
  { states }: Clients,
  outputs: Outputs,
  { id, job }: Pick<Execution, "id" | "job">,
): Promise<Execution | null> {
  return await ask("look at the run of a flow", "states:DescribeExecution", async () => {
    try {
      const found = await states.send(new DescribeExecutionCommand({ executionArn: id }));
      return described(found, job, outputs);
    } catch (error) {
      if (failureOf(error).code === "ExecutionDoesNotExist") return null;
      throw error;
    }
  });
}

/** A run's id is its execution's name: started twice with it, it runs once. */
export async function startFlow({ states }: Clients, outputs: Outputs, call: StartCall): Promise<Execution> {
  const { flow, runId } = call;
  const stateMachineArn = flow === null ? undefined : outputs.flows[flow];
  if (flow === null || stateMachineArn === undefined) throw new Error(`the outputs have no flow ${flow}`);
  const { executionArn = "", startDate = new Date() } = await ask(
    `start ${flow}`,
    "states:StartExecution",
    () =>
      states.send(
        new StartExecutionCommand({ stateMachineArn, name: runId, input: JSON.stringify(inputOf(call)) }),
      ),
  );
  const item = { executionArn, stateMachineArn, name: runId, status: "RUNNING", startDate } as const;
  const { schedule, scheduledAt } = call;
  return { ...listed(item, flow, outputs), schedule, scheduledAt };
}

/** As schedules.ts writes it; without calls the flow runs as it is deployed. */
export function inputOf({ calls, env }: Pick<StartCall, "calls" | "env">) {
  if (calls === null) return {};
  return {
    calls: calls.map(({ args }) => ({ command: [...args] })),
    environment: Object.entries(env).map(([Name, Value]) => ({ Name, Value })),
  };
}

function listed(item: ExecutionListItem, flow: string, { region }: Outputs): Execution {
  const { executionArn = "", name = lastPart(executionArn), status, startDate, stopDate } = item;
  const started = iso(startDate) ?? new Date(0).toISOString();
  const ended = iso(stopDate);
  return {
    kind: "flow",
    id: executionArn,
    runId: name,
    job: flow,
    firedAt: started,
    startedAt: started,
    endedAt: ended,
    status: statuses[status ?? "RUNNING"] ?? "running",
    exitCode: null,
    reason: null,
    console: `https://${region}.console.aws.amazon.com/states/home?region=${region}#/v2/executions/details/${executionArn}`,
  };
}

const statuses: Readonly<Record<string, RunStatus>> = {
  RUNNING: "running",
  PENDING_REDRIVE: "running",
  SUCCEEDED: "success",
  FAILED: "failure",
  TIMED_OUT: "timeout",
  ABORTED: "stopped",
};

function described(found: DescribeExecutionCommandOutput, flow: string, outputs: Outputs): Execution {
  const { executionArn = "", stateMachineArn = "", name, status, startDate, stopDate, error, cause } = found;
  const item = { executionArn, stateMachineArn, name, status, startDate, stopDate } as ExecutionListItem;
  const base = listed(item, flow, outputs);
  const env = environmentOf(found.input);
  const timedOut = error === errors.timeout;
  return {
    ...base,
    schedule: env.HANDOFF_SCHEDULE || null,
    trigger: env.HANDOFF_TRIGGER || null,
    scheduledAt: env.HANDOFF_SCHEDULED_AT || base.firedAt,
    status: base.status === "failure" && timedOut ? "timeout" : base.status,
    reason: base.status === "running" || base.status === "success" ? null : reasonOf(error, cause),
  };
}

/** Variables that the flow was started with. */
function environmentOf(input: string | undefined): Partial<Record<string, string>> {
  try {
    const { environment = [] } = JSON.parse(input ?? "{}") as {
      environment?: { Name: string; Value: string }[];
    };
    return Object.fromEntries(environment.map(({ Name, Value }) => [Name, Value]));
  } catch {
    // Started by hand with something else.
    return {};
  }
}

interface JobEnd {
  readonly job: string;
  readonly status: string;
}

/** The machine's own failures name each job's end (flows.ts); others are Step Functions' words. */
function reasonOf(error: string | undefined, cause: string | undefined): string | null {
  if (error === errors.failure || error === errors.timeout) {
    try {
      const results = JSON.parse(cause ?? "{}") as Record<string, readonly JobEnd[]>;
      const bad = Object.values(results)
        .flat()
        .filter(({ status }) => status !== "success" && status !== "skipped");
      if (bad.length > 0)
        return bad
          .map(({ job, status }) => `${job} ${status === "timeout" ? "timed out" : "failed"}`)
          .join(", ");
    } catch {
      // Shown as it is.
    }
  }
  const said = [error, cause].filter((text) => text !== undefined && text !== "").join(": ");
  return said === "" ? null : said.slice(0, 500);
}
