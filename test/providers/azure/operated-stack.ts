/** A stack on Azure as it is rendered, operated against the server of operate-server.ts; records in a folder. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRecords } from "../../../cli/records.js";
import type { DeployPlan } from "../../../model/plan-types.js";
import { azure } from "../../../providers/azure/index.js";
import { azureOperator } from "../../../providers/azure/operate.js";
import type { DeployedStack, Operator } from "../../../providers/operate.js";
import { evaluate, type RenderedValue } from "../../../providers/rendering.js";
import { writeRecord } from "../../../runner-image/src/records.js";
import { openObjects } from "../../../runner-image/src/store/objects.js";
import { makeRecord, type RecordFields } from "../../support/records.js";
import {
  AzureServer,
  type ConsoleRow,
  type ServedExecution,
  type ServedJob,
  type ServedRun,
  type ServedWorkflow,
  subscription,
} from "./operate-server.js";

export class OperatedStack {
  readonly server = new AzureServer();
  readonly plan: DeployPlan;
  readonly outputs: Readonly<Record<string, unknown>>;
  /** What time it is; sleeping makes it later. */
  now = new Date("2026-11-21T12:00:00.000Z");
  readonly slept: number[] = [];
  /** Called whenever the operator waits: the world goes on. */
  onSleep: () => void | Promise<void> = () => {};
  readonly #folder = mkdtempSync(join(tmpdir(), "handoff-azure-operate-"));
  readonly #artifacts: string;
  #env: DeployedStack["env"] = {};
  #lines = 0;

  /** @param store where records are, with the environment that opens it; default: a folder */
  constructor(plan: DeployPlan, store?: { readonly url: string; readonly env: DeployedStack["env"] }) {
    this.plan = plan;
    this.#artifacts = store?.url ?? this.#folder;
    this.#env = store?.env ?? {};
    this.server.now = () => this.now;
    this.outputs = this.#deploy();
  }

  /** Every job, Logic App and workspace as it is rendered. @returns the stack's outputs */
  #deploy(): Readonly<Record<string, unknown>> {
    const { resources, outputs } = azure.render(this.plan, { name: "fx", pulumiProject: "pipelines" });
    const inputs = new Map(resources.map((resource) => [resource.name, resource]));
    const value = (rendered: RenderedValue): unknown =>
      evaluate(rendered, { reference: (name, output) => answer(name, output), secret: () => "secret" });
    const answer = (name: string, output: string): unknown => {
      const resource = inputs.get(name);
      if (output === "subscriptionId") return subscription;
      const kind = resource === undefined ? undefined : kinds[resource.type];
      if (!resource || !kind) return `${name}.${output}`;
      const physical = String(value(resource.inputs[kind.name]));
      if (output === "name") return physical;
      if (output !== "id") return `${name}.${output}`;
      const group = value(resource.inputs.resourceGroupName);
      return `/subscriptions/${subscription}/resourceGroups/${group}/providers/${kind.type}/${physical}`;
    };
    for (const { type, name, inputs: given } of resources) {
      const id = String(answer(name, "id"));
      const physical = String(answer(name, "name"));
      if (type === "azure-native:operationalinsights:Workspace") this.server.workspace = id;
      if (type === "azure-native:logic:Workflow") {
        const properties = { state: String(given.state), definition: value(given.definition) };
        this.server.workflows.set(physical, { id, name: physical, properties, runs: [] });
      }
      if (type !== "azure-native:app:Job") continue;
      const { configuration, template } = value({
        configuration: given.configuration,
        template: given.template,
      }) as ServedJob["properties"];
      const properties = { runningState: "Ready", configuration, template };
      this.server.jobs.set(physical, { id, name: physical, properties, executions: [] });
    }
    const made = value(outputs) as Readonly<Record<string, unknown>>;
    return { ...made, stores: { artifacts: this.#artifacts } };
  }

  async open(): Promise<Operator> {
    this.#env = { ...this.#env, HANDOFF_AZURE_ENDPOINT: await this.server.listen() };
    return this.operator();
  }

  operator(env: DeployedStack["env"] = this.#env): Operator {
    return azureOperator(this.stack(env), {
      clock: () => this.now.getTime(),
      sleep: async (ms, signal) => {
        this.slept.push(ms);
        this.now = new Date(this.now.getTime() + ms);
        if (!signal?.aborted) await this.onSleep();
      },
    });
  }

  stack(env: DeployedStack["env"] = this.#env): DeployedStack {
    return {
      pulumiProject: "pipelines",
      settings: this.plan.settings,
      plan: () => this.plan,
      outputs: this.outputs,
      env,
      now: () => this.now,
      openRecords,
    };
  }

  async close(): Promise<void> {
    await this.server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** As the runner leaves it. */
  async record(fields: RecordFields): Promise<void> {
    const store = await openObjects(this.#artifacts, this.#env);
    await writeRecord(store, makeRecord(this.plan.jobs[0]?.name ?? "", fields));
  }

  /** The job of a name in the outputs, or of a schedule. */
  job(name: string = this.plan.jobs[0]?.name ?? "", of: "jobs" | "schedules" = "jobs"): ServedJob {
    const found = this.server.jobs.get(this.#nameOf(of, name));
    if (!found) throw new Error(`there is no job ${name}`);
    return found;
  }

  workflow(name: string, of: "flows" | "schedules" = "flows"): ServedWorkflow {
    const found = this.server.workflows.get(this.#nameOf(of, name));
    if (!found) throw new Error(`there is no Logic App ${name}`);
    return found;
  }

  #nameOf(of: string, name: string): string {
    const ids = this.outputs[of] as Readonly<Record<string, string>>;
    return ids[name]?.split("/").at(-1) ?? "";
  }

  /** One that Azure has; by default it has run well for a minute. */
  execution(
    job: ServedJob,
    suffix: string,
    startTime: string,
    fields: Partial<ServedExecution["properties"]> = {},
  ): ServedExecution {
    const execution: ServedExecution = {
      name: `${job.name}-${suffix}`,
      properties: {
        status: "Succeeded",
        startTime,
        endTime: later(startTime, 60),
        template: job.properties.template,
        ...fields,
      },
    };
    // In no order that anybody could rely on.
    job.executions.splice(job.executions.length % 2, 0, execution);
    return execution;
  }

  /** A run of a flow; by default it has gone well for five minutes. */
  flowRun(
    flow: ServedWorkflow,
    name: string,
    startTime: string,
    fields: Partial<ServedRun["properties"]> = {},
  ): ServedRun {
    const properties = { status: "Succeeded", startTime, endTime: later(startTime, 300), ...fields };
    const run = { name, properties };
    flow.runs.unshift(run);
    return run;
  }

  /** A line that the execution's container prints now. */
  print(execution: string, line: string, fields: Partial<ConsoleRow> = {}): void {
    this.#lines += 1;
    const now = this.now.toISOString();
    this.server.console.push({
      printed: now,
      came: now,
      group: `${execution}-k8s7d`,
      line,
      id: `item-${this.#lines}`,
      stream: "stdout",
      ...fields,
    });
  }

  /** A line of the runner. */
  printLine(execution: string, message: string, fields: Partial<ConsoleRow> = {}, more: object = {}): void {
    const time = fields.printed ?? this.now.toISOString();
    const line = { time, level: "info", runId: "r", task: "extract", stream: "stdout", message, ...more };
    this.print(execution, JSON.stringify(line), fields);
  }
}

/** Where a resource's own name is, and its type in an id. */
const kinds: Readonly<Record<string, { readonly name: string; readonly type: string }>> = {
  "azure-native:app:Job": { name: "jobName", type: "Microsoft.App/jobs" },
  "azure-native:logic:Workflow": { name: "workflowName", type: "Microsoft.Logic/workflows" },
  "azure-native:operationalinsights:Workspace": {
    name: "workspaceName",
    type: "Microsoft.OperationalInsights/workspaces",
  },
  "azure-native:resources:ResourceGroup": {
    name: "resourceGroupName",
    type: "Microsoft.Resources/resourceGroups",
  },
};

export function later(time: string, seconds: number): string {
  return new Date(Date.parse(time) + seconds * 1000).toISOString();
}
