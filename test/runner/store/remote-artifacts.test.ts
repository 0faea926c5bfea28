import * as fs from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { expect } from "chai";
import { UserError } from "../../../model/diagnostic.js";
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

  it("believes no archive that leads out of the workspace", async () => {
    const file = { kind: "file", sha256: sha256(""), size: 0, mode: 0o644, modifiedMs: 0 };
    for (const evil of ["../x", "/etc/x", "a/../../x", ""]) {
      const archive = { schemaVersion: 1, runId: "r", pushedAt: "", files: [{ path: evil, ...file }] };
      await memory.put("last", Buffer.from(JSON.stringify(archive)));
      expect((await failure(open().fetchLast(at.make(), ["**"]))).message, evil).to.contain("no archive");
    }
    await memory.put("last", Buffer.from("half"));
    expect(await failure(open().push("run", at.make(), []))).to.be.instanceOf(UserError);
  });

  it("fails when a file is written while it is being stored, and stores nothing wrong", async () => {
    const large = 5 * 1024 * 1024;
    for (const size of [10, large]) {
      const work = at.make({ "artifacts/first": `x${size}`, "artifacts/n": "a".repeat(size) });
      memory.beforePut = (key) => {
        if (key === `objects/${sha256(`x${size}`)}`)
          fs.writeFileSync(path.join(work, "artifacts/n"), "b".repeat(size));
      };
      const files = ["artifacts/n"];
      // Small files travel together: the change must come before the second one is read.
      if (size === 10) {
        const readFile = memory.list.bind(memory);
        memory.list = async function* (prefix) {
          yield* readFile(prefix);
          fs.writeFileSync(path.join(work, "artifacts/n"), "b".repeat(size));
        };
      }
      const error = await failure(open().push("run", work, files));
      expect(error.message).to.equal("artifacts/n was written while it was being stored");
      expect(memory.keys("objects/")).to.not.include(`objects/${sha256("a".repeat(size))}`);
      memory = new MemoryStore();
    }
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
