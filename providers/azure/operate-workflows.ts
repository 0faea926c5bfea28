/**
 * Logic Apps: flows, what takes a trigger's messages with granularity task, and schedules that a job's cron can't express.
 * Called through the client of Container Apps, as both are Resource Manager's: @azure/arm-logic is bigger than all of the
 * others, and its `run` of a trigger takes no body.
 */
import type { RunStatus } from "../../model/run.js";
import type { Sleep } from "../cloud-errors.js";
import type { Execution, StartCall } from "../cloud-operate.js";
import { type AzureClients, asked } from "./operate-clients.js";
import { isMissing, Refusal } from "./operate-errors.js";
import { consoleOf } from "./operate-ids.js";

const api = "2019-05-01";

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
interface WorkflowRun {
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
const readRuns = "Microsoft.Logic/workflows/runs/read";

async function get<T>({ manager }: AzureClients, path: string, query: Readonly<Record<string, string>> = {}) {
  const { body } = await manager
    .pathUnchecked(path)
    .get({ queryParameters: { "api-version": api, ...query } });
  return (body ?? {}) as T;
}

async function list<T>(
  clients: AzureClients,
  path: string,
  query: Readonly<Record<string, string>>,
  limit: number,
) {
  const found: T[] = [];
  let page = await get<Page<T>>(clients, path, query);
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
    list<Workflow>(clients, path, {}, Number.POSITIVE_INFINITY),
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
    list<WorkflowRun>(clients, `${flow.id}/runs`, { $top: String(Math.min(limit, 250)) }, limit),
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
      return flowExecution(await get<WorkflowRun>(clients, runPath(flow, id)), flow);
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  });
}

const runPath = (flow: AzureFlow, id: string): string => `${flow.id}/runs/${encodeURIComponent(id)}`;

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

export interface FlowStart {
  readonly clients: AzureClients;
  readonly sleep: Sleep;
  readonly now: () => Date;
}

/** Trigger of a flow (flows.ts). */
const manual = "manual";

/**
 * Calls a flow as its schedule does. That Resource Manager hands a request's body on to the trigger is UNCONFIRMED: where the
 * run says what its trigger got, it is looked at, and a run that didn't get it is cancelled.
 */
export async function startFlow(flow: AzureFlow, call: StartCall, context: FlowStart): Promise<Execution> {
  const { clients, now } = context;
  const body = flowBody(call);
  const id = await asked(`start ${flow.name}`, "Microsoft.Logic/workflows/triggers/run/action", async () => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await run(clients, flow, call.runId, body)) ?? (await findRun(flow, call.runId, context));
      } catch (error) {
        if (error instanceof Refusal && error.status === 429 && attempt < 4) {
          await context.sleep(2000 * attempt, undefined);
          continue;
        }
        if (error instanceof Refusal && error.status < 500) throw error;
        const found = await findRun(flow, call.runId, context);
        if (found) return found;
        throw error;
      }
    }
  });
  if (id === undefined) {
    throw new Error(`${flow.name} was started, and Azure shows no run of it yet: look with handoff runs`);
  }
  if (call.calls !== null) await checkBody(flow, id, body, context);
  const fired = now().toISOString();
  return {
    kind: "flow",
    id,
    runId: id,
    job: flow.name,
    schedule: call.schedule,
    trigger: null,
    scheduledAt: call.scheduledAt,
    firedAt: fired,
    startedAt: fired,
    endedAt: null,
    status: "running",
    exitCode: null,
    reason: null,
    console: consoleOf(flow.id),
  };
}

/** What flows.ts reads: options as text of JSON with a comma before each, and variables. */
export interface FlowBody {
  readonly options: string;
  readonly env: readonly { readonly name: string; readonly value: string }[];
}

export function flowBody({ calls, env }: StartCall): FlowBody {
  const [first] = calls ?? [];
  // `run --no-retries`, the options, the name of the job's one task: the options are the same for all jobs.
  const options = first?.args.slice(2, first.args.at(-1) === first.job ? -1 : undefined) ?? [];
  return {
    options: options.map((option) => `,${JSON.stringify(option)}`).join(""),
    env: Object.entries(env).map(([name, value]) => ({ name, value })),
  };
}

/** @returns the run's name, where the answer has it */
async function run(clients: AzureClients, flow: AzureFlow, trackingId: string, body: FlowBody) {
  const { headers } = await clients.once.pathUnchecked(`${flow.id}/triggers/${manual}/run`).post({
    queryParameters: { "api-version": api },
    headers: { "x-ms-client-tracking-id": trackingId },
    contentType: "application/json",
    body,
  });
  return headers["x-ms-workflow-run-id"];
}

/** By the id that was sent with the start. Azure shows a new run after some seconds. */
async function findRun(flow: AzureFlow, trackingId: string, { clients, sleep }: FlowStart) {
  for (const pauseMs of [1000, 3000, 6000]) {
    await sleep(pauseMs, undefined);
    const runs = await list<WorkflowRun>(clients, `${flow.id}/runs`, { $top: "50" }, 50);
    const found = runs.find(({ properties }) => properties?.correlation?.clientTrackingId === trackingId);
    if (found) return found.name;
  }
  return undefined;
}

/** Nothing is said where Azure doesn't tell. */
async function checkBody(flow: AzureFlow, id: string, body: FlowBody, { clients }: FlowStart): Promise<void> {
  await asked(`look at the run ${id}`, readRuns, async () => {
    const { properties } = await get<WorkflowRun>(clients, runPath(flow, id));
    const { outputs, outputsLink } = properties?.trigger ?? {};
    if (outputs === undefined && outputsLink?.uri === undefined) return;
    const got = outputs ?? (await contentOf(outputsLink?.uri ?? ""));
    if (got === undefined) return;
    const { env } = ((got as { readonly body?: Partial<FlowBody> }).body ?? {}) as Partial<FlowBody>;
    if (JSON.stringify(env) === JSON.stringify(body.env)) return;
    await clients.manager
      .pathUnchecked(`${runPath(flow, id)}/cancel`)
      .post({ queryParameters: { "api-version": api } });
    throw new Refusal(
      400,
      undefined,
      "Azure started the flow without what was asked of it, and the run was cancelled",
    );
  });
}

/** A link that needs no sign-in. Undefined where it gives nothing. */
async function contentOf(uri: string): Promise<unknown> {
  try {
    const response = await fetch(uri, { signal: AbortSignal.timeout(20_000) });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}

export interface WorkflowState {
  readonly paused: boolean;
  readonly timezone?: string;
}

export async function workflowState(clients: AzureClients, id: string, name: string): Promise<WorkflowState> {
  const { properties } = await asked(`read the schedule ${name}`, readWorkflows, () =>
    get<Workflow>(clients, id),
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
      await manager.pathUnchecked(`${id}/${verb}`).post({ queryParameters: { "api-version": api } }),
  );
}
