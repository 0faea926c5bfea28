/**
 * Logic Apps: flows, what takes a trigger's messages with granularity task, and schedules that a job's cron can't express.
 * Called through the client of Container Apps, as both are Resource Manager's: @azure/arm-logic is bigger than all of the
 * others, and its `run` of a trigger takes no body.
 */
import type { RunStatus } from "../../model/run.js";
import type { Execution } from "../cloud-operate.js";
import { type AzureClients, asked } from "./operate-clients.js";
import { isMissing } from "./operate-errors.js";
import { consoleOf } from "./operate-ids.js";

export const logicApi = "2019-05-01";

export interface AzureFlow {
  readonly id: string;
  /** A key of the outputs' `flows`; the Logic App's own name for one that takes messages. */
  readonly name: string;
}

interface Page<T> {
  readonly value?: readonly T[];
  readonly nextLink?: string;
}

interface Workflow {
  readonly id?: string;
  readonly name?: string;
  readonly properties?: {
    readonly state?: string;
    readonly definition?: { readonly triggers?: Readonly<Record<string, Trigger>> };
  };
}

interface Trigger {
  readonly recurrence?: { readonly timeZone?: string };
}

/** `WorkflowRun` of the API. */
export interface WorkflowRun {
  readonly name?: string;
  readonly properties?: {
    readonly status?: string;
    readonly startTime?: string;
    readonly endTime?: string;
    readonly code?: string;
    readonly error?: { readonly code?: string; readonly message?: string };
    readonly correlation?: { readonly clientTrackingId?: string };
    readonly trigger?: {
      readonly outputs?: unknown;
      readonly outputsLink?: { readonly uri?: string };
    };
  };
}

const readWorkflows = "Microsoft.Logic/workflows/read";
export const readRuns = "Microsoft.Logic/workflows/runs/read";

export async function getResource<T>(
  { manager }: AzureClients,
  path: string,
  query: Readonly<Record<string, string>> = {},
) {
  const { body } = await manager
    .pathUnchecked(path)
    .get({ queryParameters: { "api-version": logicApi, ...query } });
  return (body ?? {}) as T;
}

export async function listResources<T>(
  clients: AzureClients,
  path: string,
  query: Readonly<Record<string, string>>,
  limit: number,
) {
  const found: T[] = [];
  let page = await getResource<Page<T>>(clients, path, query);
  for (;;) {
    found.push(...(page.value ?? []));
    if (found.length >= limit || !page.nextLink) return found.slice(0, limit);
    const { body } = await clients.manager.pathUnchecked(page.nextLink).get();
    page = (body ?? {}) as Page<T>;
  }
}

/** Logic Apps of a resource group. */
export async function listWorkflows(
  clients: AzureClients,
  subscription: string,
  group: string,
): Promise<AzureFlow[]> {
  const path = `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Logic/workflows`;
  const found = await asked("list the Logic Apps of the stack", readWorkflows, () =>
    listResources<Workflow>(clients, path, {}, Number.POSITIVE_INFINITY),
  );
  return found.flatMap(({ id, name }) => (id === undefined || name === undefined ? [] : [{ id, name }]));
}

/** Newest first, as Azure lists them. */
export async function listFlowRuns(
  clients: AzureClients,
  flow: AzureFlow,
  limit: number,
): Promise<Execution[]> {
  const runs = await asked(`list the runs of ${flow.name}`, readRuns, () =>
    listResources<WorkflowRun>(clients, `${flow.id}/runs`, { $top: String(Math.min(limit, 250)) }, limit),
  );
  return runs.flatMap((run) => flowExecution(run, flow) ?? []);
}

/** Null for one that Azure has forgotten. */
export async function getFlowRun(
  clients: AzureClients,
  flow: AzureFlow,
  id: string,
): Promise<Execution | null> {
  return await asked(`look at the run ${id}`, readRuns, async () => {
    try {
      return flowExecution(await getResource<WorkflowRun>(clients, runPath(flow, id)), flow);
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  });
}

export const runPath = (flow: AzureFlow, id: string): string => `${flow.id}/runs/${encodeURIComponent(id)}`;

/** `WorkflowStatus` of the API. */
const statuses: Readonly<Record<string, RunStatus>> = {
  NotSpecified: "queued",
  Paused: "running",
  Running: "running",
  Waiting: "running",
  Suspended: "running",
  Succeeded: "success",
  Skipped: "skipped",
  Ignored: "skipped",
  Cancelled: "stopped",
  Failed: "failure",
  Faulted: "failure",
  Aborted: "failure",
  TimedOut: "timeout",
};

/** The run's name is HANDOFF_RUN_ID of its jobs (flows.ts). */
function flowExecution({ name, properties = {} }: WorkflowRun, flow: AzureFlow): Execution | null {
  const { status: told = "", startTime, endTime, error, code } = properties;
  if (name === undefined || startTime === undefined) return null;
  const status = statuses[told] ?? "running";
  const ended = status !== "running" && status !== "queued";
  const started = new Date(startTime).toISOString();
  const words = [error?.code ?? code, error?.message].filter((text) => text !== undefined && text !== "");
  return {
    kind: "flow",
    id: name,
    runId: name,
    job: flow.name,
    firedAt: started,
    startedAt: started,
    endedAt: ended ? new Date(endTime ?? startTime).toISOString() : null,
    status,
    exitCode: null,
    reason: ended && status !== "success" && words.length > 0 ? words.join(": ") : null,
    console: consoleOf(flow.id),
  };
}

export interface WorkflowState {
  readonly paused: boolean;
  readonly timezone?: string;
}

export async function workflowState(clients: AzureClients, id: string, name: string): Promise<WorkflowState> {
  const { properties } = await asked(`read the schedule ${name}`, readWorkflows, () =>
    getResource<Workflow>(clients, id),
  );
  const timezone = Object.values(properties?.definition?.triggers ?? {})[0]?.recurrence?.timeZone;
  return {
    paused: properties?.state === "Disabled" || properties?.state === "Suspended",
    ...(timezone === undefined ? {} : { timezone }),
  };
}

export async function setWorkflowPaused(
  { manager }: AzureClients,
  id: string,
  name: string,
  paused: boolean,
): Promise<void> {
  const verb = paused ? "disable" : "enable";
  await asked(
    `${paused ? "pause" : "resume"} the schedule ${name}`,
    `Microsoft.Logic/workflows/${verb}/action`,
    async () =>
      await manager.pathUnchecked(`${id}/${verb}`).post({ queryParameters: { "api-version": logicApi } }),
  );
}
