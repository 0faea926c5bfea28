import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { openArtifactStore } from "../../../runner-image/src/artifacts.js";
import { commands, Sandbox, until } from "./harness.js";
import { exitOf, recordOf, startRunner } from "./process.js";

describe("runner/exec: files with secrets", function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  const project = { secrets: [{ key: "KEY", file: "files/sub dir/key's.json" }] };
  beforeEach(() => {
    sandbox = new Sandbox();
    mkdirSync(join(sandbox.dir, "secrets"));
    writeFileSync(join(sandbox.dir, "secrets/KEY"), "hunter2-hunter2");
    // A file with a template gets the value too.
    mkdirSync(join(sandbox.dir, "code/files"));
    writeFileSync(join(sandbox.dir, "code/files/config.ini"), "password = {{ KEY }}\n");
    writeFileSync(join(sandbox.dir, "code/files/plain.txt"), "nothing\n");
  });
  afterEach(() => sandbox.remove());

  const secretFiles = () => [
    join(sandbox.work, "files/sub dir/key's.json"),
    join(sandbox.work, "files/config.ini"),
  ];
  const there = () => secretFiles().filter(existsSync);
  const start = (line: string) =>
    startRunner(sandbox, [commands("one", [line])], project, ["--secrets-dir", join(sandbox.dir, "secrets")]);
  const started = () => until(() => sandbox.has("started"));

  it("are the user's alone, and gone when the run has ended by itself", async () => {
    const child = start("touch started; while [ ! -f go ]; do sleep 0.05; done");
    await started();
    expect(secretFiles().map((file) => statSync(file).mode & 0o777)).to.deep.equal([0o600, 0o600]);
    writeFileSync(join(sandbox.work, "go"), "");
    expect(await exitOf(child)).to.equal(0);
    expect(there()).to.deep.equal([]);
    expect(sandbox.has("files/plain.txt")).to.equal(true);
  });

  it("are gone when the run failed, and when it was stopped", async () => {
    expect(await exitOf(start("exit 3"))).to.equal(1);
    expect(there()).to.deep.equal([]);
    const child = start("touch started; sleep 60");
    await started();
    child.kill("SIGTERM");
    expect(await exitOf(child)).to.equal(143);
    expect(recordOf(sandbox).status).to.equal("stopped");
    expect(there()).to.deep.equal([]);
  });

  it("are removed by the watchdog when the runner is killed, and nothing else is", async () => {
    const child = start("touch started; sleep 60");
    await started();
    expect(there()).to.have.length(2);
    child.kill("SIGKILL");
    await exitOf(child);
    expect(await until(() => there().length === 0)).to.equal(true);
    expect(sandbox.has("files/plain.txt")).to.equal(true);
    // The next run in the same place has its own, and removes them.
    expect(await exitOf(start("test -f files/config.ini"))).to.equal(0);
    expect(there()).to.deep.equal([]);
  });

  it("never get into the artifacts, whatever is kept", async () => {
    const artifactsDir = join(sandbox.dir, "artifacts");
    const record = await sandbox.run(
      [commands("one", ["test -f files/config.ini"])],
      { ...project, artifacts: { keep: ["**"], pushOnFail: false } },
      { secrets: new Map([["KEY", "hunter2-hunter2"]]), artifactsDir },
    );
    expect(record.status).to.equal("success");
    const restored = join(sandbox.dir, "restored");
    await openArtifactStore(artifactsDir).fetchLast(restored, ["**"]);
    expect(existsSync(join(restored, "files/plain.txt"))).to.equal(true);
    expect(existsSync(join(restored, "files/config.ini"))).to.equal(false);
    expect(existsSync(join(restored, "files/sub dir/key's.json"))).to.equal(false);
  });
});
