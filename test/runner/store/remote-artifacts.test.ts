import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { expect } from "chai";
import { UserError } from "../../../model/diagnostic.js";
import { defaultPartBytes } from "../../../runner-image/src/store/archive.js";
import { remoteArtifacts } from "../../../runner-image/src/store/remote-artifacts.js";
import { artifactStoreConformance } from "./conformance.js";
import { MemoryStore, sha256 } from "./memory-store.js";
import { Workspaces } from "./workspace.js";

const dayMs = 86_400_000;

describe("runner/store: artifacts in an object store", () => {
  let memory: MemoryStore;
  let at: Workspaces;
  beforeEach(() => {
    memory = new MemoryStore();
    at = new Workspaces();
  });
  afterEach(() => at.remove());
  const open = (keepRuns?: number) =>
    remoteArtifacts(async () => memory, { now: memory.now, ...(keepRuns === undefined ? {} : { keepRuns }) });
  const failure = async (work: Promise<unknown>): Promise<Error> => {
    const error: unknown = await work.then(
      () => null,
      (reason: unknown) => reason,
    );
    if (error instanceof Error) return error;
    throw new Error("it did not fail");
  };

  artifactStoreConformance(() => open());

  it("sends contents once, whichever files and runs have them", async () => {
    const work = at.make({ "artifacts/a": "same", "artifacts/b": "same", "artifacts/c": "one" });
    await open().push("run-1", work, []);
    expect(memory.keys("objects/")).to.have.members([
      `objects/${sha256("same")}`,
      `objects/${sha256("one")}`,
    ]);
    memory.puts.length = 0;
    at.write(work, { "artifacts/c": "two" });
    await open().push("run-2", work, []);
    expect(memory.puts).to.deep.equal([`objects/${sha256("two")}`, "runs/run-2.json", "last"]);
    memory.puts.length = 0;
    await open().push("run-3", work, []);
    expect(memory.puts).to.deep.equal(["runs/run-3.json", "last"]);
  });

  it("keeps the previous state whole at whichever write a push ends", async () => {
    const work = at.make({ "artifacts/a": "1", "artifacts/b": "1b", "artifacts/c": "same" });
    await open().push("run-1", work, []);
    at.write(work, { "artifacts/a": "2", "artifacts/b": "2b" });
    const before = new Map(memory.objects);
    // Two objects, the archive, `last`.
    for (let k = 1; k <= 4; k++) {
      memory.objects.clear();
      for (const [key, entry] of before) memory.objects.set(key, entry);
      let writes = 0;
      memory.beforePut = () => {
        if (++writes >= k) throw new Error("killed");
      };
      expect((await failure(open().push(`broken-${k}`, work, []))).message).to.equal("killed");
      const next = at.make();
      expect(await open().fetchLast(next, ["**"])).to.deep.equal({ runId: "run-1" });
      expect(at.read(next)).to.deep.equal({ "artifacts/a": "1", "artifacts/b": "1b", "artifacts/c": "same" });
    }
    memory.beforePut = () => {};
    memory.puts.length = 0;
    await open().push("run-2", work, []);
    expect(memory.puts, "what the broken pushes sent doesn't travel again").to.deep.equal([
      "clock",
      "runs/run-2.json",
      "last",
    ]);
    const next = at.make();
    await open().fetchLast(next, ["**"]);
    expect(at.read(next)).to.deep.equal({ "artifacts/a": "2", "artifacts/b": "2b", "artifacts/c": "same" });
  });

  it("takes a write whose answer was lost, and which the library made again, for its own", async () => {
    const work = at.make({ "artifacts/a": "1" });
    const put = memory.put.bind(memory);
    memory.put = async (key, body, condition) => {
      await put(key, body, condition);
      if (!key.startsWith("objects/")) await put(key, body, condition); // finds the first one's: a conflict
    };
    const now = new Date();
    memory.now = () => now;
    expect(await open().push("run-1", work, [])).to.deep.equal({ archive: "run-1", replaced: null });
    expect(memory.keys("runs/")).to.deep.equal(["runs/run-1.json"]);
  });

  it("notices a run that is faster in the very last moment", async () => {
    const [mine, other] = [at.make({ "artifacts/n": "mine" }), at.make({ "artifacts/n": "other" })];
    memory.beforePut = async (key) => {
      if (key !== "last") return;
      memory.beforePut = () => {};
      await open().push("other", other, []);
    };
    expect(await open().push("mine", mine, [])).to.deep.equal({ archive: "mine", replaced: "other" });
    expect(JSON.parse(memory.text("last")).runId).to.equal("mine");
  });

  describe("jobs of one run, side by side", () => {
    const keep = ["state/**"];
    /** Files of the last state. */
    const last = () =>
      Object.fromEntries(
        (JSON.parse(memory.text("last")) as { files: { path: string; parts: string[] }[] }).files.map(
          (file) => [file.path, memory.text(`objects/${file.parts[0]}`)],
        ),
      );
    const job = async () => {
      const store = open();
      const work = at.make({});
      await store.fetchLast(work, keep);
      return { work, push: () => store.push("day-2", work, keep) };
    };
    beforeEach(async () => {
      await open().push(
        "day-1",
        at.make({ "state/a": "1", "state/b": "1", "state/old": "x", "artifacts/log": "1" }),
        keep,
      );
    });

    it("both keep what they changed, made and removed", async () => {
      const [a, b] = [await job(), await job()];
      at.write(a.work, { "state/a": "2", "artifacts/a.log": "a" });
      fs.rmSync(path.join(a.work, "state/old"));
      at.write(b.work, { "state/b": "2", "state/new": "n", "artifacts/b.log": "b" });
      expect(await a.push()).to.deep.equal({ archive: "day-2", replaced: null });
      expect(await b.push()).to.deep.equal({ archive: "day-2~3", replaced: null, conflicts: [] });
      expect(last()).to.deep.equal({
        ...{ "state/a": "2", "state/b": "2", "state/new": "n" },
        ...{ "artifacts/a.log": "a", "artifacts/b.log": "b" },
      });
    });

    it("a third one, too, and also when another is faster in the very last moment", async () => {
      const jobs = [await job(), await job(), await job()] as const;
      for (const [index, { work }] of jobs.entries()) at.write(work, { [`state/${index}`]: String(index) });
      const [first, second, third] = jobs;
      await first.push();
      memory.beforePut = async (key) => {
        if (key !== "last") return;
        memory.beforePut = () => {};
        await third.push();
      };
      expect(await second.push()).to.include({ replaced: null });
      expect(last()).to.include({ "state/0": "0", "state/1": "1", "state/2": "2", "state/old": "x" });
    });

    it("tells which files both changed; the job that ends last counts", async () => {
      const [a, b] = [await job(), await job()];
      at.write(a.work, { "state/a": "from a", "state/b": "both" });
      at.write(b.work, { "state/a": "from b", "state/b": "both" });
      await a.push();
      expect((await b.push()).conflicts).to.deep.equal(["state/a"]);
      expect(last()).to.include({ "state/a": "from b", "state/b": "both" });
    });

    it("one after the other: what was written for reading stays", async () => {
      const first = await job();
      at.write(first.work, { "artifacts/first.log": "1", "state/a": "2" });
      await first.push();
      const second = await job();
      at.write(second.work, { "artifacts/second.log": "2" });
      expect(await second.push()).to.deep.equal({ archive: "day-2~2", replaced: null });
      expect(last()).to.include({ "artifacts/first.log": "1", "artifacts/second.log": "2", "state/a": "2" });
    });

    it("another run is not mixed in", async () => {
      const [a, b] = [await job(), await job()];
      at.write(a.work, { "state/a": "2" });
      at.write(b.work, { "state/b": "2" });
      await open().push("day-20", a.work, keep);
      expect(await b.push()).to.deep.equal({ archive: "day-2", replaced: "day-20" });
      expect(last()).to.include({ "state/a": "1", "state/b": "2" });
    });
  });

  it("starts from the last state when its archive has expired", async () => {
    await open().push("run-1", at.make({ "artifacts/n": "1" }), []);
    await memory.delete("runs/run-1.json");
    const next = at.make();
    expect(await open().fetchLast(next, ["**"])).to.deep.equal({ runId: "run-1" });
    expect(at.read(next)).to.deep.equal({ "artifacts/n": "1" });
    expect((await open().list()).map(({ runId }) => runId)).to.deep.equal(["run-1"]);
  });

  it("reads again what broke off, and never takes damaged contents", async () => {
    await open().push("run-1", at.make({ "artifacts/n": "contents" }), []);
    let reads = 0;
    memory.onGet = (key, body) =>
      key.startsWith("objects/") && ++reads < 3
        ? Readable.from([body.subarray(0, 3)])
        : Readable.from([body]);
    const next = at.make();
    await open().fetchLast(next, ["**"]);
    expect(at.read(next)).to.deep.equal({ "artifacts/n": "contents" });
    memory.onGet = (key, body) => Readable.from([key.startsWith("objects/") ? Buffer.from("planted") : body]);
    const before = at.make({ "artifacts/n": "mine" });
    const error = await failure(open().fetchLast(before, ["**"]));
    expect(error).to.be.instanceOf(UserError);
    expect(error.message).to.equal("artifacts/n of run run-1 isn't in memory://test as it was stored");
    expect(at.read(before), "and no half file is left").to.deep.equal({ "artifacts/n": "mine" });
    memory.objects.delete(`objects/${sha256("contents")}`);
    expect((await failure(open().fetchLast(at.make(), ["**"]))).message).to.contain("is no longer in");
  });

  it("reads again what stalls in its middle", async () => {
    const slow = Object.assign(memory, { timeoutMs: 200 });
    await open().push("run-1", at.make({ "artifacts/n": "contents" }), []);
    let reads = 0;
    slow.onGet = (_, body) => {
      if (++reads > 2) return Readable.from([body]);
      const stalled = new Readable({ read: () => {} });
      stalled.push(body.subarray(0, 3));
      return stalled;
    };
    const next = at.make();
    await open().fetchLast(next, ["**"]);
    expect(at.read(next)).to.deep.equal({ "artifacts/n": "contents" });
    slow.onGet = () => new Readable({ read: () => {} });
    const { message } = await failure(open().fetchLast(next, ["**"]));
    expect(message).to.equal("can't read last in memory://test: nothing came for 0.2 s");
  });

  it("believes no archive that leads out of the workspace", async () => {
    const file = { kind: "file", parts: [sha256("x")], size: 1, mode: 0o644, modifiedMs: 0 };
    const archive = { schemaVersion: 1, runId: "r", pushedAt: "2026-01-01T00:00:00Z", partBytes: 8 };
    const wrong = [
      { path: "a", ...file, parts: [] },
      { path: "a", ...file, size: 9 },
      { path: "a", ...file, size: -1 },
      { path: "a", ...file, parts: ["../last"] },
    ];
    for (const evil of ["../x", "/etc/x", "a/../../x", ""]) wrong.push({ path: evil, ...file });
    for (const each of wrong) {
      await memory.put("last", Buffer.from(JSON.stringify({ ...archive, files: [each] })));
      const { message } = await failure(open().fetchLast(at.make(), ["**"]));
      expect(message, JSON.stringify(each)).to.contain("is no archive of handoff's");
    }
    await memory.put("last", Buffer.from(JSON.stringify({ ...archive, files: [{ path: "a", ...file }] })));
    expect((await failure(open().fetchLast(at.make(), ["**"]))).message).to.contain(
      "a of run r is no longer",
    );
    await memory.put("last", Buffer.from("half"));
    expect(await failure(open().push("run", at.make(), []))).to.be.instanceOf(UserError);
  });

  it("fails when a file is written while it is being stored, and stores nothing wrong", async () => {
    const sizes = [10, defaultPartBytes + 10] as const;
    for (const [size, then] of sizes.flatMap((size) =>
      [size, size - 5].map((then) => [size, then] as const),
    )) {
      memory = new MemoryStore();
      const work = at.make({ "artifacts/n": "a".repeat(size) });
      const list = memory.list.bind(memory);
      // After it was hashed, before it is sent.
      memory.list = async function* (prefix) {
        fs.writeFileSync(path.join(work, "artifacts/n"), "b".repeat(then));
        yield* list(prefix);
      };
      const error = await failure(open().push("run", work, ["artifacts/n"]));
      expect(error.message).to.equal("artifacts/n was written while it was being stored");
      expect(memory.puts, "not even a part of what it is now").to.deep.equal([]);
    }
  });

  it("sends of a large file the parts that are new, and goes on where a push broke off", async () => {
    const bytes = randomBytes(3 * defaultPartBytes + 1000);
    const hashes = [0, 1, 2, 3].map(
      (n) => `objects/${sha256(bytes.subarray(n * defaultPartBytes, (n + 1) * defaultPartBytes))}`,
    );
    const work = at.make({ "artifacts/n": "1" });
    await open().push("run-1", work, []);
    fs.writeFileSync(path.join(work, "artifacts/large"), bytes);
    memory.puts.length = 0;
    memory.beforePut = (key) => {
      if (key === hashes[2]) throw new Error("killed");
    };
    await failure(open().push("run-2", work, []));
    expect(memory.text("last")).to.contain("run-1");
    const sent = new Set(memory.puts.filter((key) => key !== hashes[2]));
    expect(sent.size, "a part was stored").to.be.above(0);
    memory.beforePut = () => {};
    memory.puts.length = 0;
    await open().push("run-2", work, []);
    const rest = hashes.filter((key) => !sent.has(key));
    expect(memory.puts.filter((key) => key.startsWith("objects/"))).to.have.members(rest);

    fs.appendFileSync(path.join(work, "artifacts/large"), "appended");
    memory.puts.length = 0;
    await open().push("run-3", work, []);
    const last = sha256(Buffer.concat([bytes.subarray(3 * defaultPartBytes), Buffer.from("appended")]));
    expect(memory.puts).to.deep.equal([`objects/${last}`, "runs/run-3.json", "last"]);
    const next = at.make();
    await open().fetchLast(next, ["**"]);
    const fetched = fs.readFileSync(path.join(next, "artifacts/large"));
    expect(fetched.equals(Buffer.concat([bytes, Buffer.from("appended")]))).to.equal(true);
    expect(fs.readdirSync(path.join(next, "artifacts")), "no temporary file").to.deep.equal(["large", "n"]);
  });

  it("reads archives with parts of another size", async () => {
    const files = ["12345", "67890", "1"].map((text) => [`objects/${sha256(text)}`, text] as const);
    for (const [key, text] of files) await memory.put(key, Buffer.from(text));
    const parts = files.map(([key]) => key.slice("objects/".length));
    const file = { path: "n", kind: "file", size: 11, parts, mode: 0o600, modifiedMs: 0 };
    const archive = { schemaVersion: 1, runId: "r", pushedAt: "2026-01-01T00:00:00Z", partBytes: 5 };
    await memory.put("last", Buffer.from(JSON.stringify({ ...archive, files: [file] })));
    const next = at.make();
    await open().fetchLast(next, ["**"]);
    expect(at.read(next)).to.deep.equal({ n: "12345678901" });
  });

  it("goes by the store's clock, however wrong that of a container is", async () => {
    let time = Date.parse("2026-06-01T00:00:00Z");
    memory.now = () => new Date(time);
    const skewed = (days: number) =>
      remoteArtifacts(async () => memory, { now: () => new Date(time + days * dayMs), keepRuns: 2 });
    await skewed(-400).push("run-1", at.make({ "artifacts/n": "1" }), []);
    time += 2 * dayMs;
    // A push under way has sent its contents, and another one sweeps at a clock that is a year ahead.
    const slow = at.make({ "artifacts/n": "slow" });
    memory.beforePut = async (key) => {
      if (key !== "runs/slow.json") return;
      memory.beforePut = () => {};
      time += 60_000;
      await skewed(400).push("other", at.make({ "artifacts/n": "other" }), []);
    };
    await skewed(-400).push("slow", slow, []);
    const next = at.make();
    await skewed(0).fetchLast(next, ["**"]);
    expect(at.read(next)).to.deep.equal({ "artifacts/n": "slow" });
    expect((await skewed(0).list()).map(({ runId }) => runId)).to.have.members(["slow", "other"]);

    // What a broken push left more than a day ago may be swept at any moment: it is sent again, also by a clock behind.
    const old = at.make({ "artifacts/n": "old" });
    await memory.put(`objects/${sha256("old")}`, Buffer.from("old"));
    time += 2 * dayMs;
    memory.puts.length = 0;
    await skewed(-400).push("again", old, []);
    expect(memory.puts).to.include(`objects/${sha256("old")}`);
  });

  it("keeps what a rollback replaces, also when its archive has expired", async () => {
    await open().push("run-1", at.make({ "artifacts/n": "1" }), []);
    await open().push("run-2", at.make({ "artifacts/n": "2" }), []);
    await memory.delete("runs/run-2.json");
    expect(await open().rollback("run-1")).to.deep.equal({ before: "run-2" });
    expect(await open().rollback("run-2")).to.deep.equal({ before: "run-1" });
    const next = at.make();
    await open().fetchLast(next, ["**"]);
    expect(at.read(next)).to.deep.equal({ "artifacts/n": "2" });
  });

  it("doesn't roll back to what is no longer whole, nor over a run that was faster", async () => {
    await open().push("run-1", at.make({ "artifacts/n": "1" }), []);
    await open().push("run-2", at.make({ "artifacts/n": "2" }), []);
    memory.beforePut = async (key) => {
      if (key !== "last") return;
      memory.beforePut = () => {};
      await open().push("run-3", at.make({ "artifacts/n": "3" }), []);
    };
    const conflict = await failure(open().rollback("run-1"));
    expect(conflict.message).to.contain("run run-3 stored its artifacts meanwhile");
    await memory.delete(`objects/${sha256("1")}`);
    expect((await failure(open().rollback("run-1"))).message).to.contain("no longer in memory://test");
    expect(JSON.parse(memory.text("last")).runId).to.equal("run-3");
  });

  it("removes archives beyond the number, and after a day the contents that nothing names", async () => {
    let time = Date.parse("2026-01-01T00:00:00Z");
    memory.now = () => new Date(time);
    const work = at.make({ "artifacts/same": "same" });
    for (let day = 1; day <= 6; day++) {
      time += 2 * dayMs;
      at.write(work, { "artifacts/n": `day ${day}` });
      await open(2).push(`run-${day}`, work, []);
    }
    expect(memory.keys("runs/")).to.deep.equal(["runs/run-5.json", "runs/run-6.json"]);
    const left = [5, 6].map((day) => `objects/${sha256(`day ${day}`)}`);
    expect(memory.keys("objects/")).to.have.members([`objects/${sha256("same")}`, ...left]);
  });

  it("has stored the state also when old contents can't be removed", async () => {
    memory.now = () => new Date("2026-01-01T00:00:00Z");
    await open().push("run-1", at.make({ "artifacts/n": "1" }), []);
    await memory.put("runs/odd.json", Buffer.from("half"));
    memory.now = () => new Date("2026-01-03T00:00:00Z");
    const { replaced, notRemoved } = await open().push("run-2", at.make({ "artifacts/n": "2" }), []);
    expect(replaced).to.equal(null);
    expect(notRemoved).to.contain("runs/odd.json is no archive");
    expect(await open().fetchLast(at.make(), ["**"])).to.deep.equal({ runId: "run-2" });
    expect(memory.keys("objects/")).to.have.length(2);
  });

  it("leaves a push under way what it has sent, and what it counts on", async () => {
    let time = Date.parse("2026-01-01T00:00:00Z");
    memory.now = () => new Date(time);
    await open().push("run-1", at.make({ "artifacts/n": "old" }), []);
    time += 3 * dayMs;
    const slow = at.make({ "artifacts/n": "old", "artifacts/new": "new" });
    const [state, other] = [at.make(), at.make({ "artifacts/n": "other" })];
    memory.beforePut = async (key) => {
      if (key !== "runs/slow.json") return;
      memory.beforePut = () => {};
      await memory.delete("runs/run-1.json"); // expired
      await open().push("other", other, []);
    };
    await open().push("slow", slow, []);
    await open().fetchLast(state, ["**"]);
    expect(at.read(state)).to.deep.equal({ "artifacts/n": "old", "artifacts/new": "new" });
  });

  it("refuses a name that leads elsewhere", async () => {
    for (const name of ["..", "a/b", ""]) {
      expect((await failure(open().push(name, at.make(), []))).message).to.contain("archive's name");
    }
    expect(memory.puts).to.deep.equal([]);
  });
});
