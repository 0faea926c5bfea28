import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { BuiltImage } from "../../providers/image-build.js";
import { needDocker } from "../support/docker.js";
import { logLines, runContainer, TestContainer, TestProject } from "./support.js";

const yaml = `version: 1
name: stopped
artifacts: {keep: [seen.txt], push_artifacts_on_fail: true}
tasks:
- name: stream
  pipeline:
  - {command: "while true; do date +%s%N; sleep 0.05; done"}
  - {command: "tee seen.txt"}
  - {command: "trap '' TERM; echo 'the stream is on' >&2; cat >/dev/null; sleep 300"}
- name: orphans
  commands:
  # Children whose parents end before them.
  - {command: "for i in 1 2 3 4 5; do (sleep 0.2 &); done; sleep 1; echo 'orphans are dead' >&2; sleep 300"}
- name: seven
  commands:
  - {command: "exit 7"}
`;

describe("a container of the image", function () {
  this.timeout(240_000);
  const project = new TestProject({ "project.yml": yaml });
  const artifacts = mkdtempSync(join(tmpdir(), "handoff-image-artifacts-"));
  let image: BuiltImage;
  let container: TestContainer | undefined;
  before(async function () {
    image = await project.build(await needDocker(this));
  });
  afterEach(() => container?.remove());
  after(() => {
    project.remove();
    rmSync(artifacts, { recursive: true, force: true });
  });

  it("ends at `docker stop` in mid-pipeline: 143 within the grace, children gone, artifacts pushed", async () => {
    const env = { HANDOFF_GRACE_SECONDS: "2" };
    container = new TestContainer(image.tag, { env, artifacts, args: ["run", "stream"] });
    await container.says("the stream is on");
    const children = container.processes();
    expect(children.filter(({ command }) => command.includes("tee seen.txt"))).not.to.deep.equal([]);
    // One member ignores SIGTERM, and gets SIGKILL after the runner's own grace.
    const seconds = container.stop(30);
    expect(container.exitCode()).to.equal(143);
    expect(seconds).to.be.at.least(1.5).and.below(20);
    for (const { pid, command } of children) expect(isAlive(pid), command).to.equal(false);
    expect(container.logs()).to.contain("the run was stopped by SIGTERM");
    expect(readFileSync(join(artifacts, "last", "seen.txt"), "utf8")).to.match(/^\d+\n/);
  });

  it("leaves no zombie: process 1 waits for the orphans", async () => {
    container = new TestContainer(image.tag, { args: ["run", "orphans"] });
    await container.says("orphans are dead");
    // Asked inside: `docker top` shows no zombies.
    const processes = container.exec("sh", "-c", "cat /proc/[0-9]*/stat").trim().split("\n");
    expect(processes.length).to.be.at.least(3);
    expect(processes.filter((stat) => / Z /.test(stat))).to.deep.equal([]);
    const seconds = container.stop(30);
    expect(container.exitCode()).to.equal(143);
    expect(seconds).to.be.below(15);
  });

  it("says that the runner itself was killed, which only process 1 can know", async () => {
    container = new TestContainer(image.tag, {
      env: { HANDOFF_RUN_ID: "killed-1" },
      args: ["run", "stream"],
    });
    await container.says("the stream is on");
    const killRunner =
      "for p in /proc/[0-9]*; do grep -qs main.js $p/cmdline && grep -qs '^node' $p/cmdline && kill -9 $(basename $p); done; true";
    container.exec("sh", "-c", killRunner);
    expect(container.exitCode()).to.equal(137);
    const end = logLines(container.logs()).find(({ event }) => event === "run.end");
    expect(end).to.deep.include({ level: "error", runId: "killed-1" });
    expect(end?.message).to.contain("the runner itself was killed").and.contain("memory");
  });

  it("exits as the run does: 1 for a failed task, 2 for what isn't in the image, and `exec` as its command", async () => {
    const failed = await runContainer(image.tag, { args: ["run", "seven"] });
    expect(failed.code).to.equal(1);
    expect(failed.stdout).to.contain("exited with 7");
    expect((await runContainer(image.tag, { args: ["run", "nothing"] })).code).to.equal(2);
    const command = await runContainer(image.tag, { args: ["exec", "--", "sh", "-c", "id -u; exit 7"] });
    expect(command.stdout.trim()).to.equal("10001");
    expect(command.code).to.equal(7);
  });

  it("gives its stdin to `exec`", () => {
    const args = ["run", "--rm", "--interactive", "--network", "none", image.tag, "exec", "--", "cat"];
    expect(execFileSync("docker", args, { input: "through\n", encoding: "utf8" })).to.equal("through\n");
  });
});

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}
