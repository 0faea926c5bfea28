import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StopTaskCommand } from "@aws-sdk/client-ecs";
import { DescribeExecutionCommand } from "@aws-sdk/client-sfn";
import { expect } from "chai";
import { UserError } from "../../../model/diagnostic.js";
import type { LogLine } from "../../../model/run.js";
import type { Operator, RunView } from "../../../providers/operate.js";
import { startFaultyProxy } from "../../runner/store/faulty-proxy.js";
import { planOf } from "../plans.js";
import { type AwsStack, type AwsWorld, startAwsWorld } from "./operate-world.js";

const project = `version: 1
name: fx
vars: {base: USD}
tasks:
- {name: fetch, commands: [{command: echo fetch}]}
- {name: load, commands: [{command: echo load}]}
schedules:
- {name: every-morning, cron: "0 6 * * *", timezone: Europe/Berlin, tasks: [fetch], vars: {base: EUR}}
- {name: off, cron: "0 7 * * *", enabled: false}
`;

const flow = `version: 1
name: fx
deploy: {granularity: task}
tasks:
- {name: fetch, commands: [{command: echo fetch}]}
- {name: load, depends_on: [fetch], commands: [{command: echo load}]}
schedules:
- {name: nightly, cron: "0 1 * * *"}
`;

/** Time that passes sooner. */
const soon = async (ms: number): Promise<void> => await pause(Math.min(ms, 20));

async function collect(lines: AsyncIterable<LogLine>): Promise<string[]> {
  const found: string[] = [];
  for await (const { message } of lines) found.push(message);
  return found;
}

async function failureOf(action: Promise<unknown>): Promise<UserError> {
  try {
    await action;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

describe("operating a stack on AWS", function () {
  this.timeout(120_000);
  let world: AwsWorld;

  before(async function () {
    // The first run installs moto.
    this.timeout(900_000);
    world = await startAwsWorld();
  });
  after(async () => {
    await world?.stop();
  });

  describe("one job", () => {
    let stack: AwsStack;
    let operator: Operator;

    beforeEach(async () => {
      stack = await world.deploy(planOf(project, "aws"));
      operator = stack.operator({ sleep: soon });
    });

    const taskOf = (run: RunView): string => /tasks\/([^?]+)/.exec(run.console ?? "")?.[1] ?? "";
    const overridesOf = async (run: RunView) => {
      const task = await stack.task(taskOf(run));
      const [container] = task?.overrides?.containerOverrides ?? [];
      const environment = Object.fromEntries(
        (container?.environment ?? []).map(({ name, value }) => [name, value]),
      );
      return { command: container?.command ?? null, environment, task };
    };

    it("starts the job as it is deployed, without a look at the project", async () => {
      const run = await stack.operator({ broken: true }).trigger({});
      expect(run).to.deep.include({
        deployment: "pipelines-prod",
        stack: "prod",
        client: "client-a",
        job: "fx",
        status: "running",
        schedule: null,
        endedAt: null,
      });
      expect(run.runId).to.match(/^\d{8}T\d{6}Z-[0-9a-f]{10}$/);
      const { command, environment, task } = await overridesOf(run);
      expect(command ?? []).to.deep.equal([]);
      expect(environment).to.deep.equal({ HANDOFF_RUN_ID: run.runId, HANDOFF_SCHEDULED_AT: run.scheduledAt });
      expect(task).to.include({ launchType: "FARGATE", startedBy: "handoff-trigger" });
    });

    it("gives -v and -e to the runner, and starts as a schedule would, outside of its lease", async () => {
      const plain = await overridesOf(await operator.trigger({ vars: { base: "GBP" }, envs: { A: "1 2" } }));
      expect(plain.command).to.deep.equal(["run", "-v", "base=GBP", "-e", "A=1 2", "fetch", "load"]);
      const scheduledAt = "2026-03-01T05:00:00.000Z";
      const run = await operator.trigger({ schedule: "every-morning", scheduledAt, vars: { base: "GBP" } });
      expect(run).to.include({ schedule: "every-morning", scheduledAt });
      const { command, environment } = await overridesOf(run);
      expect(command).to.deep.equal(["run", "-v", "base=EUR", "-v", "base=GBP", "fetch"]);
      expect(environment).to.deep.equal({
        HANDOFF_RUN_ID: run.runId,
        HANDOFF_SCHEDULE: "every-morning",
        HANDOFF_SCHEDULED_AT: scheduledAt,
        HANDOFF_OVERLAP: "allow",
      });
    });

    it("takes Spot capacity where the stack does", async () => {
      const cheap = await world.deploy(planOf(project, "aws", { spot: true }));
      const task = await cheap.task(taskOf(await cheap.operator().trigger({})));
      expect(task?.capacityProviderName).to.equal("FARGATE_SPOT");
      expect(task?.launchType ?? "").not.to.equal("EC2");
    });

    it("refuses what isn't there", async () => {
      const code = async (action: Promise<unknown>) => (await failureOf(action)).code;
      expect(await code(operator.trigger({ job: "fxx" }))).to.equal("unknown-job");
      expect(await code(operator.trigger({ tasks: ["fetsch"] }))).to.equal("unknown-task");
      expect(await code(operator.trigger({ schedule: "evry-morning" }))).to.equal("unknown-schedule");
      expect(await code(operator.run(undefined))).to.equal("unknown-run");
      expect(await code(operator.setPaused("none", true))).to.equal("unknown-schedule");
      await operator.trigger({});
      expect(await code(operator.run("2019"))).to.equal("unknown-run");
    });

    it("waits for the record, which is there before AWS has noticed the end", async () => {
      const run = await operator.trigger({});
      const ended = operator.wait(run.runId);
      await stack.record({
        runId: run.runId,
        execution: taskOf(run),
        status: "failure",
        exitCode: 1,
        error: "task load, step echo exited with 1",
        metrics: { records: 12 },
      });
      expect(await ended).to.deep.include({
        runId: run.runId,
        status: "failure",
        exitCode: 1,
        reason: "task load, step echo exited with 1",
        metrics: { records: 12 },
        durationMs: 1500,
      });
    });

    it("stops waiting when it is told to", async () => {
      const run = await operator.trigger({});
      const stop = new AbortController();
      const waiting = stack.operator().wait(run.runId, stop.signal);
      setTimeout(() => stop.abort(), 100);
      expect(await waiting).to.include({ runId: run.runId, endedAt: null });
    });

    it("ends the waiting for a run that AWS says has ended, and that left no record", async () => {
      const run = await operator.trigger({});
      await stack.clients.ecs.send(
        new StopTaskCommand({
          cluster: String(stack.outputs.cluster),
          task: taskOf(run),
          reason: "stopped by hand",
        }),
      );
      const ended = await operator.wait(run.runId);
      // What moto says of a task that was stopped.
      expect(ended).to.include({ runId: run.runId, status: "success", exitCode: 0, reason: null });
      expect(ended.endedAt).to.be.a("string");
      expect(ended.tasks).to.deep.equal([]);
    });

    it("lists runs of schedules and by hand, with and without a record, each once and the newest first", async () => {
      const now = Date.now();
      const ago = (minutes: number) => new Date(now - minutes * 60_000).toISOString();
      // AWS has forgotten the tasks of these two; a log is left of the third.
      await stack.record({
        runId: "a-scheduled",
        execution: "t1",
        schedule: "every-morning",
        startedAt: ago(300),
      });
      await stack.record({
        runId: "skipped",
        execution: "t2",
        status: "skipped",
        startedAt: ago(200),
        reason: "it goes on",
      });
      await stack.print("fx", "t3", [{ message: "killed later", time: ago(100) }]);
      await stack.print("fx", "t1", [{ message: "a line", time: ago(300) }]);
      const running = await operator.trigger({});
      const runs = await operator.runs({ limit: 10 });
      expect(runs.map(({ runId, status }) => [runId, status])).to.deep.equal([
        [running.runId, "running"],
        ["t3", "failure"],
        ["skipped", "skipped"],
        ["a-scheduled", "success"],
      ]);
      expect(runs[1]?.reason).to.include("without a record");
      expect(runs[2]?.reason).to.equal("it goes on");
      expect(runs[3]?.schedule).to.equal("every-morning");
      expect(await operator.runs({ limit: 2 })).to.have.length(2);
      expect((await operator.run(undefined)).runId).to.equal(running.runId);
      expect((await operator.run("a-sch")).runId).to.equal("a-scheduled");
      expect((await operator.run("t2")).runId, "by the task's own id").to.equal("skipped");
      expect((await failureOf(operator.run("t"))).code).to.equal("ambiguous-run");
    });

    it("prints a log of many pages, and lines that aren't the runner's", async () => {
      const run = await operator.trigger({});
      const messages = Array.from({ length: 250 }, (_, index) => `line ${index}`);
      for (let at = 0; at < 250; at += 50)
        await stack.print(
          "fx",
          taskOf(run),
          messages.slice(at, at + 50).map((message) => ({ message })),
        );
      await stack.print("fx", taskOf(run), ["Killed"]);
      expect(await collect(operator.logs(run))).to.deep.equal([...messages, "Killed"]);
    });

    it("follows a log until the run's last line, through connections that are lost", async () => {
      const proxy = await startFaultyProxy(world.endpoint);
      try {
        proxy.decide = ({ number }) => (number % 3 === 0 ? "lose" : number % 4 === 0 ? "fail" : "none");
        const env = { AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: proxy.endpoint };
        const follower = stack.operator({ env, sleep: async (ms) => await pause(Math.min(ms, 50)) });
        const run = await follower.trigger({});
        const following = collect(follower.logs(run, { follow: true }));
        const expected: string[] = [];
        for (let batch = 0; batch < 6; batch += 1) {
          const lines = Array.from({ length: 20 }, (_, index) => ({ message: `${batch}/${index}` }));
          await stack.print("fx", taskOf(run), lines);
          expected.push(...lines.map(({ message }) => message));
          await pause(100);
        }
        await stack.record({ runId: run.runId, execution: taskOf(run) });
        await pause(200);
        await stack.print("fx", taskOf(run), [{ message: "ended", event: "run.end", status: "success" }]);
        expect(await following).to.deep.equal([...expected, "ended"]);
        expect(proxy.met.lose + proxy.met.fail).to.be.above(2);
      } finally {
        await proxy.stop();
      }
    });

    it("ends a followed log without an error when it is interrupted", async () => {
      const run = await operator.trigger({});
      await stack.print("fx", taskOf(run), [{ message: "so far" }]);
      const stop = new AbortController();
      const found: string[] = [];
      for await (const { message } of stack.operator().logs(run, { follow: true, signal: stop.signal })) {
        found.push(message);
        stop.abort();
      }
      expect(found).to.deep.equal(["so far"]);
    });

    it("shows schedules with their state, and pauses both halves of one", async () => {
      const now = () => new Date("2026-03-03T12:00:00Z");
      await stack.record({
        runId: "r1",
        execution: "t1",
        schedule: "every-morning",
        scheduledAt: "2026-03-03T05:00:00.000Z",
      });
      const at = stack.operator({ now });
      expect(await at.schedules()).to.deep.equal([
        {
          name: "every-morning",
          job: "fx",
          cron: "0 6 * * *",
          timezone: "Europe/Berlin",
          enabled: true,
          paused: false,
          next: ["2026-03-04T05:00:00.000Z", "2026-03-05T05:00:00.000Z", "2026-03-06T05:00:00.000Z"],
          last: { runId: "r1", scheduledAt: "2026-03-03T05:00:00.000Z", status: "success" },
        },
        {
          name: "off",
          job: "fx",
          cron: "0 7 * * *",
          timezone: "UTC",
          enabled: false,
          paused: false,
          next: [],
        },
      ]);
      await at.setPaused("every-morning", true);
      await at.setPaused("every-morning", true);
      const [paused] = await at.schedules();
      expect(paused).to.deep.include({ paused: true, enabled: true, next: [] });
      expect(await stack.stateOf("every-morning")).to.equal("DISABLED");
      await at.setPaused("every-morning", false);
      expect(await stack.stateOf("every-morning")).to.equal("ENABLED");
      await at.setPaused("off", false);
      expect(await stack.stateOf("off"), "project.yml says so").to.equal("DISABLED");
    });
  });

  describe("who asks", () => {
    let folder: string;
    const saved = new Map<string, string | undefined>();
    const set = (name: string, value: string | undefined) => {
      if (!saved.has(name)) saved.set(name, process.env[name]);
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    };

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "handoff-aws-"));
      const keys = "aws_access_key_id = testing\naws_secret_access_key = testing\n";
      writeFileSync(join(folder, "credentials"), `[client-a]\n${keys}`);
      set("AWS_SHARED_CREDENTIALS_FILE", join(folder, "credentials"));
      set("AWS_CONFIG_FILE", join(folder, "config"));
      set("AWS_EC2_METADATA_DISABLED", "true");
      for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"]) set(name, undefined);
    });
    afterEach(() => {
      for (const [name, value] of saved) set(name, value);
      rmSync(folder, { recursive: true, force: true });
    });

    it("is told to sign in, where nobody is", async () => {
      const stack = await withKeys(() => world.deploy(planOf(project, "aws")));
      const { code, message, hint } = await failureOf(stack.operator().trigger({}));
      expect(code).to.equal("signed-out");
      expect(message).to.include("can't start fx: you are not signed in to AWS");
      expect(hint).to.include("aws sso login");
    });

    it("is the profile of the stack's config, also at the artifact store", async () => {
      const stack = await withKeys(() => world.deploy(planOf(project, "aws")));
      const operator = stack.operator({ config: { "aws:profile": "client-a" } });
      const { runId } = await operator.trigger({});
      expect((await operator.runs({ limit: 5 })).map((run) => run.runId)).to.deep.equal([runId]);
    });

    /** Moto's own resources are made with keys. */
    async function withKeys<T>(action: () => Promise<T>): Promise<T> {
      set("AWS_ACCESS_KEY_ID", "testing");
      set("AWS_SECRET_ACCESS_KEY", "testing");
      const made = await action();
      set("AWS_ACCESS_KEY_ID", undefined);
      set("AWS_SECRET_ACCESS_KEY", undefined);
      return made;
    }
  });

  describe("a flow of jobs", () => {
    let stack: AwsStack;
    let operator: Operator;

    beforeEach(async () => {
      stack = await world.deploy(planOf(flow, "aws"));
      operator = stack.operator({ sleep: soon });
    });

    const inputOf = async (run: RunView) => {
      const executionArn = /details\/(.+)$/.exec(run.console ?? "")?.[1];
      const { input = "" } = await stack.clients.states.send(new DescribeExecutionCommand({ executionArn }));
      return JSON.parse(input);
    };

    it("starts all of it, or one job of it", async () => {
      const run = await operator.trigger({});
      expect(run).to.include({ job: "fx", stack: "prod" });
      expect(await inputOf(run)).to.deep.equal({});
      const called = await operator.trigger({
        schedule: "nightly",
        scheduledAt: "2026-03-01T01:00:00Z",
        vars: { a: "b" },
      });
      expect(await inputOf(called)).to.deep.equal({
        calls: [
          { command: ["run", "--no-retries", "-v", "a=b", "fetch"] },
          { command: ["run", "--no-retries", "-v", "a=b", "load"] },
        ],
        environment: [
          { Name: "HANDOFF_SCHEDULED_AT", Value: "2026-03-01T01:00:00.000Z" },
          { Name: "HANDOFF_SCHEDULE", Value: "nightly" },
          { Name: "HANDOFF_OVERLAP", Value: "allow" },
        ],
      });
      const alone = await operator.trigger({ job: "load" });
      expect(alone).to.include({ job: "load", status: "running" });
    });

    it("is one run with the tasks of its jobs' records", async () => {
      const run = await operator.trigger({ schedule: "nightly" });
      const task = (name: string) => ({
        name,
        status: "success" as const,
        exitCode: 0,
        startedAt: run.firedAt,
        durationMs: 1500,
        attempts: 1,
        steps: [],
      });
      const common = { runId: run.runId, schedule: "nightly", startedAt: run.firedAt };
      const later = new Date(Date.parse(run.firedAt) + 2000).toISOString();
      await stack.record({
        ...common,
        job: "fetch",
        execution: "t1",
        tasks: [task("fetch")],
        metrics: { records: 2 },
      });
      await stack.record({
        ...common,
        startedAt: later,
        job: "load",
        execution: "t2",
        tasks: [task("load")],
        metrics: { records: 3 },
      });
      await stack.print("fetch", "t1", [{ message: "from fetch", time: run.firedAt }]);
      await stack.print("load", "t2", [{ message: "from load", time: later }]);
      const ended = await operator.wait(run.runId);
      expect(ended).to.deep.include({
        runId: run.runId,
        job: "fx",
        status: "success",
        exitCode: 0,
        schedule: "nightly",
        metrics: { records: 5 },
      });
      expect(ended.tasks.map(({ name }) => name)).to.deep.equal(["fetch", "load"]);
      const runs = await stack.operator().runs({ limit: 5 });
      expect(runs.map(({ runId, tasks }) => [runId, tasks.length])).to.deep.equal([[run.runId, 2]]);
      expect(await collect(operator.logs(ended))).to.deep.equal(["from fetch", "from load"]);
    });

    it("tells what a run was started for that left nothing", async () => {
      const scheduledAt = "2026-03-01T01:00:00.000Z";
      const { runId } = await operator.trigger({ schedule: "nightly", scheduledAt });
      const found = await stack.operator().run(runId);
      expect(found).to.deep.include({ runId, schedule: "nightly", scheduledAt, job: "fx", tasks: [] });
    });
  });
});

const pause = async (ms: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, ms));
