/** What leases and records do in every store. */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type { StoredRecord } from "../../../model/run.js";
import { type Admission, type HeldLease, takeLease } from "../../../runner-image/src/lease/lease.js";
import type { Contender } from "../../../runner-image/src/lease/state.js";
import { listRecords, pruneRecords, writeRecord } from "../../../runner-image/src/records.js";
import { type ObjectStore, readAll } from "../../../runner-image/src/store/object-store.js";

/** `open` gives an empty place for each test, the same place each time it is called within one. */
export function leaseConformance(open: () => Promise<ObjectStore>): void {
  let said: string[];
  beforeEach(() => {
    said = [];
  });

  const ask = async (
    id: string,
    { signal = new AbortController().signal, ...more }: Partial<Contender> & { signal?: AbortSignal } = {},
  ): Promise<Admission> =>
    takeLease({
      store: await open(),
      schedule: "daily",
      me: {
        id,
        job: "fx",
        scheduledAt: `2026-01-01T06:00:00.000Z ${id}`,
        once: true,
        flow: [{ name: "fx", dependsOn: [], maxAttempts: 1, pauseBefore: () => 0 }],
        ttlSeconds: 60,
        ...more,
      },
      signal,
      say: (_, message) => void said.push(message),
    });
  const held = (admission: Admission): HeldLease => {
    if (admission.kind === "run") return admission.lease;
    throw new Error(`skipped: ${admission.reason}`);
  };
  /** What a container that was killed leaves: its lease, and no further sign of life. */
  const killed = async (id: string, silentMs: number, ttlSeconds = 60): Promise<void> => {
    const lease = held(await ask(id, { ttlSeconds }));
    const store = await open();
    const found = await store.get("leases/daily.json");
    if (found === null) throw new Error("there is no lease");
    const text = (await readAll(found.body)).toString();
    await lease.end("success");
    const now = await store.get("leases/daily.json");
    if (now === null) throw new Error("there is no lease");
    await readAll(now.body);
    await store.put("leases/daily.json", Buffer.from(text), { ifMatch: now.etag });
    await sleep(silentMs);
  };

  it("of many that ask at the same time, one runs", async () => {
    const ids = Array.from({ length: 6 }, (_, i) => `run-${i}`);
    const answers = await Promise.all(ids.map((id) => ask(id, { ttlSeconds: 6 })));
    const running = answers.filter((answer) => answer.kind === "run");
    expect(running).to.have.length(1);
    for (const answer of answers) {
      if (answer.kind === "skip") expect(answer.reason).to.match(/^run run-\d .*is still going on/);
    }
    for (const answer of running) await held(answer).end("success");
    await held(await ask("later")).end("success");
  });

  it("one that runs longer than the lease keeps it by its signs of life, and gives it back", async () => {
    const lease = held(await ask("long", { ttlSeconds: 3 }));
    await sleep(4000);
    expect(await ask("next", { ttlSeconds: 3 })).to.deep.include({ kind: "skip" });
    await lease.end("failure");
    const after = held(await ask("next", { ttlSeconds: 3 }));
    await after.end("success");
    expect(said.join("\n")).to.not.match(/taken over|lost/);
  });

  it("a lease that was left behind is free at once when it is old by the store's clock", async () => {
    await killed("dead", 3500, 2);
    const began = Date.now();
    await held(await ask("next")).end("success");
    expect(Date.now() - began).to.be.below(20_000);
    expect(said.join("\n")).to.contain("run dead of 2026-01-01T06:00:00.000Z dead ended without a word");
  });

  it("a lease that was left behind just now is waited for", async () => {
    await killed("dead", 0, 3);
    const answers = await Promise.all([ask("b", { ttlSeconds: 6 }), ask("c", { ttlSeconds: 6 })]);
    expect(answers.map(({ kind }) => kind).sort()).to.deep.equal(["run", "skip"]);
    expect(said.join("\n")).to.contain("waiting up to 3 s for its sign of life");
    for (const answer of answers) if (answer.kind === "run") await answer.lease.end("success");
  });

  it("the platform's next attempt at a run that was killed doesn't wait", async () => {
    await killed("dead", 0);
    const began = Date.now();
    await held(await ask("dead")).end("success");
    expect(Date.now() - began).to.be.below(30_000);
    expect(said).to.deep.equal([]);
  });

  it("a second start of the same time is skipped after a success, and only then", async () => {
    const scheduledAt = "2026-01-05T06:15:00.000Z"; // the 1st or a Monday
    await held(await ask("one", { scheduledAt })).end("failure");
    await held(await ask("two", { scheduledAt })).end("success");
    expect(await ask("three", { scheduledAt })).to.deep.equal({
      kind: "skip",
      reason: `run two of the same time, ${scheduledAt}, has succeeded: the platform started a second one`,
    });
    await held(await ask("by-hand", { scheduledAt, once: false })).end("success");
  });

  it("a run that lost its lease says so once, goes on, and takes nothing from the new holder", async () => {
    const lease = held(await ask("frozen", { ttlSeconds: 3 }));
    const store = await open();
    const found = await store.get("leases/daily.json");
    if (found === null) throw new Error("there is no lease");
    const stolen = JSON.parse((await readAll(found.body)).toString());
    stolen.holder.id = "other";
    // A sign of life may come in between.
    for (let etag = found.etag; ; ) {
      const put = await store
        .put("leases/daily.json", Buffer.from(JSON.stringify(stolen)), { ifMatch: etag })
        .then(
          () => true,
          () => false,
        );
      if (put) break;
      etag = (await store.get("leases/daily.json"))?.etag ?? "";
    }
    await sleep(3500);
    await lease.end("success");
    expect(said).to.have.length(1);
    expect(said[0]).to.match(/^the lease of the schedule was lost to run other, .* goes on$/);
    const now = await store.get("leases/daily.json");
    expect(JSON.parse((await readAll(now?.body ?? failed())).toString()).holder.id).to.equal("other");
  });

  it("waiting ends when the container is stopped", async () => {
    await killed("dead", 0);
    const stop = new AbortController();
    setTimeout(() => stop.abort("SIGTERM"), 1000);
    const error: unknown = await ask("next", { signal: stop.signal }).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(Error);
    expect((await (await open()).get("leases/daily.json")) ?? failed()).to.not.equal(null);
  });

  it("a flow's jobs share a lease; one that was skipped stays skipped", async () => {
    const flow = ["x", "y"].map((name, i) => ({
      name,
      dependsOn: i === 0 ? [] : ["x"],
      maxAttempts: 1,
      pauseBefore: () => 0,
    }));
    await held(await ask("f1", { job: "x", flow })).end("success");
    expect(await ask("f2", { job: "x", flow })).to.deep.include({ kind: "skip" });
    await held(await ask("f1", { job: "y", flow })).end("success");
    expect(await ask("f2", { job: "y", flow })).to.deep.equal({
      kind: "skip",
      reason: "an earlier job of this run was skipped",
    });
    await held(await ask("f3", { job: "x", flow })).end("failure");
    await held(await ask("f4", { job: "x", flow })).end("failure");
  });

  it("keeps records, and gives the newest", async () => {
    const store = await open();
    expect(await listRecords(store)).to.deep.equal([]);
    const of = (n: number, job = "fx"): StoredRecord => ({
      schemaVersion: 1,
      runId: `${randomBytes(2).toString("hex")}-${n}`,
      status: "success",
      exitCode: 0,
      startedAt: "2026-01-01T00:00:00.000Z",
      durationMs: 1000,
      tasks: [],
      metrics: { records: n },
      job,
      schedule: "daily",
      trigger: null,
      scheduledAt: "2026-01-01T00:00:00.000Z",
      endedAt: new Date(Date.UTC(2026, 0, 1, 0, n)).toISOString(),
      attempt: 1,
      execution: null,
    });
    const records = Array.from({ length: 6 }, (_, n) => of(n));
    for (const record of records) await writeRecord(store, record);
    const odd = { ...of(7, "naïve / job?"), runId: "arn:aws:run/../1" };
    await writeRecord(store, odd);
    await store.put("records/x/odd.json", Buffer.from("half"));
    const newest = (await listRecords(store, { limit: 3 })).map(({ runId }) => runId);
    expect(newest).to.deep.equal([odd, ...records.slice(-2).reverse()].map(({ runId }) => runId));
    expect(await listRecords(store, { runId: odd.runId })).to.deep.equal([odd]);
    await sleep(1100); // the stores' clocks have seconds
    await writeRecord(store, records[0] ?? odd);
    await pruneRecords(store, 1);
    expect(await listRecords(store)).to.deep.equal([records[0]]);
  });
}

function failed(): never {
  throw new Error("it isn't there");
}
