/** The agent as a process of its own, with the real runner, and many schedules at once. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { openHistory } from "../../history/history.js";
import type { Task } from "../../model/project.js";
import { startAgentLoop } from "../../providers/local/agent/agent.js";
import { processStart } from "../../providers/local/agent/identity.js";
import { homePaths } from "../../providers/local/home.js";
import {
  agentStatus,
  findRun,
  listSchedules,
  type OperateContext,
  pauseSchedule,
  readLog,
  resumeSchedule,
  startAgent,
  stopAgent,
  triggerRun,
  waitForRun,
} from "../../providers/local/operate.js";
import { deployment, Home, until } from "./support.js";

const built = fileURLToPath(new URL("../../dist/agent/main.js", import.meta.url));

function task(line: string): Task {
  return {
    name: "load",
    active: true,
    envs: {},
    body: { kind: "commands", commands: [{ kind: "command", line, active: true }] },
    killDownstreamOnFail: true,
    killLoopOnFail: true,
    dependsOn: [],
  };
}

describe("agent process", function () {
  this.timeout(120_000);
  let home: Home;
  let context: OperateContext;
  let children: ChildProcess[];

  before(() => {
    if (!existsSync(built)) throw new Error("dist/ is missing: npm run build");
  });
  beforeEach(() => {
    home = new Home();
    context = { home: home.root, env: process.env, now: () => new Date() };
    children = [];
  });
  afterEach(async () => {
    for (const child of children) child.kill("SIGKILL");
    await stopAgent(context);
    home.remove();
  });

  /** Not through `startAgent`: its exit must be seen. */
  async function startDirectly(): Promise<ChildProcess> {
    const child = spawn(process.execPath, [built, "run"], {
      env: { ...process.env, HANDOFF_HOME: home.root },
      stdio: "ignore",
    });
    children.push(child);
    await until("the agent", () => agentStatus(context).pid === child.pid);
    return child;
  }

  it("survives kill -9 in mid-run: the run goes on, ends once, and is recorded by the next agent", async () => {
    const out = join(home.root, "out");
    home.job({ tasks: [task(`sleep 2; echo ran >> '${out}'`)] });
    const first = await startDirectly();
    const run = await triggerRun(context, deployment, undefined);
    await until("the runner", () => findRun(context, deployment, run.runId).pid !== null);
    first.kill("SIGKILL");
    await until("the agent's death", () => !agentStatus(context).running);
    const status = await startAgent(context);
    expect(status).to.include({ running: true, alreadyRunning: false });
    const ended = await waitForRun(context, run.runId);
    expect(ended).to.include({ status: "success", exitCode: 0, attempt: 1 });
    expect(readFileSync(out, "utf8")).to.equal("ran\n");
  });

  it("runs a trigger without an agent, and shows its log to the end", async () => {
    home.job({ tasks: [task("echo first; sleep 1; echo second")] });
    const run = await triggerRun(context, deployment, "fx", { vars: { a: "b" } });
    const lines: string[] = [];
    for await (const line of readLog(context, run, { follow: true })) lines.push(line.message);
    expect(lines).to.include("first").and.include("second");
    expect(findRun(context, deployment, undefined)).to.include({ runId: run.runId, status: "success" });
    expect(findRun(context, deployment, run.runId.slice(0, 20)).runId).to.equal(run.runId);
  });

  it("starts once, however often it is asked, and stops", async () => {
    home.job();
    const [a, b] = await Promise.all([startAgent(context), startAgent(context)]);
    expect(a.pid).to.equal(b.pid);
    expect((await startAgent(context)).alreadyRunning).to.equal(true);
    expect(await stopAgent(context)).to.equal(true);
    expect(agentStatus(context)).to.deep.equal({ running: false, pid: null, startedAt: null });
    expect(processStart(a.pid ?? 0)).to.equal(null);
    expect(await stopAgent(context)).to.equal(false);
  });

  it("pauses and resumes a schedule, and names the nearest of a wrong name", () => {
    home.job();
    home.schedule("morning", "0 6 * * *", { timezone: "Europe/Paris" });
    expect(listSchedules(context, deployment)[0]?.next).to.have.length(3);
    pauseSchedule(context, deployment, "morning");
    expect(listSchedules(context, deployment)[0]).to.deep.include({ paused: true, next: [] });
    resumeSchedule(context, deployment, "morning");
    expect(listSchedules(context, deployment)[0]).to.include({ paused: false });
    expect(() => pauseSchedule(context, deployment, "mornin"))
      .to.throw("no schedule mornin")
      .with.property("hint", "did you mean morning?");
  });

  it("runs 1,000 schedules of the same minute once each, and idles for next to nothing", async () => {
    home.job();
    const script = fileURLToPath(new URL("fake-runner.sh", import.meta.url));
    const start = new Date("2026-03-02T00:00:30Z");
    for (let i = 0; i < 1000; i++) {
      home.schedule(`s${i}`, "1 0 2 3 *");
      utimesSync(home.paths.schedule(`s${i}`), start, start);
    }
    const history = openHistory(homePaths(home.root).history);
    // The clock stands still but for one minute's step.
    let now = start;
    const agent = startAgentLoop({
      home: home.root,
      history,
      env: process.env,
      now: () => now,
      log: () => {},
      runner: ["/bin/sh", script],
    });
    try {
      await sleep(1000);
      const before = process.cpuUsage();
      await sleep(4000);
      const used = process.cpuUsage(before);
      const idleShare = (used.user + used.system) / 1e6 / 4;
      expect(idleShare).to.be.below(0.05);

      now = new Date("2026-03-02T00:01:00.200Z");
      await until(
        "1,000 ended runs",
        () => history.running().length + history.queued().length === 0 && history.list().length > 0,
        90_000,
      );
      const runs = history.list({ limit: 5000 });
      expect(runs).to.have.length(1000);
      expect(runs.every((run) => run.status === "success")).to.equal(true);
      expect(new Set(runs.map((run) => run.schedule)).size).to.equal(1000);
      expect(runs.every((run) => run.attempt === 1 && run.firedAt === now.toISOString())).to.equal(true);
    } finally {
      agent.stop();
      history.close();
    }
  });
});
