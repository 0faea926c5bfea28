import { expect } from "chai";
import type { JobEnding, RunEnding, RunRecord } from "../../model/run.js";
import { forChat, runSummary } from "../../model/run-summary.js";
import { type EndedJob, endingKey, endingOf, tellEnding } from "../../runner-image/src/ending.js";
import { MemoryStore } from "./store/memory-store.js";

const end = (status: JobEnding["status"], more: Partial<JobEnding> = {}): JobEnding => ({
  status,
  startedAt: "2026-11-21T06:00:00.000Z",
  durationMs: 1000,
  metrics: {},
  ...more,
});
const record = (status: RunRecord["status"], more: Partial<RunRecord> = {}): RunRecord => ({
  schemaVersion: 1,
  runId: "r",
  exitCode: status === "success" ? 0 : 1,
  tasks: [],
  ...end(status),
  ...more,
});
const job = (name: string, members: readonly string[]): EndedJob => ({
  name: "execution-1",
  runId: "r",
  job: name,
  members,
});

describe("runner: how a run ended, in a sentence", () => {
  const cases: readonly (readonly [Parameters<typeof runSummary>[0], string])[] = [
    [
      { status: "success", durationMs: 12_000, metrics: { files: 3, records: 1204 } },
      "succeeded in 12 s, 1,204 records, 3 files",
    ],
    [{ status: "success", durationMs: 340, metrics: {} }, "succeeded in 340 ms"],
    [
      { status: "failure", durationMs: 185_000, metrics: {}, error: "fetch: tap-x\nexited with 1." },
      "failed after 3 min 05 s: fetch: tap-x exited with 1",
    ],
    [{ status: "failure", durationMs: null, metrics: {} }, "failed"],
    [{ status: "timeout", durationMs: 7_800_000, metrics: {} }, "timed out after 2 h 10 min"],
    [{ status: "stopped", durationMs: 1000, metrics: {} }, "stopped after 1 s"],
    [
      { status: "skipped", durationMs: 5, metrics: {}, error: "run r0 is still going on" },
      "skipped: run r0 is still going on",
    ],
  ];
  for (const [run, said] of cases) it(said, () => expect(runSummary(run)).to.equal(said));

  it("shows at most five metrics, and 500 characters of an error", () => {
    const metrics = Object.fromEntries([..."abcdefgh"].map((name, index) => [name, index]));
    expect(runSummary({ status: "success", durationMs: 0, metrics }).split(", ")).to.have.length(6);
    const long = runSummary({ status: "failure", durationMs: 0, metrics: {}, error: "x".repeat(5000) });
    expect(long).to.have.length("failed after 0 ms: ".length + 501);
  });

  it("is no markup in a chat", () => {
    expect(forChat("a <!channel> & b")).to.equal("a &lt;!channel&gt; &amp; b");
  });
});

describe("runner: a run's end for notifications", () => {
  const of = (jobs: Record<string, JobEnding>, members: readonly string[]) =>
    endingOf({ runId: "r", members }, jobs, "w");

  const cases: readonly (readonly [string, Record<string, JobEnding>, string, string])[] = [
    ["one of two is still to come", { a: end("success") }, "unfinished", "1 of 2 jobs have succeeded"],
    [
      "both are well",
      {
        a: end("success", { metrics: { records: 4 } }),
        b: end("success", { startedAt: "2026-11-21T06:01:00.000Z", metrics: { records: 1200, files: 1 } }),
      },
      "success",
      "succeeded in 1 min 01 s, 1,204 records, 1 files",
    ],
    [
      "one has failed, whatever is still to come",
      { b: end("failure", { error: "tap-x exited with 1" }) },
      "failure",
      "failed after 1 s: b: tap-x exited with 1",
    ],
    [
      "a failure counts before a time-out",
      { a: end("timeout"), b: end("failure") },
      "failure",
      "failed after 1 s",
    ],
    ["a time-out", { a: end("success"), b: end("timeout") }, "timeout", "timed out after 1 s"],
    [
      "stopped",
      { a: end("stopped", { error: "by SIGTERM" }) },
      "failure",
      "stopped after 1 s: a: by SIGTERM",
    ],
    [
      "none ran",
      { a: end("skipped", { error: "busy" }), b: end("skipped", { error: "busy" }) },
      "skipped",
      "skipped: a: busy",
    ],
  ];
  for (const [what, jobs, event, summary] of cases) {
    it(`of two jobs: ${what}: ${event}`, () => {
      expect(of(jobs, ["a", "b"])).to.deep.include({ event, summary, runId: "r" });
    });
  }

  it("of one job has no name before the error", () => {
    expect(of({ a: end("failure", { error: "no" }) }, ["a"]).summary).to.equal("failed after 1 s: no");
  });

  it("is written beside the records, under a name that is a part of a key", () => {
    expect(endingKey("fx-x7k2p")).to.equal("records/fx-x7k2p/end");
    expect(endingKey("../up")).to.match(/^records\/[^/]+~[0-9a-f]{16}\/end$/);
  });

  it("is added to by jobs that end at the same time: none is lost, and one alone is the last", async () => {
    const members = [..."abcdefgh"];
    for (let round = 0; round < 20; round++) {
      const store = new MemoryStore();
      store.beforePut = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
      const told = await Promise.all(
        members.map((name) =>
          tellEnding(store, job(name, members), record("success", { metrics: { n: 1 } })),
        ),
      );
      expect(told.filter((ending) => ending !== null)).to.have.length(1);
      const ending = JSON.parse(store.text(endingKey("execution-1"))) as RunEnding;
      expect(ending.metrics).to.deep.equal({ n: 8 });
      expect(ending.event).to.equal("success");
    }
  });

  it("is told once also when the answer to its write was lost", async () => {
    const store = new MemoryStore();
    // The library tries again what it heard nothing of, and finds the first try's object.
    const put = store.put.bind(store);
    store.put = async (key, body, condition) => {
      await put(key, body, condition);
      await put(key, body, condition);
    };
    const ending = await tellEnding(store, job("a", ["a"]), record("success"));
    expect(ending?.event).to.equal("success");
    expect(store.puts).to.have.length(2);
  });

  it("follows a job that fails and then succeeds at another attempt", async () => {
    const store = new MemoryStore();
    expect(await tellEnding(store, job("a", ["a", "b"]), record("failure", { error: "no" }))).to.equal(null);
    expect(await tellEnding(store, job("a", ["a", "b"]), record("success"))).to.equal(null);
    expect((await tellEnding(store, job("b", ["a", "b"]), record("success")))?.event).to.equal("success");
  });

  it("replaces what is no end of ours", async () => {
    const store = new MemoryStore();
    await store.put(endingKey("execution-1"), Buffer.from("not JSON"));
    expect((await tellEnding(store, job("a", ["a"]), record("success")))?.event).to.equal("success");
  });
});
