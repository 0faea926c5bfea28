import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { openArtifactStore } from "../../runner-image/src/artifacts.js";

describe("runner/artifacts", () => {
  let dir = "";
  let work = "";
  let store = "";
  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(tmpdir(), "handoff-artifacts-"));
    work = path.join(dir, "work");
    store = path.join(dir, "store");
    fs.mkdirSync(work);
  });
  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

  const write = (name: string, text: string, base = work): void => {
    fs.mkdirSync(path.dirname(path.join(base, name)), { recursive: true });
    fs.writeFileSync(path.join(base, name), text);
  };
  const read = (name: string, base = work): string => fs.readFileSync(path.join(base, name), "utf8");
  const has = (name: string, base = work): boolean => fs.existsSync(path.join(base, name));

  it("gives the next run what is kept, and archives outputs beside it", async () => {
    const artifacts = openArtifactStore(store);
    expect(await artifacts.fetchLast(work, ["state.json"])).to.deep.equal({ runId: null });
    write("state.json", "1");
    write("out/a.csv", "a");
    write("out/a.txt", "not kept");
    write("artifacts/fetch_stdout.log", "log");
    await artifacts.push("run-1", work, ["state.json", "out/*.csv"]);
    expect(fs.readlinkSync(path.join(store, "last"))).to.equal("runs/run-1");
    expect(has("last/out/a.txt", store)).to.equal(false);
    expect(read("last/artifacts/fetch_stdout.log", store)).to.equal("log");

    const next = path.join(dir, "next");
    fs.mkdirSync(next);
    expect(await artifacts.fetchLast(next, ["state.json", "out/*.csv"])).to.deep.equal({ runId: "run-1" });
    expect(read("state.json", next) + read("out/a.csv", next)).to.equal("1a");
    expect(has("artifacts/fetch_stdout.log", next)).to.equal(false);
  });

  it("takes back what a failed run left in the workspace, and touches nothing else", async () => {
    const artifacts = openArtifactStore(store);
    write("artifacts/state.json", "good");
    await artifacts.push("run-1", work, ["artifacts/**"]);
    write("artifacts/state.json", "evil");
    write("artifacts/extra.json", "left by a failed run");
    write("files/mine.txt", "mine");
    await artifacts.fetchLast(work, ["artifacts/**"]);
    expect(read("artifacts/state.json")).to.equal("good");
    expect(has("artifacts/extra.json")).to.equal(false);
    expect(read("files/mine.txt")).to.equal("mine");
  });

  it("shares unchanged files between archives, but never with the workspace", async () => {
    const artifacts = openArtifactStore(store);
    write("artifacts/big", "x".repeat(200_000));
    write("artifacts/state", "one");
    await artifacts.push("run-1", work, []);
    write("artifacts/state", "two");
    await artifacts.push("run-2", work, []);
    const inode = (name: string): number => fs.statSync(path.join(store, name)).ino;
    expect(inode("runs/run-1/artifacts/big")).to.equal(inode("runs/run-2/artifacts/big"));
    expect(inode("runs/run-1/artifacts/state")).not.to.equal(inode("runs/run-2/artifacts/state"));
    await artifacts.fetchLast(work, ["artifacts/**"]);
    fs.appendFileSync(path.join(work, "artifacts/big"), "more");
    expect(fs.statSync(path.join(store, "runs/run-2/artifacts/big")).size).to.equal(200_000);
    expect(read("runs/run-1/artifacts/state", store)).to.equal("one");
  });

  it("keeps modes and symbolic links, and leaves pipes and files of secrets out", async () => {
    const artifacts = openArtifactStore(store);
    write("artifacts/tool.sh", "#!/bin/sh\n");
    fs.chmodSync(path.join(work, "artifacts/tool.sh"), 0o755);
    fs.symlinkSync("tool.sh", path.join(work, "artifacts/link"));
    write("artifacts/key", "hush");
    write(".venvs/tap/bin/python", "large");
    write(
      ".handoff-workspace.json",
      '{"schemaVersion":1,"files":["artifacts/key"],"secretFiles":["artifacts/key"]}',
    );
    await artifacts.push("run-1", work, ["**"]);
    expect(has("last/artifacts/key", store)).to.equal(false);
    expect(fs.readdirSync(path.join(store, "last"))).to.deep.equal(["artifacts"]);
    const next = path.join(dir, "next");
    await artifacts.fetchLast(next, ["artifacts/**"]);
    expect(fs.statSync(path.join(next, "artifacts/tool.sh")).mode & 0o777).to.equal(0o755);
    expect(fs.readlinkSync(path.join(next, "artifacts/link"))).to.equal("tool.sh");
  });

  it("keeps the newest archives and always the last one", async () => {
    const artifacts = openArtifactStore(store, { keepRuns: 3 });
    for (let i = 1; i <= 5; i++) {
      write("artifacts/n", String(i));
      await artifacts.push(`run-${i}`, work, []);
      await sleep(15);
    }
    expect((await artifacts.list()).map((archive) => archive.runId)).to.deep.equal([
      "run-5",
      "run-4",
      "run-3",
    ]);
    fs.rmSync(path.join(store, "last"));
    fs.symlinkSync("runs/run-3", path.join(store, "last"));
    expect(await artifacts.prune(0)).to.have.members(["run-5", "run-4"]);
    expect(await artifacts.list()).to.have.length(1);
    expect(read("last/artifacts/n", store)).to.equal("3");
  });

  it("keeps both archives of a run that is pushed twice", async () => {
    const artifacts = openArtifactStore(store);
    write("artifacts/n", "1");
    await artifacts.push("run", work, []);
    write("artifacts/n", "2");
    await artifacts.push("run", work, []);
    expect(read("runs/run/artifacts/n", store)).to.equal("1");
    expect(read("last/artifacts/n", store)).to.equal("2");
  });

  it("refuses a name that leads elsewhere, and patterns that do match nothing", async () => {
    const artifacts = openArtifactStore(store);
    for (const name of ["..", "a/b", ""]) {
      const error: unknown = await artifacts.push(name, work, []).catch((reason: unknown) => reason);
      expect(error, name).to.be.instanceOf(Error);
    }
    write("secret", "outside", dir);
    await artifacts.push("run", work, ["../secret", "/etc/hostname"]);
    expect(fs.readdirSync(path.join(store, "last"))).to.deep.equal([]);
  });

  it("keeps a whole state when a push is killed at any moment, and cleans up after it", async function () {
    this.timeout(120_000);
    const module = pathToFileURL(path.resolve("runner-image/src/artifacts.ts")).href;
    const script = `import { openArtifactStore } from ${JSON.stringify(module)};
      import { writeFileSync } from "node:fs";
      const store = openArtifactStore(${JSON.stringify(store)}, { keepRuns: 4 });
      console.log("up");
      for (let n = Number(process.argv[1]); ; n++) {
        for (let i = 0; i < 12; i++) writeFileSync(${JSON.stringify(path.join(work, "artifacts"))} + "/f" + i, i % 3 ? n + "\\n" : "same");
        await store.push("run-" + n, ${JSON.stringify(work)}, ["artifacts/**"]);
      }`;
    fs.mkdirSync(path.join(work, "artifacts"));
    let leftovers = 0;
    for (let round = 0; round < 12; round++) {
      const child = spawn(
        process.execPath,
        ["--import", "tsx", "--input-type=module", "-e", script, String(round * 10_000)],
        {
          stdio: ["ignore", "pipe", "inherit"],
        },
      );
      await firstOutput(child);
      await sleep(20 + Math.random() * 80);
      child.kill("SIGKILL");
      await new Promise((resolve) => child.once("exit", resolve));
      leftovers += temporary().length;
      if (!has("last", store)) continue;
      const files = fs.readdirSync(path.join(store, "last", "artifacts"));
      expect(files).to.have.length(12);
      const versions = files
        .map((name) => read(`last/artifacts/${name}`, store))
        .filter((text) => text !== "same");
      expect(new Set(versions).size, "one run's files only").to.equal(1);
      expect(`runs/run-${versions[0]?.trim()}`).to.equal(fs.readlinkSync(path.join(store, "last")));
    }
    expect(leftovers, "some push was hit in its middle").to.be.greaterThan(0);
    await openArtifactStore(store).push("final", work, ["artifacts/**"]);
    expect(temporary()).to.deep.equal([]);
  });

  const temporary = (): string[] => fs.readdirSync(store).filter((name) => name.startsWith(".tmp-"));
});

function firstOutput(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.once("data", () => resolve());
    child.once("exit", (code) => reject(new Error(`ended with ${code} before it was up`)));
  });
}
