import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { secretVariable, storeVariable } from "../../model/container-env.js";
import type { LogLine, StoredRecord } from "../../model/run.js";
import { runnerEntry } from "../../providers/local/entries.js";
import { openObjects } from "../../runner-image/src/store/objects.js";
import { type GitServer, startGitServer, TestRepository, temporaryFolder } from "../support/git-server.js";

const token = "planted-token-91c2";
const projectYaml = `version: 1
name: fx
installs: [{venv: tool, command: "touch $VIRTUAL_ENV/made"}]
secrets: [{key: GIT_TOKEN}, {key: API_KEY}]
stores: [{name: rates, kind: bucket}]
artifacts: {keep: [state]}
tasks:
- name: load
  commands:
  - command: 'printf "n" >> state; echo "$HANDOFF_COMMIT has $(cat files/word), run $(wc -c < state); $(env | grep -c SECRET_) secrets; {{ GIT_TOKEN }}"'
`;

describe("runner: a container without a project, which clones one", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  const repository = new TestRepository(folder.dir, "served/fx.git");
  const root = join(folder.dir, "root");
  let server: GitServer;
  let commit = "";

  before(async () => {
    // As the image is made: no project, only the runner.
    mkdirSync(join(root, "project"), { recursive: true });
    writeFileSync(join(root, "spec.json"), "null\n");
    commit = repository.commit({ "etl/fx/project.yml": projectYaml, "etl/fx/files/word": "one" });
    server = await startGitServer(join(folder.dir, "served"), { credentials: `x-access-token:${token}` });
  });
  after(async () => {
    await server.close();
    folder.remove();
  });

  function environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      PATH: process.env.PATH ?? "",
      HANDOFF_ROOT: root,
      HANDOFF_WORK: join(folder.dir, "work"),
      HANDOFF_ARTIFACTS: join(folder.dir, "artifacts"),
      HANDOFF_JOB: "fx",
      HANDOFF_SOURCE_URL: `${server.url}/fx.git`,
      HANDOFF_SOURCE_PATH: "etl/fx",
      HANDOFF_SOURCE_SECRET: "GIT_TOKEN",
      [secretVariable("GIT_TOKEN")]: token,
      [secretVariable("API_KEY")]: "planted-key-5d10",
      [storeVariable("rates")]: "/somewhere",
      ...more,
    };
  }

  async function runner(
    args: readonly string[],
    more: Readonly<Record<string, string>> = {},
    onOutput: (text: string, pid: number) => void = () => {},
  ) {
    const child = spawn(process.execPath, [runnerEntry(), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: environment(more),
    });
    const output = { stdout: "", stderr: "" };
    child.stdout.on("data", (data: Buffer) => {
      output.stdout += data;
      onOutput(String(data), child.pid ?? 0);
    });
    child.stderr.on("data", (data: Buffer) => {
      output.stderr += data;
    });
    const code = await new Promise<number | null>((done) => child.once("close", done));
    for (const text of Object.values(output)) expect(text).not.to.contain(token).and.not.to.contain("5d10");
    return { code, ...output };
  }

  const linesOf = (stdout: string) =>
    stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as LogLine);

  function recordOf(runId: string): StoredRecord {
    const dir = join(folder.dir, "artifacts", "records", runId);
    const file = readdirSync(dir).find((name) => name.endsWith(".json")) ?? "";
    const text = readFileSync(join(dir, file), "utf8");
    expect(text).not.to.contain(token);
    return JSON.parse(text) as StoredRecord;
  }

  it("runs the newest commit, says which it is, and keeps its state from one to the next", async () => {
    const first = await runner(["run"], { HANDOFF_RUN_ID: "r1" });
    expect(first.code, first.stdout).to.equal(0);
    const messages = linesOf(first.stdout).map(({ message }) => message);
    expect(messages).to.include(`cloned ${server.url}/fx.git at main: commit ${commit}`);
    expect(messages).to.include(`${commit} has one, run 1; 0 secrets; [secret]`);
    expect(recordOf("r1")).to.deep.include({ status: "success", commit, job: "fx" });

    const second = repository.commit({ "etl/fx/files/word": "two" });
    const next = await runner(["run"], { HANDOFF_RUN_ID: "r2" });
    const said = linesOf(next.stdout).map(({ message }) => message);
    expect(said).to.include(`${second} has two, run 2; 0 secrets; [secret]`);
    // The first run's environments were still there.
    expect(messages.join("\n")).to.contain("installed tool");
    expect(said.join("\n")).not.to.contain("installed tool");
    // In a container of its own there is nothing but the store.
    rmSync(join(folder.dir, "work"), { recursive: true });
    const elsewhere = await runner(["run"]);
    expect(elsewhere.stdout)
      .to.contain("fetched the virtual environments")
      .and.not.to.contain("installed tool");
    expect(recordOf("r2").commit).to.equal(second);
    expect(readdirSync(join(folder.dir, "work")).filter((name) => name.endsWith(".source"))).to.deep.equal(
      [],
    );
    commit = second;
  });

  it("runs the commit that the run began with in all its jobs and attempts, if it is still there", async () => {
    const flow = { HANDOFF_RUN_ID: "flow1" };
    await runner(["run"], { ...flow, HANDOFF_JOB: "one" });
    const later = repository.commit({ "etl/fx/files/word": "later" });
    const two = await runner(["run"], { ...flow, HANDOFF_JOB: "two" });
    expect(two.code, two.stdout).to.equal(0);
    expect(recordOf("flow1").commit).to.equal(commit);
    expect(
      linesOf(two.stdout)
        .map(({ message }) => message)
        .join("\n"),
    ).to.contain(`${commit} has `);
    // Of another run's is nothing known to this one.
    const other = await runner(["run"], { HANDOFF_RUN_ID: "flow2" });
    expect(other.stdout).to.contain(`${later} has later`);
    const store = await openObjects(join(folder.dir, "artifacts"), {});
    const noted = await store.get("records/flow2/commit");
    noted?.body.destroy();
    const gone = Buffer.from(`${"0".repeat(40)}\n`);
    await store.put("records/flow2/commit", gone, { ifMatch: noted?.etag ?? "" });
    const { code, stdout } = await runner(["run"], { HANDOFF_RUN_ID: "flow2" });
    expect(code, stdout).to.equal(0);
    expect(stdout).to.contain("isn't there any more").and.to.contain(`${later} has later`);
    commit = later;
  });

  it("has a record and a log of a run whose project isn't there", async () => {
    const { code, stdout } = await runner(["run"], { HANDOFF_RUN_ID: "r3", HANDOFF_SOURCE_REF: "gone" });
    expect(code).to.equal(2);
    const end = linesOf(stdout).at(-1);
    expect(end?.event).to.equal("run.end");
    expect(end?.message).to.contain("no branch, tag or commit `gone`").and.to.contain("handoff up");
    expect(recordOf("r3")).to.include({ status: "failure", exitCode: 2, job: "fx" });
  });

  it("names the places of all that is wrong with the project", async () => {
    repository.git("checkout", "--quiet", "-b", "broken");
    repository.commit({ "etl/fx/project.yml": projectYaml.replace("name: load", "nmae: load") });
    repository.git("checkout", "--quiet", "main");
    const { code, stdout } = await runner(["run"], { HANDOFF_SOURCE_REF: "broken" });
    expect(code).to.equal(2);
    expect(linesOf(stdout).at(-1)?.message).to.contain("etl/fx/project.yml:8:3");
  });

  it("names what the deployment doesn't have", async () => {
    const { code, stdout } = await runner(["run"], { [storeVariable("rates")]: "" });
    expect(code).to.equal(2);
    expect(linesOf(stdout).at(-1)?.message).to.contain("store `rates`").and.to.contain("handoff up");
  });

  it("is stopped while it installs: exit code 143, nothing left behind", async () => {
    repository.git("checkout", "--quiet", "-b", "slow");
    repository.commit({ "etl/fx/project.yml": projectYaml.replace("touch $VIRTUAL_ENV/made", "sleep 321") });
    repository.git("checkout", "--quiet", "main");
    let stopped = false;
    const { code, stdout } = await runner(
      ["run"],
      { HANDOFF_SOURCE_REF: "slow", HANDOFF_RUN_ID: "r4" },
      (text, pid) => {
        if (stopped || !text.includes("sleep 321")) return;
        stopped = true;
        process.kill(pid, "SIGTERM");
      },
    );
    expect(code, stdout).to.equal(143);
    expect(recordOf("r4")).to.include({ status: "stopped", exitCode: 143 });
    expect(existsSync(join(folder.dir, "work", "r4.source"))).to.equal(false);
  });

  it("tells what it would run", async () => {
    const { code, stdout } = await runner(["info"]);
    expect(code).to.equal(0);
    expect(JSON.parse(stdout)).to.deep.include({
      project: "fx",
      tasks: ["load"],
      source: { url: `${server.url}/fx.git`, ref: "main", path: "etl/fx", commit },
    });
  });

  it("runs a command as a task's would be", async () => {
    const { code, stdout } = await runner([
      "exec",
      "--",
      "sh",
      "-c",
      "cat files/word; echo $HANDOFF_COMMIT; which python; exit 7",
    ]);
    expect(code).to.equal(7);
    expect(stdout)
      .to.contain(`later${commit}\n`)
      .and.to.match(/work\/cache\/venvs\/[0-9a-f]+\/tool\/bin\/python/);
  });

  it("keeps what is installed where it is told to", async () => {
    const cache = mkdtempSync(join(folder.dir, "cache-"));
    const { code } = await runner(["run"], { HANDOFF_SOURCE_CACHE: cache });
    expect(code).to.equal(0);
    expect(readdirSync(cache)).to.include("venvs");
  });

  it("asks for an address, and for one that can be", async () => {
    const none = await runner(["info"], { HANDOFF_SOURCE_URL: "" });
    expect(none.code).to.equal(2);
    expect(none.stderr).to.contain("HANDOFF_SOURCE_URL");
    const ssh = await runner(["info"], { HANDOFF_SOURCE_URL: "git@example.com:x.git" });
    expect(ssh.code).to.equal(2);
    expect(ssh.stderr).to.contain("HANDOFF_SOURCE_URL").and.to.contain("https://");
  });
});
