import { utimesSync } from "node:fs";
import { expect } from "chai";
import { type History, openHistory } from "../../history/history.js";
import type { Schedule } from "../../model/project.js";
import { readJob, readSchedules } from "../../providers/local/agent/deployments.js";
import { createScheduler, type Scheduler } from "../../providers/local/agent/scheduler.js";
import { homePaths } from "../../providers/local/home.js";
import { deployment, Home } from "./support.js";

describe("agent/scheduler", () => {
  let home: Home;
  let history: History;
  let scheduler: Scheduler;

  beforeEach(() => {
    home = new Home();
    home.job();
    history = openHistory(homePaths(home.root).history);
    scheduler = createScheduler({ history, job: (d, j) => readJob(home.root, d, j), log: () => {} });
  });
  afterEach(() => {
    history.close();
    home.remove();
  });

  function deploy(at: string, name: string, cron: string, more: Partial<Schedule> = {}): void {
    home.schedule(name, cron, more);
    utimesSync(home.paths.schedule(name), new Date(at), new Date(at));
    scheduler.load(readSchedules(home.root, deployment, () => {}));
  }

  /** Ticks each minute, as a busy agent would; ends every run at once. Returns the times that were fired. */
  function replay(from: string, to: string): string[] {
    const fired: string[] = [];
    for (let at = Date.parse(from); at <= Date.parse(to); at += 60_000) {
      for (const run of scheduler.tick(new Date(at))) {
        if (run.status !== "queued") continue;
        fired.push(run.scheduledAt);
        history.claim(run.runId, 1, run.firedAt);
        history.finish(run.runId, { status: "success", exitCode: 0, endedAt: run.firedAt, notice: false });
      }
    }
    return fired;
  }

  it("fires at its time, for the instant that it stands for", () => {
    deploy("2026-03-02T00:00:00Z", "morning", "0 6 * * MON-FRI", { timezone: "Europe/Paris" });
    expect(scheduler.nextWake()?.toISOString()).to.equal("2026-03-02T05:00:00.000Z");
    expect(scheduler.tick(new Date("2026-03-02T04:59:59.999Z"))).to.deep.equal([]);
    const [run] = scheduler.tick(new Date("2026-03-02T05:00:00.300Z"));
    expect(run).to.include({
      status: "queued",
      schedule: "morning",
      scheduledAt: "2026-03-02T05:00:00.000Z",
    });
    expect(run?.request).to.deep.include({ tasks: ["load"], schedule: "morning", stage: "dev" });
    expect(scheduler.tick(new Date("2026-03-02T05:00:00.400Z"))).to.deep.equal([]);
  });

  it("fires once in the night that has no 02:30 and once in the night that has two", () => {
    deploy("2026-03-27T00:00:00Z", "night", "30 2 * * *", { timezone: "Europe/Paris" });
    expect(replay("2026-03-27T00:00:00Z", "2026-03-30T12:00:00Z")).to.deep.equal([
      "2026-03-27T01:30:00.000Z",
      "2026-03-28T01:30:00.000Z",
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T00:30:00.000Z",
    ]);
    expect(replay("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z").slice(-2)).to.deep.equal([
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
    ]);
  });

  it("skips a time while the previous run goes on, and says so; overlap: allow does not", () => {
    deploy("2026-03-02T00:00:00Z", "skipping", "* * * * *");
    deploy("2026-03-02T00:00:00Z", "allowing", "* * * * *", { overlap: "allow" });
    const first = scheduler.tick(new Date("2026-03-02T00:01:00Z"));
    expect(first.map((run) => run.status)).to.deep.equal(["queued", "queued"]);
    const second = scheduler.tick(new Date("2026-03-02T00:02:00Z"));
    expect(Object.fromEntries(second.map((run) => [run.schedule, run.status]))).to.deep.equal({
      skipping: "skipped",
      allowing: "queued",
    });
    const skipped = second.find((run) => run.schedule === "skipping");
    expect(skipped?.reason).to.contain("still going on");
  });

  it("records times that nobody was there for as one missed run", () => {
    deploy("2026-03-02T00:00:00Z", "hourly", "0 * * * *");
    const runs = scheduler.tick(new Date("2026-03-02T05:30:00Z"));
    expect(runs).to.have.length(1);
    expect(runs[0]).to.include({ status: "missed", scheduledAt: "2026-03-02T05:00:00.000Z", notice: true });
    expect(scheduler.nextWake()?.toISOString()).to.equal("2026-03-02T06:00:00.000Z");
  });

  it("with catch_up runs once for all times that it missed", () => {
    deploy("2026-03-02T00:00:00Z", "hourly", "0 * * * *", { catchUp: true });
    const runs = scheduler.tick(new Date("2026-03-02T05:30:00Z"));
    expect(runs.map((run) => [run.status, run.scheduledAt])).to.deep.equal([
      ["queued", "2026-03-02T05:00:00.000Z"],
    ]);
  });

  it("owes nothing for the time before it was deployed, disabled or paused", () => {
    deploy("2026-03-02T05:30:00Z", "hourly", "0 * * * *");
    expect(scheduler.tick(new Date("2026-03-02T05:45:00Z"))).to.deep.equal([]);
    history.settle(deployment, "hourly", "2026-03-02T09:30:00.000Z");
    scheduler.load(readSchedules(home.root, deployment, () => {}));
    expect(scheduler.nextWake()?.toISOString()).to.equal("2026-03-02T10:00:00.000Z");
    deploy("2026-03-02T05:30:00Z", "hourly", "0 * * * *", { enabled: false });
    expect(scheduler.nextWake()).to.equal(null);
  });

  it("never fires a time twice, whatever agent asks", () => {
    deploy("2026-03-02T00:00:00Z", "hourly", "0 * * * *");
    const other = createScheduler({ history, job: (d, j) => readJob(home.root, d, j), log: () => {} });
    other.load(readSchedules(home.root, deployment, () => {}));
    const at = new Date("2026-03-02T01:00:00Z");
    expect(
      [...scheduler.tick(at), ...other.tick(at)].filter((run) => run.status === "queued"),
    ).to.have.length(1);
    scheduler.load(readSchedules(home.root, deployment, () => {}));
    expect(scheduler.tick(at)).to.deep.equal([]);
  });

  it("goes on when the clock is set back, without repeating what it has fired", () => {
    deploy("2026-03-02T00:00:00Z", "hourly", "0 * * * *", { overlap: "allow" });
    expect(scheduler.tick(new Date("2026-03-02T03:00:00Z"))).to.have.length(1);
    expect(replay("2026-03-02T01:30:00Z", "2026-03-02T04:00:00Z")).to.deep.equal([
      "2026-03-02T04:00:00.000Z",
    ]);
  });

  it("puts 1,000 schedules of one minute into the history, each once", function () {
    this.timeout(60_000);
    for (let i = 0; i < 1000; i++) {
      home.schedule(`s${i}`, "* * * * *");
      const at = new Date("2026-03-02T00:00:00Z");
      utimesSync(home.paths.schedule(`s${i}`), at, at);
    }
    scheduler.load(readSchedules(home.root, deployment, () => {}));
    expect(scheduler.size).to.equal(1000);
    const fired = replay("2026-03-02T00:00:30Z", "2026-03-02T00:02:30Z");
    expect(fired).to.have.length(2000);
    expect(history.list({ limit: 5000 })).to.have.length(2000);
  });
});
