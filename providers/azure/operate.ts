/** Operating a stack on Azure: Container Apps jobs, Logic Apps and Log Analytics. */
import { get, resume, suspend } from "@azure/arm-appcontainers/api/jobs";
import { UserError } from "../../model/diagnostic.js";
import { type Sleep, sleepFor } from "../cloud-errors.js";
import {
  type CloudDriver,
  type CloudOperatorOptions,
  cloudOperator,
  type Execution,
  type ScheduleState,
} from "../cloud-operate.js";
import type { DeployedStack, Operator } from "../operate.js";
import { type AzureClients, asked, azureClients, mapFew } from "./operate-clients.js";
import { parseId, sameId } from "./operate-ids.js";
import { getExecution, type JobsContext, listExecutions, listJobs } from "./operate-jobs.js";
import { azureLogs, logDelayMs, logDisorderMs, logPollMs } from "./operate-logs.js";
import { startFlow } from "./operate-start-flow.js";
import { startJob } from "./operate-start-job.js";
import {
  type AzureFlow,
  getFlowRun,
  listFlowRuns,
  listWorkflows,
  setWorkflowPaused,
  workflowState,
} from "./operate-workflows.js";

export function azureOperator(stack: DeployedStack, options: CloudOperatorOptions = {}): Operator {
  return cloudOperator(stack, azureDriver(stack, options.sleep ?? sleepFor), options);
}

interface Outputs {
  readonly jobs: Readonly<Record<string, string>>;
  readonly flows: Readonly<Record<string, string>>;
  readonly schedules: Readonly<Record<string, string>>;
  /** Name of each; what they are isn't needed. */
  readonly triggers: readonly string[];
  /** Id of the workspace. */
  readonly logs: string;
  readonly subscription: string;
  /** Of all that runs. */
  readonly group: string;
}

function outputsOf(outputs: DeployedStack["outputs"]): Outputs {
  const ids = (key: string) => (outputs[key] ?? {}) as Readonly<Record<string, string>>;
  const { logs } = outputs;
  if (typeof logs !== "string") {
    throw new UserError("the stack's outputs name no logs", {
      code: "not-deployed",
      hint: "deploy it again with handoff up",
    });
  }
  const { subscription, group } = parseId(logs);
  return {
    jobs: ids("jobs"),
    flows: ids("flows"),
    schedules: ids("schedules"),
    triggers: Object.keys(ids("triggers")),
    logs,
    subscription,
    group,
  };
}

export function azureDriver(
  stack: Pick<DeployedStack, "outputs" | "env" | "now">,
  sleep: Sleep,
): CloudDriver {
  const outputs = outputsOf(stack.outputs);
  const { now } = stack;
  const clients = azureClients(outputs.subscription, stack.env);
  const logs = azureLogs(clients, outputs.logs, now);
  const context: JobsContext = {
    clients,
    group: outputs.group,
    deployed: outputs.jobs,
    now,
    sleep,
    ends: (executions) => logs.ends(executions),
  };
  const jobs = once(() => listJobs(context));
  const flows = once(() => flowsOf(clients, outputs));

  return {
    logDelayMs,
    logDisorderMs,
    logPollMs,
    async executions(limit) {
      const [ofJobs, ofFlows] = await Promise.all([
        jobs().then((found) => listExecutions(context, found)),
        flows().then((found) => mapFew(found, (flow) => listFlowRuns(clients, flow, limit))),
      ]);
      return [...ofJobs, ...ofFlows.flat()];
    },
    async execution({ id, kind, job }): Promise<Execution | null> {
      if (kind === "job") return await getExecution(id, await jobs(), context);
      const flow = (await flows()).find(({ name }) => name === job);
      return flow ? await getFlowRun(clients, flow, id) : null;
    },
    async start(call) {
      if (call.flow === null) return await startJob(call, context);
      const id = outputs.flows[call.flow];
      if (id === undefined) throw new Error(`there is no flow ${call.flow} in the outputs`);
      return await startFlow({ id, name: call.flow }, call, { clients, sleep, now });
    },
    log: (target) => logs.read(target),
    schedule: (name) => scheduleState(clients, name, scheduleId(outputs, name)),
    setPaused: (name, paused) => setPaused(clients, name, scheduleId(outputs, name), paused),
  };
}

/** What is asked for once is known; what failed is asked again. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | undefined;
  return () => {
    const asking = found ?? ask();
    found = asking;
    asking.catch(() => {
      found = undefined;
    });
    return asking;
  };
}

/** With those that take messages, which no output names: they are the Logic Apps that are no schedules. */
async function flowsOf(clients: AzureClients, outputs: Outputs): Promise<AzureFlow[]> {
  const own = Object.entries(outputs.flows).map(([name, id]) => ({ name, id }));
  if (own.length === 0 || outputs.triggers.length === 0) return own;
  const others = [...Object.values(outputs.flows), ...Object.values(outputs.schedules)];
  const all = await listWorkflows(clients, outputs.subscription, outputs.group);
  return [...own, ...all.filter(({ id }) => !others.some((other) => sameId(other, id)))];
}

function scheduleId({ schedules }: Outputs, name: string): string {
  const id = schedules[name];
  if (id === undefined) throw new Error(`there is no schedule ${name} in the outputs`);
  return id;
}

const isJob = (id: string): boolean => parseId(id).type === "microsoft.app/jobs";

async function scheduleState(clients: AzureClients, name: string, id: string): Promise<ScheduleState> {
  if (!isJob(id)) return await workflowState(clients, id, name);
  const { group, name: job } = parseId(id);
  const found = await asked(`read the schedule ${name}`, "Microsoft.App/jobs/read", () =>
    get(clients.manager, group, job),
  );
  const expression = found.configuration?.scheduleTriggerConfig?.cronExpression;
  return {
    paused: found.runningState === "Suspended",
    ...(expression === undefined ? {} : { expression, timezone: "UTC" }),
  };
}

/** A job that its own cron starts is suspended: its deployment stays as it is. */
async function setPaused(clients: AzureClients, name: string, id: string, paused: boolean): Promise<void> {
  if (!isJob(id)) return await setWorkflowPaused(clients, id, name, paused);
  const { group, name: job } = parseId(id);
  const verb = paused ? "suspend" : "resume";
  await asked(
    `${paused ? "pause" : "resume"} the schedule ${name}`,
    `Microsoft.App/jobs/${verb}/action`,
    async () => {
      await (paused ? suspend : resume)(clients.manager, group, job);
    },
  );
}
