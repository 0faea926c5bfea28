/** What every artifact store does, whatever it is made of. */
import * as fs from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { UserError } from "../../../model/diagnostic.js";
import type { ArtifactStore } from "../../../runner-image/src/artifacts.js";
import { Workspaces } from "./workspace.js";

/** `open` gives a store on the same, new place each time it is called within one test. */
export function artifactStoreConformance(open: () => ArtifactStore): void {
  let at: Workspaces;
  beforeEach(() => {
    at = new Workspaces();
  });
  afterEach(() => at.remove());

  it("has nothing before the first push, and gives the next run what is kept", async () => {
    const work = at.make({ "state.json": "1", "out/a.csv": "a", "out/a.txt": "no", "artifacts/log": "log" });
    expect(await open().fetchLast(work, ["state.json"])).to.deep.equal({ runId: null });
    expect(await open().list()).to.deep.equal([]);
    expect(await open().push("run-1", work, ["state.json", "out/*.csv"])).to.deep.equal({
      archive: "run-1",
      replaced: null,
    });
    const next = at.make();
    expect(await open().fetchLast(next, ["state.json", "out/*.csv"])).to.deep.equal({ runId: "run-1" });
    expect(at.read(next)).to.deep.equal({ "state.json": "1", "out/a.csv": "a" });
    const all = at.make();
    await open().fetchLast(all, ["**"]);
    expect(Object.keys(at.read(all))).to.deep.equal(["artifacts/log", "out/a.csv", "state.json"]);
  });

  it("takes back what a failed run left, and touches nothing else", async () => {
    const work = at.make({ "artifacts/state.json": "good" });
    await open().push("run-1", work, []);
    at.write(work, { "artifacts/state.json": "evil", "artifacts/extra": "left", "files/mine.txt": "mine" });
    await open().fetchLast(work, ["artifacts/**"]);
    expect(at.read(work)).to.deep.equal({ "artifacts/state.json": "good", "files/mine.txt": "mine" });
  });

  it("keeps modes, times, links, odd names and empty files, and leaves files of secrets out", async () => {
    const work = at.make({
      "artifacts/tool.sh": "#!/bin/sh\n",
      "artifacts/empty": "",
      "artifacts/naïve 100%+?#.txt": "odd",
      "artifacts/key": "planted-secret",
      ".venvs/tap/bin/python": "large",
      ".handoff-workspace.json":
        '{"schemaVersion":1,"files":["artifacts/key"],"secretFiles":["artifacts/key"]}',
    });
    fs.chmodSync(path.join(work, "artifacts/tool.sh"), 0o755);
    fs.utimesSync(path.join(work, "artifacts/tool.sh"), 1e9, 1e9);
    fs.symlinkSync("tool.sh", path.join(work, "artifacts/link"));
    await open().push("run-1", work, ["**"]);
    const next = at.make();
    await open().fetchLast(next, ["**"]);
    expect(at.read(next)).to.deep.equal({
      "artifacts/empty": "",
      "artifacts/naïve 100%+?#.txt": "odd",
      "artifacts/tool.sh": "#!/bin/sh\n",
    });
    const stats = fs.statSync(path.join(next, "artifacts/tool.sh"));
    expect([stats.mode & 0o777, stats.mtimeMs]).to.deep.equal([0o755, 1e12]);
    expect(fs.readlinkSync(path.join(next, "artifacts/link"))).to.equal("tool.sh");
  });

  it("lists archives, keeps the newest and always the last, and both of a run that is pushed twice", async () => {
    const work = at.make();
    for (const run of ["run-1", "run-2", "run-2", "run-3"]) {
      at.write(work, { "artifacts/n": run });
      await open().push(run, work, []);
      await new Promise((resolve) => setTimeout(resolve, 1100)); // the stores' clocks have seconds
    }
    const names = async () =>
      (await open().list()).map(({ runId, isLast }) => (isLast ? `${runId}!` : runId));
    expect(await names()).to.deep.equal(["run-3!", "run-2~2", "run-2", "run-1"]);
    expect(await open().prune(3)).to.deep.equal(["run-1"]);
    expect(await open().prune(0)).to.deep.equal(["run-2~2", "run-2"]);
    expect(await names()).to.deep.equal(["run-3!"]);
    const next = at.make();
    await open().fetchLast(next, ["**"]);
    expect(at.read(next)).to.deep.equal({ "artifacts/n": "run-3" });
  });

  it("counts the push that ends last, and says which run it came after", async () => {
    const [mine, other] = [at.make({ "artifacts/n": "mine" }), at.make({ "artifacts/n": "other" })];
    const store = open();
    await store.fetchLast(mine, ["**"]);
    await open().push("other", other, []);
    expect(await store.push("mine", mine, [])).to.deep.equal({ archive: "mine", replaced: "other" });
    const next = at.make();
    expect(await open().fetchLast(next, ["**"])).to.deep.equal({ runId: "mine" });
    expect((await open().list()).map(({ runId }) => runId)).to.have.members(["mine", "other"]);
    expect(await open().push("later", next, [])).to.deep.include({ replaced: null });
  });

  it("gives an archive to a folder, and never over other files", async () => {
    const work = at.make({ "artifacts/n": "1", "state/deep/a": "a" });
    fs.symlinkSync("n", path.join(work, "artifacts/link"));
    await open().push("run-1", work, ["**"]);
    at.write(work, { "artifacts/n": "2" });
    await open().push("run-2", work, ["**"]);
    const to = path.join(at.make(), "new", "folder");
    expect(await open().get("run-1", to)).to.deep.equal({ runId: "run-1" });
    expect(at.read(to)).to.deep.equal({ "artifacts/n": "1", "state/deep/a": "a" });
    expect(fs.readlinkSync(path.join(to, "artifacts/link"))).to.equal("n");
    expect(await open().get("run-1", to), "what is there stays").to.deep.equal({ runId: "run-1" });
    at.write(to, { mine: "mine", "state/deep/a": "changed" });
    const refused = await failure(open().get(null, to));
    expect(refused.message).to.contain("artifacts/n and 1 more would be overwritten");
    expect(at.read(to)).to.deep.include({ "artifacts/n": "1", "state/deep/a": "changed" });
    expect(await open().get(null, to, { overwrite: true })).to.deep.equal({ runId: "run-2" });
    expect(at.read(to)).to.deep.equal({ "artifacts/n": "2", mine: "mine", "state/deep/a": "a" });
    expect((await failure(open().get("run-9", at.make()))).message).to.contain("no archive run-9 in ");
  });

  it("says what is in an archive", async () => {
    expect((await failure(open().files(null))).message).to.contain("nothing has been stored in ");
    const work = at.make({ "artifacts/b": "22", "artifacts/a": "1" });
    fs.symlinkSync("a", path.join(work, "artifacts/c"));
    await open().push("run-1", work, []);
    const files = [
      { path: "artifacts/a", size: 1 },
      { path: "artifacts/b", size: 2 },
      { path: "artifacts/c", size: null },
    ];
    expect(await open().files("run-1")).to.deep.equal({ runId: "run-1", files });
    expect(await open().files(null)).to.deep.equal({ runId: "run-1", files });
  });

  it("takes a folder for an archive, the same one once, and leaves the last one alone", async () => {
    await open().push("run-1", at.make({ "artifacts/n": "1" }), []);
    const mine = at.make({ "any/where": "mine" });
    fs.symlinkSync("where", path.join(mine, "any/link"));
    expect(await open().put("seed", mine)).to.deep.equal({ archive: "seed" });
    const next = at.make();
    expect(await open().fetchLast(next, ["**"])).to.deep.equal({ runId: "run-1" });
    expect(await open().put("seed", mine)).to.deep.equal({ archive: "seed" });
    at.write(mine, { "any/where": "more" });
    expect(await open().put("seed", mine)).to.deep.equal({ archive: "seed~2" });
    expect((await open().list()).map(({ runId }) => runId)).to.have.members(["run-1", "seed", "seed~2"]);
    expect((await failure(open().put("../seed", mine))).message).to.contain("archive's name");
  });

  it("rolls back and forth, and tells the run that was under way", async () => {
    const work = at.make({ "artifacts/n": "1" });
    await open().push("run-1", work, []);
    at.write(work, { "artifacts/n": "2" });
    await open().push("run-2", work, []);
    const running = open();
    await running.fetchLast(work, ["**"]);
    expect(await open().rollback("run-1", { expected: "run-2" })).to.deep.equal({ before: "run-2" });
    expect(await open().rollback("run-1")).to.deep.equal({ before: "run-1" });
    const conflict = await failure(open().rollback("run-2", { expected: "run-2" }));
    expect(conflict.message).to.contain("run run-1 stored its artifacts meanwhile");
    expect((await failure(open().rollback("run-9"))).message).to.contain("no archive run-9");
    const next = at.make();
    expect(await open().fetchLast(next, ["**"])).to.deep.equal({ runId: "run-1" });
    expect(at.read(next)).to.deep.equal({ "artifacts/n": "1" });
    expect(await running.push("run-3", work, [])).to.deep.equal({ archive: "run-3", replaced: "run-1" });
    expect(await open().rollback("run-2")).to.deep.equal({ before: "run-3" });
    await open().fetchLast(next, ["**"]);
    expect(at.read(next)).to.deep.equal({ "artifacts/n": "2" });
  });

  it("keeps concurrent runs apart", async () => {
    const runs = [0, 1, 2, 3].map((n) => ({ run: `run-${n}`, work: at.make() }));
    for (const { run, work } of runs) {
      at.write(
        work,
        Object.fromEntries([...Array(10)].map((_, i) => [`artifacts/${i}`, i < 3 ? "same" : run])),
      );
    }
    await Promise.all(runs.map(({ run, work }) => open().push(run, work, [])));
    const next = at.make();
    const { runId } = await open().fetchLast(next, ["**"]);
    expect(new Set(Object.values(at.read(next)))).to.deep.equal(new Set(["same", runId]));
    expect(await open().list()).to.have.length(4);
  });
}

async function failure(work: Promise<unknown>): Promise<UserError> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof UserError) return error;
  throw new Error(`no UserError: ${error}`);
}
