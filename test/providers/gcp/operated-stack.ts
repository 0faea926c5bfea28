/** A stack of Google Cloud as it would be deployed, operated against the server of operate-server.ts; records in a folder. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRecords } from "../../../cli/records.js";
import type { DeployPlan } from "../../../model/plan-types.js";
import { newRunId } from "../../../model/run-id.js";
import { flowsOf } from "../../../providers/flows.js";
import { gcp } from "../../../providers/gcp/index.js";
import { jobName, nameOf } from "../../../providers/gcp/names.js";
import { operateGcp } from "../../../providers/gcp/operate.js";
import type { DeployedStack, Operator } from "../../../providers/operate.js";
import { printable } from "../../../providers/rendering.js";
import { writeRecord } from "../../../runner-image/src/records.js";
import { openObjects } from "../../../runner-image/src/store/objects.js";
import { makeRecord, type RecordFields } from "../../support/records.js";
import { GcpServer, type LogEntry, parent, type RunExecution } from "./operate-server.js";

export class OperatedStack {
  readonly server = new GcpServer();
  readonly plan: DeployPlan;
  readonly outputs: Readonly<Record<string, unknown>>;
  /** What time it is; sleeping makes it later. */
  now = new Date("2026-11-21T12:00:00.000Z");
  readonly slept: number[] = [];
  /** Called whenever the operator waits: the world goes on. */
  onSleep: () => void | Promise<void> = () => {};
  readonly #artifacts = mkdtempSync(join(tmpdir(), "handoff-gcp-operate-"));
  #env: DeployedStack["env"] = {};
  #entries = 0;

  constructor(plan: DeployPlan) {
    this.plan = plan;
    const rendered = printable(
      gcp.render(plan, { name: "fx", pulumiProject: "pipelines" }).outputs,
    ) as object;
    const flows = flowsOf(plan).map(({ name }) => [name, nameOf(plan, "workflow", name)]);
    const triggers = plan.triggers.map(({ name }) => [name, nameOf(plan, "workflow", "trigger", name)]);
    this.outputs = {
      ...rendered,
      flows: Object.fromEntries(flows),
      ...(flows.length > 0 ? { triggerFlows: Object.fromEntries(triggers) } : {}),
      logBucket: `${parent}/buckets/kept`,
      stores: { artifacts: this.#artifacts },
    };
    for (const { name } of plan.jobs) this.server.executions.set(jobName(plan, name), []);
    for (const [, workflow] of [...flows, ...triggers]) this.server.workflows.set(String(workflow), []);
    for (const { name, cron, timezone } of plan.schedules)
      this.server.schedules.set(nameOf(plan, "schedulerJob", name), {
        schedule: cron,
        timeZone: timezone,
        state: "ENABLED",
      });
  }

  async open(): Promise<Operator> {
    this.#env = { HANDOFF_GCP_ENDPOINT: await this.server.listen() };
    return this.operator();
  }

  operator(env: DeployedStack["env"] = this.#env): Operator {
    const stack: DeployedStack = {
      pulumiProject: "pipelines",
      settings: this.plan.settings,
      plan: () => this.plan,
      outputs: this.outputs,
      env,
      now: () => this.now,
      openRecords,
    };
    return operateGcp(stack, {
      clock: () => this.now.getTime(),
      sleep: async (ms, signal) => {
        this.slept.push(ms);
        this.now = new Date(this.now.getTime() + ms);
        if (!signal?.aborted) await this.onSleep();
      },
    });
  }

  async close(): Promise<void> {
    await this.server.close();
    rmSync(this.#artifacts, { recursive: true, force: true });
  }

  /** As the runner leaves it. */
  async record(fields: RecordFields): Promise<void> {
    const store = await openObjects(this.#artifacts, {});
    await writeRecord(store, makeRecord(this.plan.jobs[0]?.name ?? "", fields));
  }

  physicalJob(job: string = this.plan.jobs[0]?.name ?? ""): string {
    return jobName(this.plan, job);
  }

  /** One that the platform has; by default it has run well. */
  execution(id: string, createTime: string, fields: Partial<RunExecution> = {}, job?: string): RunExecution {
    const physical = this.physicalJob(job);
    const execution: RunExecution = {
      name: `${parent}/jobs/${physical}/executions/${id}`,
      job: physical,
      createTime,
      startTime: later(createTime, 5),
      completionTime: later(createTime, 65),
      template: { containers: [{ args: ["run"], env: [] }] },
      conditions: [{ type: "Completed", state: "CONDITION_SUCCEEDED" }],
      succeededCount: 1,
      ...fields,
    };
    this.server.executions.get(physical)?.push(execution);
    return execution;
  }

  /** A line that the execution's container prints now. */
  print(execution: string, fields: Partial<LogEntry>, job?: string): void {
    this.#entries += 1;
    this.server.entries.push({
      insertId: `i${this.#entries}`,
      logName: "projects/my-project/logs/run.googleapis.com%2Fstdout",
      resource: {
        type: "cloud_run_job",
        labels: { project_id: "my-project", location: "us-central1", job_name: this.physicalJob(job) },
      },
      labels: { "run.googleapis.com/execution_name": execution },
      severity: "DEFAULT",
      timestamp: this.now.toISOString(),
      receiveTimestamp: this.now.toISOString(),
      ...fields,
    });
  }

  /** A line of the runner, as Cloud Logging takes it apart. */
  printLine(
    execution: string,
    message: string,
    fields: Partial<LogEntry> = {},
    line: object = {},
    job?: string,
  ): void {
    const jsonPayload = { level: "info", runId: "r", task: "extract", stream: "stdout", message, ...line };
    this.print(execution, { jsonPayload, ...fields }, job);
  }
}

export function later(time: string, seconds: number): string {
  return new Date(Date.parse(time) + seconds * 1000).toISOString().replace("Z", "456789Z");
}

/** An id such as a run of that time has. */
export const idAt = (time: string): string => newRunId(new Date(time));
