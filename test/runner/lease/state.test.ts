import { expect } from "chai";
import {
  betweenJobsSeconds,
  type Contender,
  type Decision,
  type Draft,
  decide,
  ended,
  type FlowJob,
  type Lease,
  openJobs,
  renewed,
} from "../../../runner-image/src/lease/state.js";

const job = (name: string, dependsOn: string[] = [], maxAttempts = 1): FlowJob => ({
  name,
  dependsOn,
  maxAttempts,
  pauseBefore: (attempt) => 100 * attempt,
});

const contender = (id: string, more: Partial<Contender> = {}): Contender => ({
  id,
  job: "fx",
  scheduledAt: "2026-01-01T06:00:00.000Z",
  once: true,
  flow: [job(more.job ?? "fx")],
  ttlSeconds: 60,
  ...more,
});

const lease = (draft: Draft): Lease => ({ schemaVersion: 1, write: "w", ...draft });
const unseen = (silentSeconds: number) => ({ silentSeconds, seen: false });

function begun(decision: Decision): Lease {
  if (decision.kind !== "run") throw new Error(`it doesn't run: ${JSON.stringify(decision)}`);
  return lease(decision.lease);
}

function over(draft: Draft | null): Lease {
  if (draft === null) throw new Error("the lease is lost");
  return lease(draft);
}

const start = (before: Lease | null, me: Contender): Lease => begun(decide(before, me, unseen(0), "b"));

describe("runner/lease: what a lease means", () => {
  const [a, b] = [contender("a"), contender("b", { scheduledAt: "2026-01-01T07:00:00.000Z" })];

  it("a run takes a lease that nobody has, and gives it back with how it ended", () => {
    const held = start(null, a);
    expect(held.holder).to.deep.include({ id: "a", ttlSeconds: 60, silentSeconds: 0 });
    for (const status of ["success", "failure", "stopped", "timeout"] as const) {
      expect(over(ended(held, a, status, "e"))).to.deep.include({
        holder: null,
        last: { id: "a", scheduledAt: a.scheduledAt, status },
      });
    }
    expect(start(over(ended(held, a, "success", "e")), b).holder?.id).to.equal("b");
  });

  it("another run watches while the holder may live, is skipped once it is seen to, and takes over once it is dead", () => {
    const held = start(null, a);
    expect(decide(held, b, unseen(59), "b")).to.deep.include({ kind: "watch" });
    expect(decide(held, b, { silentSeconds: 1, seen: true }, "b")).to.deep.equal({
      kind: "skip",
      reason: `run a of ${a.scheduledAt} is still going on (overlap: skip)`,
    });
    const taken = decide(held, b, unseen(61), "b");
    expect(taken).to.deep.include({ kind: "run", left: held.holder });
    expect(begun(taken).holder?.id).to.equal("b");
    expect(renewed(begun(taken), a, "r"), "the one thought dead").to.equal(null);
    expect(ended(begun(taken), a, "success", "e"), "the one thought dead").to.equal(null);
  });

  it("a platform's second start of the same time is skipped after a success, and runs after anything else", () => {
    const twin = contender("twin");
    const afterEnd = (status: "success" | "failure" | "stopped" | "timeout") =>
      over(ended(start(null, a), a, status, "e"));
    expect(decide(afterEnd("success"), twin, unseen(0), "b")).to.deep.include({ kind: "skip" });
    for (const status of ["failure", "stopped", "timeout"] as const) {
      expect(start(afterEnd(status), twin).holder?.id, status).to.equal("twin");
    }
    expect(start(afterEnd("success"), b).holder?.id, "another time").to.equal("b");
    expect(start(afterEnd("success"), contender("by-hand", { once: false })).holder?.id).to.equal("by-hand");
    expect(start(afterEnd("success"), a).holder?.id, "the same run").to.equal("a");
  });

  it("the platform's next attempt at the same run has its lease at once, dead or alive", () => {
    const again = start(start(null, a), a);
    expect(again.holder).to.deep.include({ id: "a", jobs: { fx: { status: "running", attempts: 2 } } });
  });

  it("nobody's sign of life is mistaken for the holder's", () => {
    const flow = [job("x"), job("y")];
    const first = contender("first", { job: "x", flow });
    const other = contender("other", { job: "x", flow, scheduledAt: b.scheduledAt });
    const idle = over(ended(start(null, first), first, "success", "e"));
    const noted = decide(idle, other, unseen(500), "b");
    if (noted.kind !== "skip" || noted.lease === undefined) throw new Error("it isn't skipped");
    expect(noted.lease.holder).to.deep.equal({ ...idle.holder, silentSeconds: 500 });
    expect(noted.lease.skipped).to.deep.equal(["other"]);
  });
});

describe("runner/lease: flows of several jobs", () => {
  const flow = [
    job("extract"),
    job("reference", [], 2),
    job("load", ["extract", "reference"]),
    job("report", ["load"]),
  ];
  const of = (id: string, name: string) => contender(id, { job: name, flow });
  const end = (before: Lease, me: Contender, status: "success" | "failure") =>
    over(ended(before, me, status, "e"));

  it("one lease for all jobs, until the last one has ended", () => {
    let now: Lease | null = null;
    for (const name of ["extract", "reference"]) now = start(now, of("f1", name));
    now = end(now as Lease, of("f1", "extract"), "success");
    expect(now.holder?.ttlSeconds, "reference runs on").to.equal(60);
    now = end(now, of("f1", "reference"), "success");
    expect(now.holder?.ttlSeconds, "between two jobs").to.equal(betweenJobsSeconds);
    for (const name of ["load", "report"]) {
      const skip = decide(now, of("f2", "extract"), unseen(100), "b");
      expect(skip).to.deep.include({ kind: "skip" });
      now = start(now, of("f1", name));
      expect(now.holder?.ttlSeconds).to.equal(60);
      now = end(now, of("f1", name), "success");
    }
    expect(now).to.deep.include({ holder: null });
    expect(now.last).to.deep.include({ id: "f1", status: "success" });
  });

  it("a flow that was skipped stays skipped, also when the lease is free by then", () => {
    const held = start(null, of("f1", "extract"));
    const skip = decide(held, of("f2", "extract"), { silentSeconds: 0, seen: true }, "b");
    if (skip.kind !== "skip" || skip.lease === undefined) throw new Error("it isn't noted");
    const free: Lease = { ...lease(skip.lease), holder: null };
    expect(decide(free, of("f2", "reference"), unseen(0), "b")).to.deep.include({ kind: "skip" });
    expect(decide(free, of("f3", "extract"), unseen(0), "b")).to.deep.include({ kind: "run" });
  });

  it("what is behind a job that failed for good isn't waited for; what will be tried again is", () => {
    let now: Lease = start(null, of("f1", "extract"));
    now = start(now, of("f1", "reference"));
    now = end(now, of("f1", "reference"), "failure");
    now = end(now, of("f1", "extract"), "success");
    expect(now.holder?.ttlSeconds, "its second attempt is to come").to.equal(betweenJobsSeconds + 200);
    now = start(now, of("f1", "reference"));
    now = end(now, of("f1", "reference"), "failure");
    expect(now.holder).to.equal(null);
    expect(now.last).to.deep.include({ id: "f1", status: "failure" });
  });

  it("finds what is open in any order of the jobs", () => {
    const names = (jobs: Parameters<typeof openJobs>[1]) =>
      openJobs([...flow].reverse(), jobs).map(({ name }) => name);
    expect(names({})).to.have.members(["extract", "reference", "load", "report"]);
    expect(names({ extract: { status: "failure", attempts: 1 } })).to.deep.equal(["reference"]);
    expect(
      names({
        extract: { status: "success", attempts: 1 },
        reference: { status: "failure", attempts: 1 },
      }),
    ).to.have.members(["reference", "load", "report"]);
  });
});
