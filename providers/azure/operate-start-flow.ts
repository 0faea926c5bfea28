/** Starting a flow: its Logic App is called as a schedule calls it. */
import type { Sleep } from "../cloud-errors.js";
import type { Execution, StartCall } from "../cloud-operate.js";
import { type AzureClients, asked } from "./operate-clients.js";
import { Refusal } from "./operate-errors.js";
import { consoleOf } from "./operate-ids.js";
import {
  type AzureFlow,
  getResource,
  listResources,
  logicApi,
  readRuns,
  runPath,
  type WorkflowRun,
} from "./operate-workflows.js";

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
  const body = flowBody(call);
  const id = await asked(`start ${flow.name}`, "Microsoft.Logic/workflows/triggers/run/action", async () => {
    const sent = await send(flow, call.runId, body, context);
    const id = sent.runName ?? (await findRun(flow, call.runId, context));
    if (id !== undefined) return id;
    throw (
      sent.lost ??
      new Refusal(502, undefined, "it is started, and Azure shows no run of it: look for it later")
    );
  });
  if (call.calls !== null) await checkBody(flow, id, body, context);
  const fired = context.now().toISOString();
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

interface Sent {
  /** Where the answer has it. */
  readonly runName?: string;
  /** What became of the answer, where nobody knows whether it was started. */
  readonly lost?: unknown;
}

/** Once: what is throttled is not started, of what got no answer nobody knows. */
async function send(
  flow: AzureFlow,
  trackingId: string,
  body: FlowBody,
  { clients, sleep }: FlowStart,
): Promise<Sent> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { headers } = await clients.once.pathUnchecked(`${flow.id}/triggers/${manual}/run`).post({
        queryParameters: { "api-version": logicApi },
        headers: { "x-ms-client-tracking-id": trackingId },
        contentType: "application/json",
        body,
      });
      const runName = headers["x-ms-workflow-run-id"];
      return runName === undefined ? {} : { runName };
    } catch (error) {
      if (!(error instanceof Refusal) || error.status >= 500) return { lost: error };
      if (error.status !== 429 || attempt === 4) throw error;
      await sleep(2000 * attempt, undefined);
    }
  }
}

/** By the id that was sent with the start. Azure shows a new run after some seconds. */
async function findRun(flow: AzureFlow, trackingId: string, { clients, sleep }: FlowStart) {
  for (const pauseMs of [1000, 3000, 6000]) {
    await sleep(pauseMs, undefined);
    const runs = await listResources<WorkflowRun>(clients, `${flow.id}/runs`, { $top: "50" }, 50);
    const found = runs.find(({ properties }) => properties?.correlation?.clientTrackingId === trackingId);
    if (found) return found.name;
  }
  return undefined;
}

/** Nothing is said where Azure doesn't tell. */
async function checkBody(flow: AzureFlow, id: string, body: FlowBody, context: FlowStart): Promise<void> {
  const { manager } = context.clients;
  await asked(`look at the run ${id}`, readRuns, async () => {
    const got = await triggerOutputs(flow, id, context);
    if (got === undefined) return;
    const env = (got as { readonly body?: Partial<FlowBody> }).body?.env;
    if (JSON.stringify(env) === JSON.stringify(body.env)) return;
    await manager
      .pathUnchecked(`${runPath(flow, id)}/cancel`)
      .post({ queryParameters: { "api-version": logicApi } });
    const message = "Azure started the flow without what was asked of it, and the run was cancelled";
    throw new Refusal(400, undefined, message);
  });
}

/** What the run's trigger got; it is there some moments after the start. */
async function triggerOutputs(flow: AzureFlow, id: string, { clients, sleep }: FlowStart): Promise<unknown> {
  for (const pauseMs of [0, 1000, 3000]) {
    if (pauseMs > 0) await sleep(pauseMs, undefined);
    const { properties } = await getResource<WorkflowRun>(clients, runPath(flow, id));
    const { outputs, outputsLink } = properties?.trigger ?? {};
    if (outputs !== undefined) return outputs;
    if (outputsLink?.uri !== undefined) return await contentOf(outputsLink.uri);
  }
  return undefined;
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
