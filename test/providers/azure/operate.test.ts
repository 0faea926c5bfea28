import { expect } from "chai";
import type { Operator } from "../../../providers/operate.js";
import { fullPlan, planOf } from "../plans.js";
import type { ServedExecution } from "./operate-server.js";
import { idAt, refusal, variables } from "./operate-support.js";
import { OperatedStack } from "./operated-stack.js";

/** Of one schedule whose time is the same in UTC all year, and one that needs a Logic App. */
const twoSchedules = `version: 1
name: fx
tasks:
- name: fetch
  pipeline: [{command: date}]
schedules:
- {name: utc, cron: "0 6 * * *"}
- {name: paris, cron: "0 7 * * *", timezone: Europe/Paris}
- {name: off, cron: "0 8 * * *", enabled: false}
`;

describe("azure: operating a project of one job", function () {
  this.timeout(120_000);
  let stack: OperatedStack;
  let operator: Operator;

  beforeEach(async () => {
    stack = new OperatedStack(fullPlan("azure"));
    operator = await stack.open();
  });
  afterEach(() => stack.close());

  const executions = (): ServedExecution[] => stack.job().executions;

  describe("runs", () => {
    it("are the records, and what Container Apps knows of those without one", async () => {
      const runId = idAt("2026-11-21T06:00:10Z");
      const often = stack.execution(stack.job("often", "schedules"), "29384720", "2026-11-21T06:00:00Z");
      await stack.record({
        runId,
        endedAt: "2026-11-21T06:01:00.000Z",
        scheduledAt: "2026-11-21T06:00:00.000Z",
        schedule: "often",
        execution: often.name,
        metrics: { records: 1204 },
      });
      stack.execution(stack.job(), "aaaaa", "2026-11-21T07:00:00Z", {
        status: "Failed",
        detailedStatus: { replicas: [{ name: "r", containers: [{ name: "runner", code: 137 }] }] },
      });
      stack.execution(stack.job(), "bbbbb", "2026-11-21T08:00:00Z", { status: "Stopped" });
      stack.execution(stack.job(), "ccccc", "2026-11-21T09:00:00Z", {
        status: "Failed",
        reason: "DeadlineExceeded",
        message: "Job was active longer than specified deadline",
      });
      const going = stack.execution(stack.job(), "ddddd", "2026-11-21T10:00:00Z", { status: "Running" });
      delete going.properties.endTime;

      const runs = await operator.runs({ limit: 10 });
      expect(runs.map(({ runId: id, status }) => [id, status])).to.deep.equal([
        [`${stack.job().name}-ddddd`, "running"],
        [`${stack.job().name}-ccccc`, "timeout"],
        [`${stack.job().name}-bbbbb`, "stopped"],
        [`${stack.job().name}-aaaaa`, "failure"],
        [runId, "success"],
      ]);
      const [running, timedOut, , noMemory, well] = runs;
      expect(running).to.deep.include({
        deployment: "pipelines-prod",
        client: "client-a",
        job: "fx-rates",
        startedAt: "2026-11-21T10:00:00.000Z",
        endedAt: null,
        exitCode: null,
      });
      expect(running?.console).to.match(/^https:\/\/portal\.azure\.com\/#resource\/subscriptions\//);
      expect(timedOut?.reason).to.equal("DeadlineExceeded: Job was active longer than specified deadline");
      expect(noMemory).to.deep.include({ exitCode: 137, durationMs: 60_000 });
      expect(noMemory?.reason).to.match(/it had no memory left/);
      expect(well).to.deep.include({ schedule: "often", metrics: { records: 1204 }, reason: null });
    });

    it("that failed without a word are explained by the system's log, in one question", async () => {
      const job = stack.job();
      const image = stack.execution(job, "aaaaa", "2026-11-21T07:00:00Z", { status: "Failed" });
      const gone = stack.execution(job, "bbbbb", "2026-11-21T08:00:00Z", { status: "Failed" });
      const silent = stack.execution(job, "ccccc", "2026-11-21T09:00:00Z", { status: "Failed" });
      const said = (execution: string, reason: string, line: string) =>
        stack.server.system.push({ printed: "2026-11-21T09:00:00Z", execution, reason, line });
      said(image.name, "ImagePullBackOff", "Back-off pulling image 'x.azurecr.io/fx'");
      said(image.name, "DeadlineExceeded", "Job was active longer than specified deadline");
      said(gone.name, "ContainerTerminated", "Container 'runner' was terminated with exit code '137'");
      said(gone.name, "Started", "Started container runner");

      const runs = await operator.runs({ limit: 10 });
      expect(
        runs.map(({ runId, status, exitCode, reason }) => [runId, status, exitCode, reason]),
      ).to.deep.equal([
        [silent.name, "failure", null, null],
        [
          gone.name,
          "failure",
          137,
          "the container was killed (exit code 137): it had no memory left, most likely; ask for more with `resources`",
        ],
        [image.name, "timeout", null, "ImagePullBackOff: Back-off pulling image 'x.azurecr.io/fx'"],
      ]);
      expect(stack.server.asked(/\/query$/)).to.have.length(1);
    });

    it("end as the runner's exit code says, where nothing else is left of them", async () => {
      const ended = (suffix: string, hour: number, code: number) =>
        stack.execution(stack.job(), suffix, `2026-11-21T0${hour}:00:00Z`, {
          status: "Failed",
          detailedStatus: { replicas: [{ name: "r", containers: [{ name: "runner", code }] }] },
        });
      ended("aaaaa", 1, 124);
      ended("bbbbb", 2, 143);
      ended("ccccc", 3, 1);
      const runs = await operator.runs({ limit: 10 });
      expect(runs.map(({ status, exitCode }) => [status, exitCode])).to.deep.equal([
        ["failure", 1],
        ["stopped", 143],
        ["timeout", 124],
      ]);
      expect(runs[0]?.reason).to.equal("the container exited with 1");
      // Azure has said it: no log is asked.
      expect(stack.server.asked(/\/query$/)).to.have.length(0);
    });

    it("are listed for whoever may not read logs", async () => {
      stack.execution(stack.job(), "aaaaa", "2026-11-21T07:00:00Z", { status: "Failed" });
      stack.server.faults.push({
        match: /\/query$/,
        kind: "status",
        status: 403,
        body: {
          error: {
            code: "InsufficientAccessError",
            message: "The provided credentials have insufficient access",
          },
        },
      });
      expect(await operator.runs({ limit: 1 })).to.have.length(1);
    });

    it("are read page by page, of the jobs of schedules and triggers too", async () => {
      stack.server.mostPerPage = 3;
      const jobs = [...stack.server.jobs.values()];
      expect(jobs.length).to.be.greaterThan(3);
      for (const [place, job] of jobs.entries()) {
        for (const number of [1, 2, 3, 4])
          stack.execution(job, `p${number}`, `2026-11-2${number}T0${place}:00:00Z`);
      }
      const all = await operator.runs({ limit: 100 });
      expect(all).to.have.length(jobs.length * 4);
      expect(new Set(all.map(({ schedule }) => schedule))).to.deep.equal(
        new Set([null, ...stack.plan.schedules.map(({ name }) => name)]),
      );
      expect(new Set(all.map(({ trigger }) => trigger))).to.deep.equal(new Set([null, "orders", "any"]));
      const newest = await operator.runs({ limit: 5 });
      expect(newest.map(({ runId }) => runId)).to.deep.equal(all.slice(0, 5).map(({ runId }) => runId));
    });

    it("are found by the beginning of their ids, and by Azure's own name", async () => {
      const [one, other] = [idAt("2026-11-20T06:00:00Z"), idAt("2026-11-21T06:00:00Z")];
      const execution = stack.execution(stack.job(), "aaaaa", "2026-11-21T06:00:00Z");
      await stack.record({ runId: one, endedAt: "2026-11-20T06:01:00.000Z" });
      await stack.record({ runId: other, endedAt: "2026-11-21T06:01:00.000Z", execution: execution.name });
      expect((await operator.run("20261120")).runId).to.equal(one);
      expect((await operator.run(execution.name)).runId).to.equal(other);
      expect((await operator.run(undefined)).runId).to.equal(other);
      expect((await refusal(operator.run("2026"))).code).to.equal("ambiguous-run");
      expect((await refusal(operator.run("1999"))).code).to.equal("unknown-run");
    });

    it("survive a server that refuses, and connections that end", async () => {
      stack.execution(stack.job(), "aaaaa", "2026-11-21T06:00:00Z");
      const throttled = { error: { code: "TooManyRequests", message: "The request is being throttled." } };
      stack.server.faults.push(
        { match: /GET .*\/jobs\?/, kind: "status", status: 503 },
        { match: /GET .*\/jobs\?/, kind: "before" },
        { match: /GET .*\/executions\?/, kind: "half" },
        { match: /GET .*\/executions\?/, kind: "status", status: 500, body: throttled },
      );
      expect(await operator.runs({ limit: 5 })).to.have.length(1);
      expect(stack.server.faults).to.have.length(0);
    });
  });

  describe("trigger", () => {
    it("starts the job with a new id, complete, with what was its own", async () => {
      const run = await operator.trigger({});
      const [execution] = executions();
      if (!execution) throw new Error("nothing was started");
      const [own] = stack.job().properties.template.containers;
      const [started] = execution.properties.template.containers;
      expect(started).to.deep.include({ name: "runner", args: own?.args, image: own?.image });
      expect(started?.resources).to.deep.equal(own?.resources);
      expect(variables(execution)).to.deep.equal({
        ...Object.fromEntries(own?.env?.map(({ name, value }) => [name, value]) ?? []),
        HANDOFF_RUN_ID: run.runId,
        HANDOFF_SCHEDULED_AT: "2026-11-21T12:00:00.000Z",
      });
      expect(started?.env?.filter(({ secretRef }) => secretRef)).to.deep.equal(
        own?.env?.filter(({ secretRef }) => secretRef),
      );
      expect(run).to.deep.include({ job: "fx-rates", status: "queued", schedule: null });
    });

    it("sends a variable once, that the job had before", async () => {
      const [own] = stack.job().properties.template.containers;
      Object.assign(own ?? {}, { env: [{ name: "HANDOFF_SCHEDULED_AT", value: "long ago" }] });
      const { runId } = await operator.trigger({});
      expect(executions()[0]?.properties.template.containers[0]?.env).to.deep.equal([
        { name: "HANDOFF_SCHEDULED_AT", value: "2026-11-21T12:00:00.000Z" },
        { name: "HANDOFF_RUN_ID", value: runId },
      ]);
    });

    it("gives values and tasks as arguments", async () => {
      await operator.trigger({ tasks: ["load"], vars: { base: "EUR" }, envs: { MODE: "a b" } });
      expect(executions()[0]?.properties.template.containers[0]?.args).to.deep.equal([
        "run",
        "-v",
        "base=EUR",
        "-e",
        "MODE=a b",
        "load",
      ]);
    });

    it("runs what a schedule would, for another instant, outside of its lease", async () => {
      await operator.trigger({ schedule: "weekdays", scheduledAt: "2026-11-19T11:30:00Z" });
      const [execution] = executions();
      if (!execution) throw new Error("nothing was started");
      const scheduled = stack.job("weekdays", "schedules").properties.template.containers[0];
      expect(execution.properties.template.containers[0]?.args).to.deep.equal(scheduled?.args);
      expect(variables(execution)).to.deep.include({
        HANDOFF_SCHEDULE: "weekdays",
        HANDOFF_OVERLAP: "allow",
        HANDOFF_SCHEDULED_AT: "2026-11-19T11:30:00.000Z",
      });
    });

    it("is waited for until its record is there, and fails as it did", async () => {
      const { runId } = await operator.trigger({});
      let waits = 0;
      stack.onSleep = async () => {
        waits += 1;
        const [execution] = executions();
        if (waits !== 3 || !execution) return;
        await stack.record({
          runId,
          endedAt: stack.now.toISOString(),
          status: "failure",
          exitCode: 1,
          error: "task load, step load exited with 3",
          execution: execution.name,
        });
      };
      expect(await operator.wait(runId)).to.deep.include({
        status: "failure",
        exitCode: 1,
        reason: "task load, step load exited with 3",
      });
    });

    it("that was killed tells by what", async () => {
      const { runId } = await operator.trigger({});
      stack.onSleep = () => {
        Object.assign(executions()[0]?.properties ?? {}, {
          status: "Failed",
          endTime: stack.now.toISOString(),
          detailedStatus: { replicas: [{ containers: [{ code: 137, status: "Terminated" }] }] },
        });
      };
      const run = await operator.wait(runId);
      expect(run).to.deep.include({ status: "failure", exitCode: 137, runId });
      expect(run.reason).to.match(/no memory left/);
    });

    it("is looked for where the answer doesn't name it", async () => {
      stack.server.silentStart = true;
      const { runId } = await operator.trigger({});
      stack.onSleep = () => {
        Object.assign(executions()[0]?.properties ?? {}, { status: "Succeeded" });
      };
      expect((await operator.wait(runId)).status).to.equal("success");
    });

    it("whose answer is lost is looked for, and not made twice", async () => {
      stack.server.faults.push({ match: /\/start\?/, kind: "after" });
      const run = await operator.trigger({});
      expect(executions()).to.have.length(1);
      expect(variables(executions()[0] as ServedExecution).HANDOFF_RUN_ID).to.equal(run.runId);
      expect(stack.server.asked(/POST .*\/start/)).to.have.length(1);
    });

    it("that was not started is an error, and not made twice either", async () => {
      stack.server.faults.push({
        match: /\/start\?/,
        kind: "status",
        status: 502,
        body: "<html>Bad Gateway</html>",
      });
      const error = await refusal(operator.trigger({}));
      expect(error.message).to.equal("can't start the job fx-rates: the answer was HTTP 502");
      expect(executions()).to.have.length(0);
      expect(stack.server.asked(/POST .*\/start/)).to.have.length(1);
    });

    it("is made again where there are too many at the moment", async () => {
      stack.server.faults.push({ match: /\/start\?/, kind: "status", status: 429 });
      await operator.trigger({});
      expect(executions()).to.have.length(1);
    });
  });

  describe("what is refused", () => {
    it("names the permission", async () => {
      const body = {
        error: {
          code: "AuthorizationFailed",
          message: "The client 'x' does not have authorization to perform action.",
        },
      };
      stack.server.faults.push({ match: /\/start\?/, kind: "status", status: 403, body });
      const error = await refusal(operator.trigger({}));
      expect(error.code).to.equal("not-allowed");
      expect(error.hint).to.contain("Microsoft.App/jobs/start/action");
      expect(executions()).to.have.length(0);
    });

    it("says how one signs in", async () => {
      const body = {
        error: { code: "ExpiredAuthenticationToken", message: "The access token expiry UTC time is past." },
      };
      stack.server.faults.push({ match: /\/jobs\?/, kind: "status", status: 401, body });
      const error = await refusal(operator.runs({ limit: 1 }));
      expect(error.code).to.equal("signed-out");
      expect(error.hint).to.match(/az login/);
    });

    it("is said where nobody answers", async () => {
      const error = await refusal(
        stack.operator({ HANDOFF_AZURE_ENDPOINT: "http://127.0.0.1:1" }).schedules(),
      );
      expect(error.code).to.equal("cloud-call");
      expect(error.message).to.match(/ECONNREFUSED/);
    });
  });
});

describe("azure: schedules", function () {
  this.timeout(120_000);
  let stack: OperatedStack;
  let operator: Operator;

  beforeEach(async () => {
    stack = new OperatedStack(planOf(twoSchedules, "azure"));
    operator = await stack.open();
  });
  afterEach(() => stack.close());

  const paused = async () =>
    Object.fromEntries((await operator.schedules()).map(({ name, paused: is }) => [name, is]));

  it("are paused where they are: a job is suspended, a Logic App is disabled", async () => {
    expect(await paused()).to.deep.equal({ off: false, paris: false, utc: false });
    await operator.setPaused("utc", true);
    await operator.setPaused("paris", true);
    expect(await paused()).to.deep.equal({ off: false, paris: true, utc: true });
    expect(stack.job("utc", "schedules").properties.runningState).to.equal("Suspended");
    expect(stack.workflow("paris", "schedules").properties.state).to.equal("Disabled");
    // The job that the Logic App starts is left alone: nothing else starts it.
    expect(
      [...stack.server.jobs.values()].filter(({ properties }) => properties.runningState !== "Ready"),
    ).to.have.length(1);
    const changed = stack.server.requests.filter(({ method }) => method !== "GET" && method !== "POST");
    expect(changed).to.deep.equal([]);

    await operator.setPaused("utc", false);
    await operator.setPaused("paris", false);
    expect(await paused()).to.deep.equal({ off: false, paris: false, utc: false });
  });

  it("say when they fire next, and their newest run", async () => {
    const runId = idAt("2026-11-21T06:00:05Z");
    await stack.record({
      runId,
      endedAt: "2026-11-21T06:01:00.000Z",
      schedule: "utc",
      scheduledAt: "2026-11-21T06:00:00.000Z",
    });
    const [off, paris, utc] = await operator.schedules();
    expect(utc).to.deep.include({
      name: "utc",
      job: "fx",
      enabled: true,
      next: ["2026-11-22T06:00:00.000Z", "2026-11-23T06:00:00.000Z", "2026-11-24T06:00:00.000Z"],
      last: { runId, scheduledAt: "2026-11-21T06:00:00.000Z", status: "success" },
    });
    expect(paris?.next[0]).to.equal("2026-11-22T06:00:00.000Z");
    expect(off).to.deep.include({ enabled: false, next: [] });
    expect((await refusal(operator.setPaused("utx", true))).hint).to.equal("did you mean utc?");
  });
});
