import { expect } from "chai";
import type { LogLine } from "../../../model/run.js";
import { gcp } from "../../../providers/gcp/index.js";
import { nameOf } from "../../../providers/gcp/names.js";
import type { Operator } from "../../../providers/operate.js";
import { printable } from "../../../providers/rendering.js";
import { fullPlan } from "../plans.js";
import { parent } from "./operate-server.js";
import { OperatedStack } from "./operated-stack.js";
import { execute, WorkflowError, type World } from "./workflow-interpreter.js";

// biome-ignore lint/suspicious/noExplicitAny: what the interpreter hands over
type Value = any;

/** Workflows that run as their sources say, on the server's Cloud Run, with jobs that end at once. */
class Workflows {
  readonly #stack: OperatedStack;
  /** Of the plan's names. */
  readonly failing = new Set<string>();
  /** What the jobs' containers were called with, in their order. */
  readonly calls: {
    readonly job: string;
    readonly args: string[] | null;
    readonly env: Record<string, string>;
  }[] = [];

  constructor(stack: OperatedStack) {
    this.#stack = stack;
  }

  #end: () => void = () => {};

  /** What `run` has left to say. */
  end(): void {
    this.#end();
  }

  /** Runs the workflow's execution to its end; whether that is told at once. */
  async run(name: string, isTold = true): Promise<void> {
    const [, workflow = "", id = ""] = /workflows\/([^/]+)\/executions\/([^/]+)$/.exec(name) ?? [];
    const execution = this.#stack.server.workflows.get(workflow)?.find((one) => one.name === name);
    if (!execution) throw new Error(`${name} is not there`);
    let error: { payload: string } | undefined;
    try {
      await execute(this.#sourceOf(workflow), JSON.parse(execution.argument ?? "null"), this.#world(id));
    } catch (thrown) {
      if (!(thrown instanceof WorkflowError)) throw thrown;
      error = { payload: JSON.stringify(thrown.value) };
    }
    this.#end = () => {
      const endTime = this.#stack.now.toISOString();
      Object.assign(execution, error ? { state: "FAILED", endTime, error } : { state: "SUCCEEDED", endTime });
    };
    if (isTold) this.#end();
  }

  #sourceOf(workflow: string): Value {
    const { resources } = gcp.render(this.#stack.plan, { name: "fx", pulumiProject: "pipelines" });
    const made = resources.map(({ inputs }): Value => printable(inputs));
    return JSON.parse(
      made.find(({ name, sourceContents }) => name === workflow && sourceContents).sourceContents,
    );
  }

  #world(id: string): World {
    return {
      env: { GOOGLE_CLOUD_WORKFLOW_EXECUTION_ID: id },
      now: this.#stack.now.getTime() / 1000,
      slept: () => {},
      call: async (name, args) =>
        name === "googleapis.run.v1.namespaces.jobs.run" ? await this.#runJob(args) : {},
    };
  }

  async #runJob({ name, body }: Value): Promise<Value> {
    const physical = name.split("/").at(-1);
    const job =
      this.#stack.plan.jobs.find((one) => this.#stack.physicalJob(one.name) === physical)?.name ?? "";
    const [{ args = null, env }] = body.overrides.containerOverrides;
    const given = Object.fromEntries(env.map((one: Value) => [one.name, one.value]));
    this.calls.push({ job, args, env: given });
    const at = this.#stack.now.toISOString();
    const isBad = this.failing.has(job);
    const id = `${physical}-${this.calls.length}`;
    const condition = { type: "Completed", state: isBad ? "CONDITION_FAILED" : "CONDITION_SUCCEEDED" };
    const template = { containers: [{ args, env }] };
    this.#stack.execution(id, at, { template, conditions: [condition], completionTime: at }, job);
    await this.#stack.record({
      runId: given.HANDOFF_RUN_ID,
      endedAt: at,
      job,
      execution: id,
      status: isBad ? "failure" : "success",
      exitCode: isBad ? 1 : 0,
      scheduledAt: given.HANDOFF_SCHEDULED_AT ?? at,
      schedule: given.HANDOFF_SCHEDULE ?? null,
      trigger: given.HANDOFF_TRIGGER ?? null,
      metrics: { records: 10 },
      ...(isBad ? { error: `task ${job}, step 1 exited with 1` } : {}),
    });
    this.#stack.now = new Date(this.#stack.now.getTime() + 60_000);
    this.#stack.printLine(id, `${job} is done`, {}, { event: "run.end", status: "success" }, job);
    return { metadata: { name: id }, status: isBad ? { failedCount: 1 } : { succeededCount: 1 } };
  }
}

describe("gcp: operating a project of several jobs", function () {
  this.timeout(120_000);
  let stack: OperatedStack;
  let operator: Operator;
  let workflows: Workflows;
  let started: string[];

  beforeEach(async () => {
    stack = new OperatedStack(fullPlan("gcp", { granularity: "task" }));
    operator = await stack.open();
    workflows = new Workflows(stack);
    started = [];
    stack.server.onStart = (name) => started.push(name);
    // What was started has run once somebody has waited.
    stack.onSleep = async () => {
      for (const name of started.splice(0)) if (name.includes("/workflows/")) await workflows.run(name);
    };
  });
  afterEach(() => stack.close());

  it("starts the flow of all jobs, and finds its run under the workflow's own id", async () => {
    const run = await operator.trigger({});
    expect(started).to.deep.equal([
      `${parent}/workflows/${nameOf(stack.plan, "workflow", "all")}/executions/${run.runId}`,
    ]);
    expect(run).to.deep.include({ status: "running", job: "fx-rates" });
    const ended = await operator.wait(run.runId);
    expect(ended).to.deep.include({ status: "success", exitCode: 0, metrics: { records: 40 } });
    expect(workflows.calls.map(({ job }) => job)).to.have.members(["extract", "reference", "load", "report"]);
    for (const { args, env } of workflows.calls) {
      expect(args).to.equal(null);
      expect(env).to.deep.include({ HANDOFF_RUN_ID: run.runId, HANDOFF_SCHEDULED_AT: run.scheduledAt });
    }
    expect((await operator.runs({ limit: 10 })).map(({ runId, status }) => [runId, status])).to.deep.equal([
      [run.runId, "success"],
    ]);
  });

  it("starts the flow of a schedule, for its instant, with what is said on top of it", async () => {
    const scheduledAt = "2026-11-20T11:30:00.000Z";
    const run = await operator.trigger({ schedule: "weekdays", scheduledAt, vars: { base: "USD" } });
    expect(run).to.deep.include({ schedule: "weekdays", scheduledAt });
    const ended = await operator.wait(run.runId);
    expect(ended).to.deep.include({ status: "success", schedule: "weekdays", scheduledAt });
    expect(workflows.calls.map(({ job }) => job)).to.deep.equal(["load", "report"]);
    const [load] = workflows.calls;
    expect(load?.args?.slice(0, 2)).to.deep.equal(["run", "--no-retries"]);
    expect(load?.args?.slice(-3)).to.deep.equal(["-v", "base=USD", "load"]);
    expect(load?.env).to.deep.include({
      HANDOFF_SCHEDULE: "weekdays",
      HANDOFF_SCHEDULED_AT: scheduledAt,
      HANDOFF_OVERLAP: "allow",
      HANDOFF_RUN_ID: run.runId,
    });
    expect(load?.env).to.have.property("HANDOFF_STARTED_AT");
  });

  it("says which job failed, and why", async () => {
    workflows.failing.add("load");
    const run = await operator.trigger({});
    const ended = await operator.wait(run.runId);
    expect(ended).to.deep.include({ status: "failure", exitCode: 1 });
    expect(ended.reason).to.equal("task load, step 1 exited with 1");
    expect(workflows.calls.map(({ job }) => job)).not.to.include("report");
  });

  it("says why a flow failed whose jobs could not start", async () => {
    const run = await operator.trigger({});
    stack.onSleep = () => {
      const [execution] = stack.server.workflows.get(nameOf(stack.plan, "workflow", "all")) ?? [];
      const payload = JSON.stringify({
        code: 403,
        message: "Permission run.jobs.run denied",
        tags: ["HttpError"],
      });
      Object.assign(execution ?? {}, {
        state: "FAILED",
        endTime: "2026-11-21T12:00:09Z",
        error: { payload },
      });
    };
    expect(await operator.wait(run.runId)).to.deep.include({
      status: "failure",
      reason: "Permission run.jobs.run denied",
    });
  });

  it("follows the logs of all jobs, as they come", async () => {
    const run = await operator.trigger({});
    const lines: LogLine[] = [];
    for await (const line of operator.logs(run, { follow: true })) lines.push(line);
    const said = lines.map(({ message }) => message);
    // The first two ran beside each other.
    expect(said.slice(0, 2)).to.have.members(["extract is done", "reference is done"]);
    expect(said.slice(2)).to.deep.equal(["load is done", "report is done"]);
  });

  it("asks no more for the logs of jobs that have ended", async () => {
    const run = await operator.trigger({});
    let waits = 0;
    stack.onSleep = async () => {
      waits += 1;
      // The jobs have ended; the flow goes on for some minutes.
      if (waits === 1) await workflows.run(started.splice(0)[0] ?? "", false);
      if (waits === 60) workflows.end();
    };
    let lines = 0;
    for await (const _ of operator.logs(run, { follow: true })) lines += 1;
    expect(lines).to.equal(4);
    expect(stack.server.asked(/entries:list/).length).to.be.lessThan(30);
  });

  it("runs one job alone", async () => {
    const run = await operator.trigger({ job: "report" });
    expect(run).to.deep.include({ job: "report", status: "queued" });
    expect(started).to.have.length(1);
    expect(started[0]).to.include(`/jobs/${stack.physicalJob("report")}/executions/`);
  });

  it("shows the run that a message has started as the trigger's", async () => {
    const workflow = nameOf(stack.plan, "workflow", "trigger", "orders");
    const data = Buffer.from("42").toString("base64");
    const name = `${parent}/workflows/${workflow}/executions/0000-m1`;
    const at = stack.now.toISOString();
    stack.server.workflows.get(workflow)?.push({
      name,
      createTime: at,
      startTime: at,
      state: "ACTIVE",
      argument: JSON.stringify({ data: { message: { data } } }),
    });
    expect(await operator.run(undefined)).to.deep.include({
      runId: "0000-m1",
      trigger: "orders",
      status: "running",
    });
    await workflows.run(name);
    expect(await operator.run(undefined)).to.deep.include({
      runId: "0000-m1",
      trigger: "orders",
      status: "success",
    });
  });

  it("whose answer is lost is looked for, and not started twice", async () => {
    stack.server.faults.push({ match: /POST .*\/executions$/, kind: "after" });
    stack.onSleep = () => {};
    const run = await operator.trigger({ schedule: "weekdays" });
    expect(run).to.deep.include({ status: "running", schedule: "weekdays" });
    expect(started.map((name) => name.split("/").at(-1))).to.deep.equal([run.runId]);
  });
});
