/** The image without a project, on a real Docker engine: it clones from a server that asks for a token. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import { secretVariable } from "../../model/container-env.js";
import { needDocker, type TestDocker } from "../support/docker.js";
import { type GitServer, startGitServer, TestRepository, temporaryFolder } from "../support/git-server.js";
import { type Ended, logLines, TestProject } from "./support.js";

const token = "planted-token-c3e8";
const yaml = `version: 1
name: fx
installs: [{venv: own, command: pip install ./files/package}]
secrets: [{key: GIT_TOKEN}]
tasks:
- name: fetch
  commands:
  - {command: "python -c 'import handoff_test; print(handoff_test.name)'; id -u; touch /handoff/x 2>/dev/null || echo read-only", venv: own}
deploy: {source: {git: {url: "https://example.com/fx.git", token: GIT_TOKEN}}}
`;
const files = {
  "project.yml": yaml,
  "files/package/setup.py":
    "from setuptools import setup\nsetup(name='handoff-test', version='1', py_modules=['handoff_test'])\n",
  "files/package/handoff_test.py": "name = 'from a clone'\n",
};

describe("an image that clones", function () {
  this.timeout(400_000);
  let docker: TestDocker;
  let image = "";
  const project = new TestProject(files);
  const folder = temporaryFolder();
  const repository = new TestRepository(folder.dir, "served/fx.git");
  let server: GitServer | undefined;
  let commit = "";

  before(async function () {
    docker = await needDocker(this);
    image = (await project.build(docker)).tag;
    commit = repository.commit(files);
    server = await startGitServer(join(folder.dir, "served"), { credentials: `x-access-token:${token}` });
  });
  after(async () => {
    await server?.close();
    project.remove();
    folder.remove();
  });

  function run(args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const env: Record<string, string> = {
      HANDOFF_SOURCE_URL: `${server?.url}/fx.git`,
      HANDOFF_SOURCE_SECRET: "GIT_TOKEN",
      [secretVariable("GIT_TOKEN")]: token,
      ...more,
    };
    // A variable that is only named has its value from Docker's own environment: no process has it as an argument.
    const child = spawn(
      "docker",
      [
        ...["run", "--rm", "--network", "host", "--read-only", "--tmpfs", "/tmp:rw,exec,nosuid,size=1g"],
        ...["--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
        ...Object.keys(env).flatMap((name) => ["--env", name]),
        ...[image, ...args],
      ],
      { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } },
    );
    const output = { stdout: "", stderr: "" };
    child.stdout.on("data", (data: Buffer) => {
      output.stdout += data;
    });
    child.stderr.on("data", (data: Buffer) => {
      output.stderr += data;
    });
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => {
        expect(output.stdout + output.stderr).not.to.contain(token);
        resolve({ code, ...output, lines: logLines(output.stdout) });
      });
    });
  }

  it("runs as nobody, on a root that is read-only, in environments that it makes with uv", async () => {
    const { code, lines, stdout, stderr } = await run([]);
    expect(code, stdout + stderr).to.equal(0);
    const messages = lines.map(({ message }) => message);
    expect(messages).to.include(`cloned ${server?.url}/fx.git at main: commit ${commit}`);
    expect(messages.join("\n")).to.contain("with uv");
    const said = lines.filter(({ stream }) => stream === "stdout").map(({ message }) => message);
    expect(said).to.deep.equal(["from a clone", "10001", "read-only"]);
  });

  it("says which commit it would run", async () => {
    const { code, stdout } = await run(["info"]);
    expect(code).to.equal(0);
    expect((JSON.parse(stdout) as { source: unknown }).source).to.deep.include({ ref: "main", commit });
  });

  it("says what is to be done where the token isn't right, or nothing says what to clone", async () => {
    const denied = await run([], { [secretVariable("GIT_TOKEN")]: "another" });
    expect(denied.code).to.equal(2);
    expect(denied.lines.at(-1)?.message).to.contain("`GIT_TOKEN` is refused");
    const nothing = await run([], { HANDOFF_SOURCE_URL: "" });
    expect(nothing.code).to.equal(2);
    expect(nothing.stderr).to.contain("HANDOFF_SOURCE_URL");
  });
});
