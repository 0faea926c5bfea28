import { expect } from "chai";
import { UserError } from "../../../model/diagnostic.js";
import type { LogLine } from "../../../model/run.js";
import { newRunId } from "../../../model/run-id.js";
import type { FollowOptions, Operator, RunView } from "../../../providers/operate.js";
import { fullPlan, planOf } from "../plans.js";
import type { Container, ServedExecution } from "./operate-server.js";
import { OperatedStack } from "./operated-stack.js";

async function refusal(call: Promise<unknown>): Promise<UserError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof UserError) return error;
  throw new Error(`expected a UserError, got ${error instanceof Error ? error.stack : String(error)}`);
}

const idAt = (time: string): string => newRunId(new Date(time));
const variables = ({ properties: { template } }: ServedExecution): Record<string, string | undefined> =>
  Object.fromEntries(template.containers[0]?.env?.map(({ name, value }) => [name, value]) ?? []);
const withEnv = ([container]: readonly Container[], env: Readonly<Record<string, string>>) => ({
  containers: [
    {
      name: "runner",
      ...container,
      env: [...(container?.env ?? []), ...Object.entries(env).map(([name, value]) => ({ name, value }))],
    },
  ],
});

async function linesOf(operator: Operator, run: RunView, options?: FollowOptions): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of operator.logs(run, options)) lines.push(line);
  return lines;
}
const messages = (lines: readonly LogLine[]): string[] => lines.map(({ message }) => message);

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

  describe("logs", () => {
    it("are the lines in the order in which they were printed, each once, over many pages", async () => {
      const execution = stack.execution(stack.job(), "aaaaa", "2026-11-21T11:59:00Z");
      const other = stack.execution(stack.job(), "aaaaab", "2026-11-21T11:59:00Z");
      const count = 4500;
      for (let number = 0; number < count; number += 1) {
        const printed = new Date(stack.now.getTime() + number).toISOString();
        // All come in at the same time, and a page holds fewer.
        stack.printLine(execution.name, `line ${number}`, { printed, came: "2026-11-21T12:02:00Z" });
      }
      stack.printLine(other.name, "of another run");
      stack.now = new Date("2026-11-21T12:10:00Z");
      const lines = await linesOf(operator, await operator.run(execution.name));
      expect(new Set(messages(lines)).size).to.equal(count);
      expect(lines).to.have.length(count);
    });

    it("show what isn't the runner's as it is", async () => {
      const execution = stack.execution(stack.job(), "aaaaa", "2026-11-21T11:59:00Z");
      stack.printLine(execution.name, "hello");
      stack.print(execution.name, "Killed\n", { stream: "stderr" });
      const lines = await linesOf(operator, await operator.run(execution.name));
      expect(lines.map(({ message, level, task }) => [message, level, task])).to.deep.equal([
        ["hello", "info", "extract"],
        ["Killed", "warn", undefined],
      ]);
    });

    it("are empty before there is a table", async () => {
      const execution = stack.execution(stack.job(), "aaaaa", "2026-11-21T11:59:00Z");
      expect(await linesOf(operator, await operator.run(execution.name))).to.deep.equal([]);
    });

    it("are followed to the last line, through what fails, late ones and all", async () => {
      const run = await operator.trigger({});
      const [execution] = executions();
      if (!execution) throw new Error("nothing was started");
      const late: (() => void)[] = [];
      const partial = {
        tables: [{ name: "PrimaryResult", columns: [], rows: [] }],
        error: { code: "PartialError", message: "There were some errors when processing your query." },
      };
      let looks = 0;
      stack.onSleep = async () => {
        looks += 1;
        for (const print of late.splice(0)) print();
        if (looks <= 3) stack.printLine(execution.name, `line ${looks}`);
        // Printed before the last one, and comes in after it.
        const printed = stack.now.toISOString();
        if (looks === 2) late.push(() => stack.printLine(execution.name, "late", { printed }));
        if (looks === 3) stack.server.faults.push({ match: /\/query/, kind: "half" });
        if (looks === 4)
          stack.server.faults.push(
            ...new Array(5).fill({ match: /\/query/, kind: "status", status: 502, body: "<html>" }),
          );
        if (looks === 5)
          stack.server.faults.push({ match: /\/query/, kind: "status", status: 200, body: partial });
        if (looks === 6)
          await stack.record({
            runId: run.runId,
            endedAt: stack.now.toISOString(),
            execution: execution.name,
          });
        if (looks === 7) stack.printLine(execution.name, "run ended", {}, { event: "run.end" });
      };
      const lines = await linesOf(operator, run, { follow: true });
      expect(messages(lines)).to.deep.equal(["line 1", "line 2", "late", "line 3", "run ended"]);
    });

    it("end some minutes after a run that could not say its last line", async () => {
      const execution = stack.execution(stack.job(), "aaaaa", "2026-11-21T11:59:00Z", { status: "Failed" });
      stack.printLine(execution.name, "half a word");
      const found = await operator.run(execution.name);
      stack.onSleep = () => {
        if (stack.slept.length === 20) stack.printLine(execution.name, "another that came late");
      };
      const before = stack.now.getTime();
      const lines = await linesOf(operator, found, { follow: true });
      expect(messages(lines)).to.deep.equal(["half a word", "another that came late"]);
      expect(stack.now.getTime() - before).to.be.within(300_000, 310_000);
    });

    it("end without an error when nobody wants more", async () => {
      const run = await operator.trigger({});
      const aborter = new AbortController();
      stack.onSleep = () => {
        stack.printLine(executions()[0]?.name ?? "", `line ${stack.slept.length}`);
        if (stack.slept.length === 3) aborter.abort();
      };
      const lines = await linesOf(operator, run, { follow: true, signal: aborter.signal });
      expect(messages(lines)).to.deep.equal(["line 1", "line 2"]);
    });

    it("that nobody may read are an error", async () => {
      const execution = stack.execution(stack.job(), "aaaaa", "2026-11-21T11:59:00Z");
      const found = await operator.run(execution.name);
      const body = { error: { code: "InsufficientAccessError", message: "insufficient access" } };
      stack.server.faults.push({ match: /\/query/, kind: "status", status: 403, body });
      const error = await refusal(linesOf(operator, found));
      expect(error.code).to.equal("not-allowed");
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
