import { expect } from "chai";
import type { Operator } from "../../../providers/operate.js";
import { fullPlan } from "../plans.js";
import type { Container } from "./operate-server.js";
import { linesOf, messages, refusal, variables } from "./operate-support.js";
import { OperatedStack } from "./operated-stack.js";

const withEnv = ([container]: readonly Container[], env: Readonly<Record<string, string>>) => ({
  containers: [
    {
      name: "runner",
      ...container,
      env: [...(container?.env ?? []), ...Object.entries(env).map(([name, value]) => ({ name, value }))],
    },
  ],
});

describe("azure: operating a project of many jobs", function () {
  this.timeout(120_000);
  let stack: OperatedStack;
  let operator: Operator;

  beforeEach(async () => {
    stack = new OperatedStack(fullPlan("azure", { granularity: "task" }));
    operator = await stack.open();
  });
  afterEach(() => stack.close());

  const bodyOf = (pattern: RegExp): unknown => stack.server.asked(pattern)[0]?.body;
  /** An execution that the flow started. */
  const started = (job: string, run: string, suffix: string, at: string, fields: object = {}) => {
    const of = stack.job(job);
    const template = withEnv(of.properties.template.containers, {
      HANDOFF_RUN_ID: run,
      HANDOFF_SCHEDULE: "nightly",
    });
    return stack.execution(of, suffix, at, { template, ...fields });
  };

  it("a flow's jobs are one run", async () => {
    const run = "08584560CU12";
    stack.flowRun(stack.workflow("all"), run, "2026-11-21T01:00:00Z", {
      status: "Failed",
      error: { code: "ActionFailed", message: "An action failed." },
    });
    const extract = started("extract", run, "a1", "2026-11-21T01:00:05Z");
    started("reference", run, "b1", "2026-11-21T01:00:06Z", { status: "Failed", reason: "ImagePullFailure" });
    await stack.record({
      runId: run,
      job: "extract",
      execution: extract.name,
      endedAt: "2026-11-21T01:01:00.000Z",
      metrics: { records: 7 },
      tasks: [
        {
          name: "extract",
          status: "success",
          exitCode: 0,
          startedAt: null,
          durationMs: 1,
          attempts: 1,
          steps: [],
        },
      ],
    });
    const [view, ...others] = await operator.runs({ limit: 10 });
    expect(others).to.deep.equal([]);
    expect(view).to.deep.include({
      runId: run,
      job: "fx-rates",
      status: "failure",
      schedule: "nightly",
      metrics: { records: 7 },
      endedAt: "2026-11-21T01:05:00.000Z",
      reason: "reference: ImagePullFailure",
    });
    expect(view?.tasks.map(({ name, status }) => [name, status])).to.deep.equal([
      ["extract", "success"],
      ["reference", "failure"],
    ]);
  });

  it("runs of a trigger's Logic App are found, though no output names it", async () => {
    const taker = [...stack.server.workflows.values()].find(({ name }) => name.includes("orders"));
    if (!taker) throw new Error("nothing takes the orders");
    stack.flowRun(taker, "0858CU99", "2026-11-21T02:00:00Z");
    const { properties } = stack.job("load");
    const template = withEnv(properties.template.containers, {
      HANDOFF_RUN_ID: "0858CU99",
      HANDOFF_TRIGGER: "orders",
    });
    stack.execution(stack.job("load"), "c1", "2026-11-21T02:00:05Z", { template });
    expect(await operator.runs({ limit: 10 })).to.have.length(1);
    expect(await operator.run("0858CU99")).to.deep.include({
      trigger: "orders",
      status: "success",
      job: "fx-rates",
    });
  });

  it("starts the flow as a schedule does, and knows it by Azure's name", async () => {
    const run = await operator.trigger({
      schedule: "weekdays",
      scheduledAt: "2026-11-19T11:30:00Z",
      vars: { base: "CHF" },
    });
    const flow = [...stack.server.workflows.values()].find(({ runs }) => runs.length > 0);
    expect(flow?.id).to.equal((stack.outputs.flows as Record<string, string>)["for-weekdays"]);
    expect(run.runId).to.equal(flow?.runs[0]?.name);
    const scheduled = stack.workflow("weekdays", "schedules").properties.definition as {
      actions: { Start: { inputs: { body: { options: string } } } };
    };
    const { options, env } = bodyOf(/manual\/run/) as {
      options: string;
      env: readonly { name: string; value: string }[];
    };
    // What is given beats what the schedule has.
    expect(JSON.parse(`[""${options}]`)).to.deep.equal([
      ...JSON.parse(`[""${scheduled.actions.Start.inputs.body.options.replaceAll("@@{", "@{")}]`),
      "-v",
      "base=CHF",
    ]);
    expect(Object.fromEntries(env.map(({ name, value }) => [name, value]))).to.deep.equal({
      HANDOFF_SCHEDULED_AT: "2026-11-19T11:30:00.000Z",
      HANDOFF_SCHEDULE: "weekdays",
      HANDOFF_OVERLAP: "allow",
    });
  });

  for (const links of [false, true]) {
    it(`cancels a run that Azure started without what was asked, told ${links ? "by a link" : "in it"}`, async () => {
      stack.server.linksOutputs = links;
      expect(await operator.trigger({ vars: { base: "CHF" } })).to.deep.include({ status: "running" });
      stack.server.passBody = () => undefined;
      const error = await refusal(operator.trigger({ vars: { base: "CHF" } }));
      expect(error.message).to.match(/without what was asked of it, and the run was cancelled/);
      expect(stack.workflow("all").runs.map(({ properties }) => properties.status)).to.deep.equal([
        "Cancelled",
        "Running",
      ]);
    });
  }

  it("finds the run by what was sent along where the answer doesn't name it, or is lost", async () => {
    stack.server.namesRuns = false;
    const one = await operator.trigger({});
    expect(one.runId).to.equal(stack.workflow("all").runs[0]?.name);
    stack.server.faults.push({ match: /manual\/run/, kind: "after" });
    const two = await operator.trigger({});
    expect(stack.workflow("all").runs.map(({ name }) => name)).to.deep.equal([two.runId, one.runId]);
  });

  it("starts one job alone, with an id of ours", async () => {
    const run = await operator.trigger({ job: "load", vars: { base: "CHF" } });
    const [execution] = stack.job("load").executions;
    if (!execution) throw new Error("nothing was started");
    expect(variables(execution).HANDOFF_RUN_ID).to.equal(run.runId);
    expect(execution.properties.template.containers[0]?.args).to.deep.equal([
      "run",
      "--no-retries",
      "-v",
      "base=CHF",
      "load",
    ]);
  });

  it("follows the logs of all jobs until the flow has ended", async () => {
    const run = await operator.trigger({});
    const [flowRun] = stack.workflow("all").runs;
    if (!flowRun) throw new Error("nothing was started");
    const at = () => stack.now.toISOString();
    let looks = 0;
    stack.onSleep = async () => {
      looks += 1;
      const job = looks === 2 ? "extract" : looks === 4 ? "load" : undefined;
      if (job !== undefined) {
        const execution = started(job, run.runId, `s${looks}`, at());
        stack.printLine(execution.name, `${job} begins`);
        stack.printLine(execution.name, `${job} ends`, {}, { event: "run.end" });
        await stack.record({ runId: run.runId, job, execution: execution.name, endedAt: at() });
      }
      if (looks === 6) Object.assign(flowRun.properties, { status: "Succeeded", endTime: at() });
    };
    const lines = await linesOf(operator, run, { follow: true });
    expect(messages(lines)).to.deep.equal(["extract begins", "extract ends", "load begins", "load ends"]);
    expect(await operator.wait(run.runId)).to.deep.include({ status: "success", exitCode: 0 });
  });
});
