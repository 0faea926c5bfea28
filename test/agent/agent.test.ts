import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { type History, type NewRun, openHistory } from "../../history/history.js";
import { newRunId } from "../../model/run-id.js";
import { type Agent, startAgentLoop } from "../../providers/local/agent/agent.js";
import { processStart } from "../../providers/local/agent/identity.js";
import { homePaths, writeFileAtomic } from "../../providers/local/home.js";
import { deployment, fakeRunner, Home, until } from "./support.js";

describe("agent", function () {
  this.timeout(60_000);
  let home: Home;
  let history: History;
  let agents: Agent[];
  let log: string[];

  beforeEach(() => {
    home = new Home();
    home.job();
    history = openHistory(homePaths(home.root).history);
    agents = [];
    log = [];
  });
  afterEach(async () => {
    for (const agent of agents) agent.stop();
    for (const { pid } of home.started()) {
      if (processStart(pid) !== null) process.kill(pid, "SIGKILL");
    }
    // Runs that end only now still write to the history.
    await sleep(200);
    history.close();
    home.remove();
  });

  function start(): Agent {
    const agent = startAgentLoop({
      home: home.root,
      history,
      env: process.env,
      now: () => new Date(),
      log: (line) => log.push(line),
      runner: fakeRunner,
      lookMs: 200,
    });
    agents.push(agent);
    return agent;
  }

  function queue(): string {
    const now = new Date();
    const runId = newRunId(now);
    const at = now.toISOString();
    const run: NewRun = {
      runId,
      deployment,
      stack: "dev",
      client: "client-a",
      job: "fx",
      schedule: null,
      trigger: null,
      scheduledAt: at,
      firedAt: at,
      status: "queued",
      request: { runId, tasks: ["load"], vars: {}, envs: {}, scheduledAt: at, stage: "dev", attempt: 1 },
    };
    history.insertRun(run);
    writeFileAtomic(homePaths(home.root).wake, runId);
    return runId;
  }

  const statusOf = (runId: string) => history.get(runId)?.status;
  const ended = (runId: string) => until(`the end of ${runId}`, () => history.get(runId)?.endedAt != null);

  it("runs what is queued and keeps its record", async () => {
    start();
    const runId = queue();
    await ended(runId);
    expect(history.get(runId)).to.deep.include({ status: "success", exitCode: 0, attempt: 1 });
    expect(history.get(runId)?.record?.metrics).to.deep.equal({ records: 1204 });
    expect(home.started().map((run) => run.runId)).to.deep.equal([runId]);
  });

  it("fires a schedule that is deployed while it runs, within a second of its time", async () => {
    start();
    home.schedule("minutely", "* * * * *");
    // At most a minute until the next one.
    await until("a run of the schedule", () => history.list({ schedule: "minutely" }).length > 0, 65_000);
    const [run] = history.list({ schedule: "minutely" });
    const late = Date.parse(run?.firedAt ?? "") - Date.parse(run?.scheduledAt ?? "");
    expect(late).to.be.within(0, 1000);
    await ended(run?.runId ?? "");
  }).timeout(90_000);

  it("takes over runs of an agent that died, without starting them again", async () => {
    home.job({ fake: { ms: 1500 } });
    const first = start();
    const runId = queue();
    await until("the start of the run", () => home.started().length === 1);
    first.stop();
    // The run is a process of its own: the next agent finds it by its number and start.
    const second = openHistory(homePaths(home.root).history);
    expect(second.get(runId)?.status).to.equal("running");
    second.close();
    start();
    await ended(runId);
    expect(statusOf(runId)).to.equal("success");
    expect(home.started()).to.have.length(1);
  });

  it("says what became of a run whose runner was killed", async () => {
    home.job({ fake: { die: true } });
    start();
    const runId = queue();
    await ended(runId);
    expect(history.get(runId)).to.include({ status: "failure", exitCode: 1 });
    expect(history.get(runId)?.reason).to.contain("the runner died without finishing");
  });

  it("tries again after a killed runner when the job has retries, and ends well", async () => {
    home.job({ fake: { dieOnce: true }, retries: { max: 2, delaySeconds: 0.1, backoff: 2 } });
    start();
    const runId = queue();
    await ended(runId);
    expect(history.get(runId)).to.include({ status: "success", attempt: 2 });
    expect(home.started().map((run) => run.attempt)).to.deep.equal([1, 2]);
  });

  it("does not repeat what the runner itself has ended: it has retried its tasks", async () => {
    home.job({ fake: { status: "failure" }, retries: { max: 2, delaySeconds: 0, backoff: 1 } });
    start();
    const runId = queue();
    await ended(runId);
    expect(history.get(runId)).to.include({
      status: "failure",
      attempt: 1,
      reason: "task load: step target exited with 1",
    });
  });

  it("stops a run that is over the job's time", async () => {
    home.job({ fake: { ms: 50_000 }, timeoutSeconds: 1 });
    start();
    const runId = queue();
    await ended(runId);
    expect(history.get(runId)).to.include({ status: "timeout", exitCode: 124 });
    expect(processStart(home.started()[0]?.pid ?? 0)).to.equal(null);
  });

  it("makes each message of a queue one run, no more at a time than the trigger allows", async () => {
    home.job({ fake: { ms: 300 } });
    home.trigger("orders", 2);
    const dir = home.paths.queue("orders");
    for (let i = 0; i < 5; i++) writeFileSync(join(dir, `message-${i}`), `order ${i}`);
    start();
    let most = 0;
    await until("five runs", () => {
      most = Math.max(most, history.triggerActive(deployment, "orders"));
      return history.list({ deployment }).filter((run) => run.status === "success").length === 5;
    });
    expect(most).to.be.within(1, 2);
    expect(
      home
        .started()
        .map((run) => run.message)
        .sort(),
    ).to.deep.equal([0, 1, 2, 3, 4].map((i) => `order ${i}`));
    await until("an empty queue", () => readdirSync(join(dir, ".taken")).length === 0);
    expect(existsSync(join(dir, ".failed"))).to.equal(false);
  });

  it("keeps the messages of failed runs, and those that are too large, as dead letters", async () => {
    home.job({ fake: { status: "failure" } });
    home.trigger("orders", 1);
    const dir = home.paths.queue("orders");
    writeFileSync(join(dir, "bad"), "order 13");
    writeFileSync(join(dir, "huge"), "x".repeat(200_000));
    start();
    await until("two dead letters", () => {
      const failed = join(dir, ".failed");
      return existsSync(failed) && readdirSync(failed).length === 2;
    });
    const [own] = readdirSync(join(dir, ".failed")).filter((name) => name.endsWith("~bad"));
    expect(readFileSync(join(dir, ".failed", own ?? ""), "utf8")).to.equal("order 13");
    expect(home.started()).to.have.length(1);
    expect(log.join("\n")).to.contain("huge is larger than");
  });

  it("gives a message that was taken by an agent that died its run", async () => {
    home.trigger("orders", 1);
    const taken = join(home.paths.queue("orders"), ".taken");
    mkdirSync(taken);
    const runId = newRunId(new Date());
    writeFileSync(join(taken, `${runId}~lost`), "order 7");
    start();
    await ended(runId);
    expect(home.started().map((run) => run.message)).to.deep.equal(["order 7"]);
  });

  it("removes the folders of old runs, as many as the settings say", async () => {
    const paths = homePaths(home.root);
    writeFileAtomic(paths.agentSettings, JSON.stringify({ keepRuns: 2 }));
    start();
    for (let i = 0; i < 4; i++) await ended(queue());
    await until("two folders", () => readdirSync(home.paths.runs).length === 2);
    expect(history.list({ deployment })).to.have.length(4);
  });

  it("holds back runs beyond its limit, and loses none", async () => {
    home.job({ fake: { ms: 30 } });
    writeFileAtomic(homePaths(home.root).agentSettings, JSON.stringify({ maxConcurrentRuns: 2 }));
    start();
    const ids = Array.from({ length: 20 }, queue);
    await until("all runs", () => ids.every((id) => statusOf(id) === "success"), 50_000);
    expect(new Set(home.started().map((run) => run.runId)).size).to.equal(20);
    expect(home.started()).to.have.length(20);
  });
});
