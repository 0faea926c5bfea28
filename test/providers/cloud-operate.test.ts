/** What is the same on all clouds, with a driver that is driven by the tests. */
import { expect } from "chai";
import { UserError } from "../../model/diagnostic.js";
import type { LogLine, StoredRecord } from "../../model/run.js";
import type { CloudDriver, Execution, LogEntry, LogPage, StartCall } from "../../providers/cloud-driver.js";
import { cloudError, isPassing, patiently } from "../../providers/cloud-errors.js";
import { cloudOperator } from "../../providers/cloud-operate.js";
import { joinRuns, type RunOwner, viewRun } from "../../providers/cloud-runs.js";
import { type Deployed, startCall } from "../../providers/cloud-start.js";
import { flowsOf } from "../../providers/flows.js";
import type { DeployedStack, Operator, TriggerRequest } from "../../providers/operate.js";
import { planOf } from "./plans.js";

const at = (minute: number) => new Date(Date.UTC(2026, 2, 1, 6, minute)).toISOString();
const soon = async () => await new Promise<void>((resolve) => setImmediate(resolve));

function execution(id: string, fields: Partial<Execution> = {}): Execution {
  return {
    kind: "job",
    id,
    job: "fx",
    firedAt: at(0),
    startedAt: at(1),
    endedAt: null,
    status: "running",
    exitCode: null,
    reason: null,
    ...fields,
  };
}

function record(runId: string, fields: Partial<StoredRecord> = {}): StoredRecord {
  return {
    schemaVersion: 1,
    runId,
    status: "success",
    exitCode: 0,
    startedAt: at(1),
    endedAt: at(3),
    durationMs: 120_000,
    tasks: [],
    metrics: {},
    job: "fx",
    schedule: null,
    trigger: null,
    scheduledAt: at(0),
    attempt: 1,
    execution: null,
    ...fields,
  };
}

const owner: RunOwner = { deployment: "p-prod", stack: "prod", client: "client-a", project: () => "fx" };
const views = (...given: Parameters<typeof joinRuns>) => joinRuns(...given).map((run) => viewRun(run, owner));

describe("clouds: runs of executions and records", () => {
  it("joins what a run left with what ran it, by the platform's name of it", () => {
    const found = views([record("r1", { execution: "x1", schedule: "nightly" })], [execution("x1")]);
    expect(found).to.have.length(1);
    expect(found[0]).to.deep.include({
      runId: "r1",
      status: "success",
      schedule: "nightly",
      firedAt: at(0),
      endedAt: at(3),
      durationMs: 120_000,
    });
  });

  it("sorts by when a run was asked for, and names one without a record as its platform does", () => {
    const found = views(
      [record("old", { startedAt: at(0), endedAt: at(50) })],
      [execution("x2", { firedAt: at(20) }), execution("x1", { firedAt: at(10), runId: "mine" })],
    );
    expect(found.map(({ runId }) => runId)).to.deep.equal(["x2", "mine", "old"]);
  });

  it("a later attempt that runs, or died, counts more than the record of the one before", () => {
    const failed = record("r", { execution: "x1", status: "failure", exitCode: 1, error: "load failed" });
    const first = execution("x1", { runId: "r", status: "failure", endedAt: at(3), exitCode: 1 });
    const again = (fields: Partial<Execution>) =>
      views([failed], [execution("x2", { runId: "r", firedAt: at(5), ...fields }), first])[0];
    expect(again({})).to.include({ status: "running", endedAt: null, firedAt: at(0) });
    expect(
      again({ status: "failure", endedAt: at(6), reason: "OutOfMemoryError", exitCode: 137 }),
    ).to.include({
      status: "failure",
      reason: "OutOfMemoryError",
      exitCode: 137,
      endedAt: at(6),
    });
  });

  it("a flow has the tasks of its jobs, also of one that left no record, and says which one failed", () => {
    const flow = execution("f", { kind: "flow", job: "all", runId: "r", status: "failure", endedAt: at(9) });
    const task = {
      name: "fetch",
      status: "success" as const,
      exitCode: 0,
      startedAt: at(1),
      durationMs: 1000,
      attempts: 1,
      steps: [],
    };
    const [found, ...others] = views(
      [record("r", { job: "fetch", execution: "x1", tasks: [task], metrics: { records: 2 } })],
      [
        flow,
        execution("x2", {
          job: "load",
          runId: "r",
          firedAt: at(4),
          startedAt: null,
          endedAt: at(5),
          status: "failure",
          reason: "CannotPullContainerError",
        }),
        execution("x1", { job: "fetch", runId: "r" }),
      ],
    );
    expect(others).to.deep.equal([]);
    expect(found).to.deep.include({
      job: "fx",
      status: "failure",
      exitCode: 1,
      reason: "load: CannotPullContainerError",
      metrics: { records: 2 },
      durationMs: 8 * 60_000,
    });
    expect(found?.tasks.map(({ name, status }) => [name, status])).to.deep.equal([
      ["fetch", "success"],
      ["load", "failure"],
    ]);
  });

  it("a flow that the platform has forgotten ended as the worst of its jobs", () => {
    const [found] = views(
      [
        record("r", { job: "a", execution: "x1" }),
        record("r", { job: "b", execution: "x2", status: "timeout", exitCode: 124, error: "b timed out" }),
      ],
      [],
    );
    expect(found).to.include({ job: "fx", status: "timeout", exitCode: 124, reason: "b timed out" });
  });
});

const yaml = (deploy: string, more = "") => `version: 1
name: fx
${deploy}
tasks:
- {name: fetch, commands: [{command: echo}]}
- {name: load${more}, commands: [{command: echo}]}
schedules:
- {name: nightly, cron: "0 1 * * *", tasks: [load], vars: {fetch: load}}
`;

describe("clouds: what is started", () => {
  const plan = planOf(yaml(""), "aws");
  const flows = planOf(yaml("deploy: {granularity: task}", ", depends_on: [fetch]"), "aws");
  const one = { jobs: ["fx"], flows: [], schedules: ["nightly"] };
  const several = {
    jobs: ["fetch", "load"],
    flows: flowsOf(flows).map(({ name }) => name),
    schedules: ["nightly"],
  };
  const run = { runId: "r", now: new Date(at(0)) };
  const never = () => {
    throw new Error("the project is not asked for");
  };
  const codeOf = (action: () => unknown): string => {
    try {
      action();
    } catch (error) {
      if (error instanceof UserError) return error.code;
      throw error;
    }
    return "none";
  };

  it("as it is deployed", () => {
    const env = { HANDOFF_SCHEDULED_AT: at(0) };
    const expected = { runId: "r", scheduledAt: at(0), calls: null, options: [], schedule: null };
    expect(startCall({}, run, one, never)).to.deep.equal({
      ...expected,
      job: "fx",
      flow: null,
      env: { ...env, HANDOFF_RUN_ID: "r" },
    });
    expect(startCall({}, run, several, never)).to.deep.equal({ ...expected, job: "all", flow: "all", env });
    expect(startCall({ job: "load", scheduledAt: at(5) }, run, several, never)).to.deep.include({
      job: "load",
      flow: null,
      calls: null,
      scheduledAt: at(5),
    });
  });

  it("with what is said, after what the schedule says, before the tasks", () => {
    const vars = { a: "1" };
    const envs = { B: "x y" };
    const { calls, options } = startCall({ vars, envs, schedule: "nightly" }, run, one, () => plan);
    expect(options).to.deep.equal(["-v", "a=1", "-e", "B=x y"]);
    expect(calls).to.deep.equal([
      { job: "fx", args: ["run", "-v", "fetch=load", "-v", "a=1", "-e", "B=x y", "load"] },
    ]);
    expect(startCall({ tasks: ["fetch"] }, run, one, () => plan).calls).to.deep.equal([
      { job: "fx", args: ["run", "fetch"] },
    ]);
    expect(startCall({ schedule: "nightly", tasks: ["fetch"] }, run, one, () => plan).calls).to.deep.equal([
      { job: "fx", args: ["run", "-v", "fetch=load", "fetch"] },
    ]);
  });

  it("the flow of the tasks that are selected", () => {
    const selected = startCall({ schedule: "nightly" }, run, several, () => flows);
    expect(selected).to.deep.include({ flow: "for-nightly", job: "for-nightly" });
    expect(selected.env).to.deep.equal({
      HANDOFF_SCHEDULED_AT: at(0),
      HANDOFF_SCHEDULE: "nightly",
      HANDOFF_OVERLAP: "allow",
    });
    const all = startCall({ vars: { a: "1" } }, run, several, () => flows);
    expect(all.calls?.map(({ job }) => job)).to.deep.equal(["fetch", "load"]);
    const alone = startCall({ tasks: ["fetch"] }, run, several, () => flows);
    expect(alone).to.deep.include({ flow: null, job: "fetch" });
  });

  it("and refuses what isn't there", () => {
    const start = (request: TriggerRequest, deployed: Deployed = one, now = plan) =>
      codeOf(() => startCall(request, run, deployed, () => now));
    expect(start({ job: "fxx" })).to.equal("unknown-job");
    expect(start({ schedule: "x" })).to.equal("unknown-schedule");
    expect(start({ tasks: ["x"] })).to.equal("unknown-task");
    expect(start({}, { ...one, jobs: ["a", "b"] })).to.equal("no-job");
    // Deployed before the project was changed.
    expect(start({ vars: { a: "1" } }, { ...one, jobs: ["older"] })).to.equal("not-deployed");
    expect(start({ schedule: "nightly" }, { ...several, flows: ["all"] }, flows)).to.equal("not-deployed");
    expect(start({ schedule: "gone" }, { ...one, schedules: ["gone"] })).to.equal("unknown-schedule");
  });
});

describe("clouds: what an API refuses", () => {
  const call = { cloud: "AWS", doing: "list the runs", permission: "ecs:ListTasks", signIn: "sign in" };

  it("says what to do about it", () => {
    const failed = (failure: Parameters<typeof cloudError>[0]) => {
      const { code, hint, message, passing, exitCode } = cloudError(failure, call);
      return { code, hint, message, passing, exitCode };
    };
    expect(failed({ message: "no credentials", signedOut: true })).to.deep.equal({
      code: "signed-out",
      hint: "sign in",
      message: "can't list the runs: you are not signed in to AWS (no credentials)",
      passing: false,
      exitCode: 1,
    });
    expect(failed({ status: 400, code: "AccessDeniedException", message: "no" })).to.include({
      code: "not-allowed",
      hint: "it takes the permission ecs:ListTasks; all of them are in docs/operate.md",
    });
    expect(failed({ status: 403, message: "no" }).code).to.equal("not-allowed");
    expect(failed({ status: 404, code: "NotFound", message: "gone" })).to.include({
      code: "cloud-call",
      message: "can't list the runs: NotFound: gone",
      passing: false,
    });
  });

  for (const [what, failure, expected] of [
    ["a connection that is lost", { message: "socket hang up" }, true],
    ["throttling by status", { status: 429, message: "" }, true],
    ["throttling by name", { status: 400, code: "ThrottlingException", message: "" }, true],
    ["the server's own fault", { status: 503, message: "" }, true],
    ["a wrong question", { status: 400, code: "ValidationException", message: "" }, false],
    ["nobody signed in", { message: "", signedOut: true }, false],
  ] as const) {
    it(`${expected ? "tries again" : "gives up"} after ${what}`, () => {
      expect(isPassing(failure)).to.equal(expected);
    });
  }

  it("tries again for minutes, and then says what the last call said", async () => {
    let slept = 0;
    let calls = 0;
    const sleep = async (ms: number) => {
      slept += ms;
    };
    const fail = async () => {
      calls += 1;
      throw cloudError({ status: 503, message: `call ${calls}` }, call);
    };
    let last: unknown;
    await patiently(fail, { sleep }).catch((error: unknown) => {
      last = error;
    });
    expect((last as Error).message).to.include(`call ${calls}`);
    expect(slept).to.be.within(120_000, 300_000);
  });
});

/** A platform that the tests move on. */
class Platform implements CloudDriver {
  readonly logDelayMs = 10_000;
  readonly runs = new Map<string, Execution>();
  readonly records: StoredRecord[] = [];
  readonly lines = new Map<string, LogEntry[]>();
  readonly faults: Error[] = [];
  /** Called for each look. */
  onLook: () => void = () => {};
  clock = 0;

  async executions(): Promise<Execution[]> {
    return [...this.runs.values()];
  }
  async execution({ id }: Pick<Execution, "id">): Promise<Execution | null> {
    this.onLook();
    return this.runs.get(id) ?? null;
  }
  async start(call: StartCall): Promise<Execution> {
    const started = execution("x1", { runId: call.runId, status: "queued", startedAt: null });
    this.runs.set(started.id, started);
    return started;
  }
  log({ execution: id }: { readonly execution: string }) {
    return async (cursor: string | undefined): Promise<LogPage> => {
      const fault = this.faults.pop();
      if (fault) throw fault;
      // Two at a time, of which the first was there before: as where pages overlap.
      const from = Math.max(0, Number(cursor ?? 0) - 1);
      const all = this.lines.get(id) ?? [];
      const entries = all.slice(from, from + 3);
      return { entries, cursor: String(from + entries.length), more: from + entries.length < all.length };
    };
  }
  async schedule() {
    return { paused: false };
  }
  async setPaused(): Promise<void> {}

  print(id: string, ...lines: readonly (Partial<LogLine> & { readonly message: string })[]): void {
    const before = this.lines.get(id) ?? [];
    this.lines.set(id, [
      ...before,
      ...lines.map((line, index) => {
        const whole = { time: at(2), level: "info", runId: "r", ...line };
        return { id: `${id}-${before.length + index}`, time: whole.time, text: JSON.stringify(whole) };
      }),
    ]);
  }

  operator(flows: Readonly<Record<string, unknown>> = {}): Operator {
    const plan = planOf(yaml(""), "aws");
    const stack: DeployedStack = {
      pulumiProject: "p",
      settings: plan.settings,
      plan: () => plan,
      outputs: { jobs: { fx: {} }, flows, schedules: { nightly: [] }, stores: { artifacts: "s3://b/p" } },
      env: {},
      now: () => new Date(at(10)),
      openRecords: async () => ({
        list: async ({ limit = 50, beginning = "" }) =>
          this.records.filter(({ runId }) => runId.startsWith(beginning)).slice(0, limit),
      }),
    };
    return cloudOperator(stack, this, {
      sleep: async (ms) => {
        this.clock += ms;
        await soon();
      },
      clock: () => this.clock,
    });
  }
}

describe("clouds: an operator", () => {
  const collect = async (lines: AsyncIterable<LogLine>): Promise<string[]> => {
    const found: string[] = [];
    for await (const { message } of lines) found.push(message);
    return found;
  };

  it("waits for a scheduled run by its platform's name, and gives it the id that its record has", async () => {
    const platform = new Platform();
    platform.runs.set("x9", execution("x9", { schedule: "nightly" }));
    const operator = platform.operator();
    const running = await operator.run("x9");
    expect(running).to.include({ runId: "x9", status: "running" });
    let looks = 0;
    platform.onLook = () => {
      looks += 1;
      if (looks < 4) return;
      platform.runs.set("x9", execution("x9", { status: "success", exitCode: 0, endedAt: at(4) }));
      platform.records.push(record("made-by-the-runner", { execution: "x9", schedule: "nightly" }));
    };
    expect(await operator.wait("x9")).to.include({ runId: "made-by-the-runner", status: "success" });
    expect((await operator.run("x9")).runId).to.equal("made-by-the-runner");
  });

  it("says of a run that its platform has forgotten, and that left nothing, that it failed", async () => {
    const platform = new Platform();
    const operator = platform.operator();
    const { runId } = await operator.trigger({});
    platform.runs.clear();
    const ended = await operator.wait(runId);
    expect(ended).to.include({ status: "failure", endedAt: at(10) });
    expect(ended.reason).to.include("left no record");
  });

  it("shows each line once where pages overlap and calls fail, and ends after the runner's last", async () => {
    const platform = new Platform();
    const operator = platform.operator();
    const run = await operator.trigger({});
    platform.print("x1", ...Array.from({ length: 10 }, (_, line) => ({ message: `line ${line}` })));
    const broken = () => cloudError({ message: "socket hang up" }, { cloud: "", doing: "read", signIn: "" });
    platform.faults.push(broken(), broken(), broken());
    let looks = 0;
    platform.onLook = () => {
      looks += 1;
      if (looks === 3) platform.print("x1", { message: "more" });
      if (looks !== 5) return;
      platform.print("x1", { message: "the end", event: "run.end" });
      platform.runs.set("x1", execution("x1", { status: "success", exitCode: 0, endedAt: at(4) }));
      platform.records.push(record(run.runId, { execution: "x1" }));
    };
    const lines = await collect(operator.logs(run, { follow: true }));
    expect(lines).to.deep.equal([
      ...Array.from({ length: 10 }, (_, line) => `line ${line}`),
      "more",
      "the end",
    ]);
  });

  it("waits for late lines as long as they may take, where the runner's last never comes", async () => {
    const platform = new Platform();
    const operator = platform.operator();
    const run = await operator.trigger({});
    platform.onLook = () => {
      platform.runs.set("x1", execution("x1", { status: "failure", exitCode: 137, endedAt: at(4) }));
    };
    const before = platform.clock;
    expect(await collect(operator.logs(run, { follow: true }))).to.deep.equal([]);
    expect(platform.clock - before).to.be.within(10_000, 20_000);
  });

  it("follows a flow through jobs that start one after the other, their lines in the order of time", async () => {
    const platform = new Platform();
    const flow = (fields: Partial<Execution> = {}) =>
      execution("f", { kind: "flow", job: "all", runId: "r", scheduledAt: at(0), ...fields });
    const job = (name: string, fields: Partial<Execution> = {}) =>
      execution(`x-${name}`, { job: name, runId: "r", ...fields });
    platform.runs.set("f", flow());
    const operator = platform.operator({ all: "f" });
    const run = await operator.run("r");
    expect(run).to.include({ job: "fx", status: "running" });
    let looks = 0;
    let endedAt = Number.NaN;
    platform.onLook = () => {
      looks += 1;
      if (looks === 2) {
        for (const name of ["a", "b"]) platform.runs.set(`x-${name}`, job(name));
        platform.print("x-a", { message: "a 1", time: at(1) }, { message: "a 3", time: at(3) });
        platform.print(
          "x-b",
          { message: "b 2", time: at(2) },
          { message: "b 4", time: at(4), event: "run.end" },
        );
      }
      if (looks === 12) {
        endedAt = platform.clock;
        platform.print("x-a", { message: "a 5", time: at(5), event: "run.end" });
        // It never started, so it has no log to wait for.
        platform.runs.set(
          "x-c",
          job("c", { status: "failure", startedAt: null, endedAt: at(7), reason: "no image" }),
        );
        platform.runs.set("f", flow({ status: "failure", endedAt: at(8) }));
        for (const name of ["a", "b"])
          platform.records.push(record("r", { job: name, execution: `x-${name}` }));
      }
    };
    expect(await collect(operator.logs(run, { follow: true }))).to.deep.equal([
      ...["a 1", "b 2", "a 3", "b 4", "a 5"],
    ]);
    expect(platform.clock - endedAt, "it ends with the runners' last lines").to.be.below(platform.logDelayMs);
    const ended = await operator.wait("r");
    expect(ended).to.deep.include({ status: "failure", reason: "c: no image", exitCode: 1 });
  });

  it("asks why a flow failed whose jobs that are known were well", async () => {
    const platform = new Platform();
    const listed = execution("f", {
      kind: "flow",
      job: "all",
      runId: "r",
      status: "failure",
      endedAt: at(9),
      partial: true,
    });
    platform.runs.set("f", { ...listed, partial: false, reason: "load failed", scheduledAt: at(0) });
    platform.executions = async () => [listed];
    platform.records.push(record("r", { job: "fetch", execution: "x1" }));
    const [found] = await platform.operator({ all: "f" }).runs({ limit: 5 });
    expect(found).to.include({ runId: "r", status: "failure", reason: "load failed", endedAt: at(9) });
  });

  it("says what is not allowed, at once", async () => {
    const platform = new Platform();
    const operator = platform.operator();
    const run = await operator.trigger({});
    platform.faults.push(
      cloudError({ status: 403, message: "no" }, { cloud: "AWS", doing: "read", signIn: "" }),
    );
    let error: unknown;
    await collect(operator.logs(run, { follow: true })).catch((thrown: unknown) => {
      error = thrown;
    });
    expect(error).to.be.instanceOf(UserError).and.have.property("code", "not-allowed");
  });
});
