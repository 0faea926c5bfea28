import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { cli, temporaryFolder } from "./support.js";

interface RunJson {
  readonly runId: string;
  readonly status: string;
  readonly exitCode: number;
  readonly tasks: readonly {
    readonly name: string;
    readonly status: string;
    readonly steps: readonly object[];
  }[];
}

function lastLine(stdout: string): RunJson {
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as RunJson;
}

describe("cli: init, validate, run", function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  function project(yaml: string): string {
    const dir = join(folder.dir, "p");
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, "project.yml"), yaml);
    return dir;
  }

  for (const template of ["hello", "singer", "dbt"]) {
    it(`init --template ${template} makes a valid project`, async () => {
      const made = await cli(["init", "My Pipeline", "--template", template], { cwd: folder.dir });
      expect(made.code, made.stderr).to.equal(0);
      const dir = join(folder.dir, "My Pipeline");
      for (const file of made.stdout.trim().split("\n"))
        expect(existsSync(join(folder.dir, file)), file).to.equal(true);
      expect(existsSync(join(dir, ".gitignore"))).to.equal(true);
      const checked = await cli(["validate", "--json"], { cwd: dir });
      expect(JSON.parse(checked.stdout)).to.deep.include({
        valid: true,
        name: "my-pipeline",
        diagnostics: [],
      });
      expect(checked.code).to.equal(0);
    });
  }

  it("init adds to a project.yml that is there what it lacks to be deployed, and nothing of a template", async () => {
    const { dir } = folder;
    writeFileSync(
      join(dir, "project.yml"),
      "version: 0.3\ntasks:\n- {name: a, pipeline: [{command: echo hi}]}\n",
    );
    const { code, stdout } = await cli(["init"], { cwd: dir });
    expect(code).to.equal(0);
    expect(stdout.split("\n").sort()).to.deep.equal(
      ["", ".gitignore", "Pulumi.dev.yaml", "Pulumi.yaml", "index.ts", "package.json"].sort(),
    );
    expect(readFileSync(join(dir, "project.yml"), "utf8")).to.include("0.3");
    const again = await cli(["init"], { cwd: dir });
    expect(again.code).to.equal(2);
    expect(again.stderr).to.include("this is a project already");
  });

  it("init never overwrites, and names what it kept", async () => {
    writeFileSync(join(folder.dir, "index.ts"), "mine");
    writeFileSync(join(folder.dir, "package.json"), '{"dependencies":{"handoff":"1"}}');
    const { code, stderr } = await cli(["init"], { cwd: folder.dir });
    expect(code).to.equal(0);
    expect(stderr).to.include("kept index.ts").and.to.include("kept package.json");
    expect(readFileSync(join(folder.dir, "index.ts"), "utf8")).to.equal("mine");
    expect(JSON.parse(readFileSync(join(folder.dir, "package.json"), "utf8"))).to.deep.equal({
      dependencies: { handoff: "1" },
      type: "module",
    });
    const again = await cli(["init"], { cwd: folder.dir });
    expect(again.code).to.equal(2);
    expect(again.stderr).to.include("project.yml exists");
  });

  it("runs hello from a subfolder of it; the record is the last line of stdout", async () => {
    await cli(["init"], { cwd: folder.dir });
    const { code, stdout, stderr } = await cli(["run", "-v", "top=1", "--json"], {
      cwd: join(folder.dir, "files"),
    });
    expect(code, stderr).to.equal(0);
    const record = lastLine(stdout);
    expect(record).to.have.all.keys("schemaVersion", "runId", "status", "exitCode", "tasks", "metrics");
    expect(record).to.deep.include({ schemaVersion: 1, status: "success", exitCode: 0 });
    expect(record.tasks[0]).to.have.keys(
      "name",
      "status",
      "exitCode",
      "startedAt",
      "durationMs",
      "attempts",
      "steps",
    );
    expect(stderr).to.include("words/head");
  });

  it("exits 1 when a task fails, with the record", async () => {
    const dir = project("version: 1\ntasks:\n- {name: a, commands: [{command: exit 3}]}\n");
    const { code, stdout } = await cli(["run", "-p", dir, "--json"]);
    expect(code).to.equal(1);
    expect(lastLine(stdout)).to.deep.include({ status: "failure", exitCode: 1 });
  });

  it("exits 2 and touches nothing when the project is wrong, a task is unknown, a venv or a secret is missing", async () => {
    const cases: readonly (readonly [string, string[], RegExp])[] = [
      ["version: 1\ntasks: 5\n", [], /project\.yml:2:\d+: error:/],
      [
        "version: 1\ntasks:\n- {name: alpha, commands: [{command: 'true'}]}\n",
        ["alpah"],
        /did you mean alpha\?/,
      ],
      [
        "version: 1\ninstalls: [{venv: v, command: pip install x}]\ntasks:\n- {name: a, commands: [{command: 'true', venv: v}]}\n",
        [],
        /handoff install/,
      ],
      [
        "version: 1\nsecrets: [{key: NOT_SET_ANYWHERE}]\ntasks:\n- {name: a, commands: [{command: 'true'}]}\n",
        [],
        /\.secrets[/\\]NOT_SET_ANYWHERE/,
      ],
    ];
    for (const [yaml, tasks, message] of cases) {
      const dir = project(yaml);
      const { code, stderr } = await cli(["run", ...tasks, "-p", dir]);
      expect(stderr).to.match(message);
      expect(stderr).not.to.match(/\n {4}at /);
      expect(code).to.equal(2);
      expect(existsSync(join(dir, ".handoff"))).to.equal(false);
    }
  });

  it("takes secrets from .secrets, warns when others can read them, and masks them", async () => {
    const dir = project(
      'version: 1\nsecrets: [{key: API_KEY}]\nenvs: [{key: API_KEY}]\ntasks:\n- {name: a, commands: [{command: "echo value is $API_KEY"}]}\n',
    );
    mkdirSync(join(dir, ".secrets"));
    const file = join(dir, ".secrets/API_KEY");
    writeFileSync(file, "hunter2-hunter2\n");
    chmodSync(file, 0o644);
    const open = await cli(["run", "-p", dir, "--json"]);
    expect(open.stderr).to.include("chmod 600").and.to.include("value is ");
    expect(open.stdout + open.stderr).not.to.include("hunter2");
    chmodSync(file, 0o600);
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect((await cli(["run", "-p", dir])).stderr).not.to.include("chmod");
  });

  it("takes the secrets of a project of the Python tool from its secrets.yml", async () => {
    const dir = project(
      "version: 0.3\nenvs:\n- {key: TOKEN}\ntasks:\n- name: a\n  commands:\n  - {command: 'printf $TOKEN | wc -c'}\n",
    );
    mkdirSync(join(dir, ".secrets"));
    const file = join(dir, ".secrets/secrets.yml");
    writeFileSync(file, "- key: TOKEN\n  value: hunter2-hunter2\n", { mode: 0o600 });
    const { code, stdout, stderr } = await cli(["run", "-p", dir]);
    expect(code, stderr).to.equal(0);
    expect(stderr)
      .to.match(/\b15\b/)
      .and.not.include("chmod");
    expect(stdout + stderr).not.to.include("hunter2");
  });

  it("stops with 130 on Ctrl-C and leaves no child", async () => {
    const dir = project(
      'version: 1\ntasks:\n- {name: a, commands: [{command: "echo $$ > pid; exec sleep 300"}]}\n',
    );
    const interruption = new AbortController();
    const running = cli(["run", "-p", dir, "--json"], { interrupted: interruption.signal });
    const pidFile = join(dir, ".handoff/workspace/pid");
    while (!existsSync(pidFile) || readFileSync(pidFile, "utf8") === "")
      await new Promise((r) => setTimeout(r, 20));
    interruption.abort("SIGINT");
    const { code, stdout } = await running;
    expect(code).to.equal(130);
    expect(lastLine(stdout).status).to.equal("stopped");
    const pid = Number(readFileSync(pidFile, "utf8"));
    expect(() => process.kill(pid, 0)).to.throw("ESRCH");
  });
});
