import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { LogLine } from "../../../model/run.js";
import { command, commands, pipeline, Sandbox, task } from "./harness.js";
import { exitOf, startRunner } from "./process.js";

describe("runner/exec: milestones in the log", function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => sandbox.remove());

  /** Milestones without what differs from run to run; durations are checked to be numbers. */
  function milestones(): Record<string, unknown>[] {
    return sandbox.lines.flatMap((line) => {
      const { event, task: of, step, status, exitCode, signal, attempts, error, metrics, durationMs } = line;
      if (event === undefined) return [];
      if (event.endsWith(".end")) expect(durationMs, event).to.be.a("number").that.is.at.least(0);
      const all = { event, task: of, step, status, exitCode, signal, attempts, error, metrics };
      return [Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))];
    });
  }

  it("say how each run, task and step ended, in fields", async () => {
    const metric = '{"handoff_metric": {"files": 2}}';
    const tasks = [commands("good", [`echo '${metric}'`]), commands("bad", ["exit 3", "echo never"])];
    await sandbox.run(tasks);
    const step = { task: "good", step: "echo" };
    const error = "step exit exited with 3";
    expect(milestones()).to.deep.equal([
      { event: "run.start" },
      { event: "task.start", task: "good" },
      { event: "step.start", ...step },
      { event: "step.end", ...step, status: "success", exitCode: 0 },
      { event: "task.end", task: "good", status: "success", exitCode: 0, attempts: 1 },
      { event: "task.start", task: "bad" },
      { event: "step.start", task: "bad", step: "exit" },
      { event: "step.end", task: "bad", step: "exit", status: "failure", exitCode: 3 },
      { event: "task.end", task: "bad", status: "failure", exitCode: 3, attempts: 1, error },
      { event: "run.end", status: "failure", exitCode: 1, error, metrics: { files: 2 } },
    ]);
  });

  it("name the signal, the time-out and the attempts", async () => {
    const sleeper = { kind: "commands", commands: [command("sleep 60", { timeoutSeconds: 1 })] } as const;
    await sandbox.run([
      commands("killed", ["kill -9 $$"], { killDownstreamOnFail: false }),
      task("slow", sleeper, { retries: { max: 1, delaySeconds: 0, backoff: 1 } }),
    ]);
    const ends = milestones().filter(({ event }) => event !== "step.start" && event !== "task.start");
    expect(ends).to.deep.include({
      event: "step.end",
      task: "killed",
      step: "kill",
      status: "failure",
      exitCode: null,
      signal: "SIGKILL",
    });
    expect(
      ends.filter(({ step }) => step === "sleep").map(({ status, exitCode }) => [status, exitCode]),
    ).to.deep.equal([
      ["timeout", 124],
      ["timeout", 124],
    ]);
    expect(ends.find((end) => end.event === "task.end" && end.task === "slow")).to.include({
      status: "timeout",
      exitCode: 124,
      attempts: 2,
    });
  });

  it("leave the steps of a foreach out, which would be most of the log", async () => {
    const loop = { kind: "foreach", tasks: [commands("one", ["true"])], maxParallel: 2 } as const;
    await sandbox.run([pipeline("loop", ["seq 20"], loop)]);
    expect(milestones().map(({ event, step }) => [event, step])).to.deep.equal([
      ["run.start", undefined],
      ["task.start", undefined],
      ["step.start", "seq"],
      ["step.end", "seq"],
      ["task.end", undefined],
      ["run.end", undefined],
    ]);
  });

  it("tell the end of a run that could not begin, too", async () => {
    const tasks = [task("one", { kind: "commands", commands: [command("x", { venv: "gone" })] })];
    expect(await exitOf(startRunner(sandbox, tasks))).to.equal(2);
    const lines = readFileSync(join(sandbox.dir, "log.jsonl"), "utf8").trim().split("\n");
    const last = JSON.parse(lines.at(-1) ?? "") as LogLine;
    expect(last).to.include({ event: "run.end", level: "error", status: "failure", exitCode: 2 });
    expect(last.error).to.contain("`gone`");
    expect(last.durationMs).to.be.a("number");
  });
});
