import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { UserError } from "../../../model/diagnostic.js";
import { takeLease } from "../../../runner-image/src/lease/lease.js";
import { MemoryStore } from "../store/memory-store.js";

const down = () => new UserError("can't write in memory://test: it is down", { code: "artifact-store" });

describe("runner/lease: when the store fails", function () {
  this.timeout(60_000);
  let memory: MemoryStore;
  let said: string[];
  beforeEach(() => {
    memory = new MemoryStore();
    said = [];
  });

  const ask = (id: string, ttlSeconds = 60) =>
    takeLease({
      store: memory,
      schedule: "daily",
      me: {
        id,
        job: "fx",
        scheduledAt: `2026-01-01T06:00:00.000Z ${id}`,
        once: true,
        flow: [{ name: "fx", dependsOn: [], maxAttempts: 1, pauseBefore: () => 0 }],
        ttlSeconds,
      },
      signal: new AbortController().signal,
      say: (_, message) => void said.push(message),
    });
  const taken = async (id: string, ttlSeconds?: number) => {
    const admission = await ask(id, ttlSeconds);
    if (admission.kind === "run") return admission.lease;
    throw new Error(admission.reason);
  };
  const holder = () => JSON.parse(memory.text("leases/daily.json")).holder;

  it("takes a write whose answer was lost, and which the library made again, for its own", async () => {
    const put = memory.put.bind(memory);
    memory.put = async (key, body, condition) => {
      await put(key, body, condition);
      await put(key, body, condition); // meets the first one: a conflict
    };
    const lease = await taken("one");
    expect(holder()).to.deep.include({ id: "one", jobs: { fx: { status: "running", attempts: 1 } } });
    await lease.end("success");
    expect(holder()).to.equal(null);
    expect(said).to.deep.equal([]);
  });

  it("never lets two run at a time, whatever happens to their writes", async () => {
    let seed = 7;
    const random = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed / 2_147_483_648;
    };
    const met = { failed: 0, lost: 0, twice: 0 };
    const put = memory.put.bind(memory);
    memory.put = async (key, body, condition) => {
      await sleep(random() * 5);
      const taking = key.endsWith(".json") && JSON.parse(body.toString()).holder !== null;
      const luck = taking ? random() : 1;
      if (luck < 0.15 && ++met.failed) throw down();
      await put(key, body, condition);
      if (luck < 0.3 && ++met.lost) throw down();
      if (luck < 0.45 && ++met.twice) await put(key, body, condition);
    };
    let inside = 0;
    const counts = { run: 0, skip: 0 };
    /** As a platform: what could not begin is started again, as the same run. */
    const start = async (id: string): Promise<void> => {
      for (let attempt = 1; attempt <= 30; attempt++) {
        const answer = await ask(id, 8).catch(() => null);
        if (answer === null) continue;
        counts[answer.kind]++;
        if (answer.kind === "skip") return;
        inside++;
        await sleep(random() * 10);
        expect(inside).to.equal(1);
        inside--;
        return await answer.lease.end("success");
      }
      throw new Error(`${id} could not begin`);
    };
    // Who is faster differs from run to run: until each fault was met often enough.
    const often = () => Object.values(met).every((count) => count > 5);
    for (let round = 0; (round < 20 || !often()) && round < 200; round++) {
      await Promise.all(["a", "b", "c", "d"].map((who) => start(`${who}${round}`)));
    }
    expect(counts.run).to.be.above(30);
    expect(often(), JSON.stringify(met)).to.equal(true);
    expect(holder()).to.equal(null);
  });

  it("doesn't run without knowing that it may", async () => {
    memory.beforePut = () => {
      throw down();
    };
    const error: unknown = await ask("one").catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(UserError);
    expect((error as UserError).message).to.contain("it is down");
  });

  it("goes on while the store is down for a while, and has its lease afterwards", async () => {
    const lease = await taken("one", 3);
    memory.beforePut = () => {
      throw down();
    };
    await sleep(1500);
    memory.beforePut = () => {};
    const { beat } = holder();
    await sleep(2000);
    expect(holder().id).to.equal("one");
    expect(holder().beat).to.not.equal(beat);
    await lease.end("success");
    expect(said).to.deep.equal([]);
  });

  it("says so when the lease can't be given back; it expires", async () => {
    const lease = await taken("one", 2);
    memory.beforePut = () => {
      throw down();
    };
    await lease.end("success");
    expect(said).to.have.length(1);
    expect(said[0]).to.contain("could not be given back: can't write in memory://test");
    memory.beforePut = () => {};
    await sleep(2500);
    await (await taken("two")).end("success");
  });

  it("says what is wrong with what isn't a lease", async () => {
    await memory.put("leases/daily.json", Buffer.from("half"));
    const error: unknown = await ask("one").catch((reason: unknown) => reason);
    if (!(error instanceof UserError)) throw new Error(`no UserError: ${error}`);
    expect(error.message).to.equal("memory://test, leases/daily.json is no lease of handoff's");
    expect(error.hint).to.contain("delete that object");
  });
});
