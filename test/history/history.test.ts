import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { type History, type NewRun, openHistory } from "../../history/history.js";
import type { RunRecord } from "../../model/run.js";

function newRun(runId: string, fields: Partial<NewRun> = {}): NewRun {
  return {
    runId,
    deployment: "fx-dev",
    stack: "dev",
    client: "acme",
    job: "fx",
    schedule: null,
    trigger: null,
    scheduledAt: "2026-01-05T06:00:00.000Z",
    firedAt: "2026-01-05T06:00:00.100Z",
    status: "queued",
    request: {
      runId,
      tasks: [],
      vars: {},
      envs: {},
      scheduledAt: "2026-01-05T06:00:00.000Z",
      stage: "dev",
      attempt: 1,
    },
    ...fields,
  };
}

describe("history", function () {
  this.timeout(60_000);
  let dir: string;
  let history: History;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "handoff-history-"));
    history = openHistory(join(dir, "history.db"));
  });
  afterEach(() => {
    history.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it("is readable by its owner alone", () => {
    expect(statSync(join(dir, "history.db")).mode & 0o777).to.equal(0o600);
  });

  it("takes a time of a schedule once, but any number of runs without a schedule", () => {
    expect(history.insertRun(newRun("a", { schedule: "daily" }))).to.equal(true);
    expect(history.insertRun(newRun("b", { schedule: "daily" }))).to.equal(false);
    expect(history.insertRun(newRun("c", { schedule: "daily", deployment: "fx-prod" }))).to.equal(true);
    expect(history.insertRun(newRun("d"))).to.equal(true);
    expect(history.insertRun(newRun("e"))).to.equal(true);
    expect(history.list().map((run) => run.runId)).to.deep.equal(["e", "d", "c", "a"]);
  });

  it("keeps what a run went through, and lets one observer make each transition", () => {
    history.insertRun(newRun("a"));
    expect(history.claim("a", 2, "2026-01-05T06:00:01.000Z")).to.equal(false);
    expect(history.claim("a", 1, "2026-01-05T06:00:01.000Z")).to.equal(true);
    expect(history.claim("a", 1, "2026-01-05T06:00:01.000Z")).to.equal(false);
    history.setProcess("a", 4711, "boot/1");
    expect(history.running()).to.have.length(1);
    expect(history.get("a")).to.include({ status: "running", pid: 4711, pidStart: "boot/1", record: null });

    expect(history.requeue("a", 1, "2026-01-05T06:01:00.000Z", "the runner died")).to.equal(true);
    expect(history.requeue("a", 1, "2026-01-05T06:01:00.000Z", "the runner died")).to.equal(false);
    expect(history.queued()[0]).to.include({ attempt: 2, pid: null, notBefore: "2026-01-05T06:01:00.000Z" });
    expect(history.claim("a", 2, "2026-01-05T06:01:00.000Z")).to.equal(true);

    const record: RunRecord = {
      schemaVersion: 1,
      runId: "a",
      status: "success",
      exitCode: 0,
      startedAt: "2026-01-05T06:01:00.000Z",
      durationMs: 5,
      tasks: [],
      metrics: { records: 1204 },
    };
    const ending = {
      status: "success",
      exitCode: 0,
      endedAt: "2026-01-05T06:02:00.000Z",
      record,
      notice: true,
    } as const;
    expect(history.finish("a", ending)).to.equal(true);
    expect(history.finish("a", { ...ending, status: "failure" })).to.equal(false);
    const run = history.get("a");
    expect(run).to.include({ status: "success", startedAt: "2026-01-05T06:00:01.000Z" });
    expect(run?.record).to.deep.equal(record);
    expect(history.owedNotices().map((r) => r.runId)).to.deep.equal(["a"]);
    history.noticeSent("a");
    expect(history.owedNotices()).to.deep.equal([]);
  });

  it("lists by deployment, job, schedule and status, page by page", () => {
    for (let i = 0; i < 5; i++) history.insertRun(newRun(`a${i}`));
    history.insertRun(
      newRun("b", { deployment: "fx-prod", job: "load", schedule: "daily", status: "skipped", reason: "r" }),
    );
    expect(history.list({ deployment: "fx-prod" }).map((r) => r.runId)).to.deep.equal(["b"]);
    expect(history.list({ job: "load" })).to.have.length(1);
    expect(history.list({ schedule: "daily" })).to.have.length(1);
    expect(history.list({ status: "skipped" })[0]).to.include({
      reason: "r",
      endedAt: "2026-01-05T06:00:00.100Z",
    });
    const first = history.list({ deployment: "fx-dev", limit: 2 });
    expect(first.map((r) => r.runId)).to.deep.equal(["a4", "a3"]);
    expect(history.list({ deployment: "fx-dev", limit: 2, before: "a3" }).map((r) => r.runId)).to.deep.equal([
      "a2",
      "a1",
    ]);
    expect(history.matching("a")).to.have.length(5);
  });

  it("knows the last time of a schedule and up to when its times are settled", () => {
    expect(history.lastFire("fx-dev", "daily")).to.equal(undefined);
    history.insertRun(
      newRun("a", { schedule: "daily", scheduledAt: "2026-01-06T06:00:00.000Z", status: "missed" }),
    );
    history.insertRun(newRun("b", { schedule: "daily", scheduledAt: "2026-01-05T06:00:00.000Z" }));
    expect(history.lastFire("fx-dev", "daily")).to.equal("2026-01-06T06:00:00.000Z");
    expect(history.scheduleActive("fx-dev", "daily")).to.equal(true);
    history.settle("fx-dev", "daily", "2026-01-07T00:00:00.000Z");
    history.settle("fx-dev", "daily", "2026-01-06T00:00:00.000Z");
    expect(history.settledUntil("fx-dev", "daily")).to.equal("2026-01-07T00:00:00.000Z");
  });

  it("gives what a retention may remove: started, ended, beyond the newest", () => {
    for (const id of ["a", "b", "c"]) {
      history.insertRun(newRun(id));
      history.claim(id, 1, "2026-01-05T06:00:01.000Z");
      if (id !== "a")
        history.finish(id, {
          status: "success",
          exitCode: 0,
          endedAt: "2026-01-05T06:00:02.000Z",
          notice: false,
        });
    }
    expect(history.prunable("fx-dev", "fx", 1)).to.deep.equal(["b"]);
    history.markPruned("b");
    expect(history.prunable("fx-dev", "fx", 1)).to.deep.equal([]);
  });

  it("lets several processes insert the same times at once, each time once and none lost", async () => {
    const script = join(dir, "writer.mts");
    const module = pathToFileURL(join(import.meta.dirname, "../../history/history.ts")).href;
    writeFileSync(
      script,
      `import { openHistory } from ${JSON.stringify(module)};
       const [file, who] = process.argv.slice(2);
       const history = openHistory(file);
       let mine = 0;
       for (let i = 0; i < 300; i++) {
         const scheduledAt = new Date(Date.UTC(2026, 0, 1) + i * 60000).toISOString();
         if (history.insertRun({ ...${JSON.stringify(newRun("x"))}, runId: who + i, schedule: "minutely", scheduledAt })) mine++;
         history.list({ limit: 3 });
       }
       history.close();
       console.log(mine);`,
    );
    const file = join(dir, "shared.db");
    const writers = ["p", "q", "r"].map(
      (who) =>
        new Promise<number>((resolve, reject) => {
          const child = spawn(process.execPath, ["--import", "tsx", script, file, who], {
            stdio: ["ignore", "pipe", "inherit"],
            cwd: join(import.meta.dirname, "../.."),
          });
          let out = "";
          child.stdout.on("data", (chunk) => {
            out += chunk;
          });
          child.on("close", (code) =>
            code === 0 ? resolve(Number(out)) : reject(new Error(`writer exited ${code}`)),
          );
        }),
    );
    const wrote = await Promise.all(writers);
    expect(wrote.reduce((a, b) => a + b)).to.equal(300);
    const shared = openHistory(file);
    const times = shared.list({ limit: 1000 }).map((run) => run.scheduledAt);
    shared.close();
    expect(new Set(times).size).to.equal(300);
    expect(times).to.have.length(300);
  });
});
