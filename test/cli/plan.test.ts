import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { Diagnostic } from "../../model/diagnostic.js";
import { checkFlowchart } from "./mermaid.js";
import { cli, temporaryFolder } from "./support.js";

const yaml = `version: 1
name: fx
stores: [{name: rates, kind: bucket}]
secrets: [{key: API_KEY}]
tasks:
- name: fetch
  resources: {cpu: 0.5, memory: 1Gi}
  pipeline: [{command: "curl https://example.com"}, {command: wc -l}]
- name: load
  commands: [{command: echo load}]
schedules:
- {name: daily, cron: "0 6 * * MON-FRI", timezone: Europe/Paris}
- {name: off, cron: "0 * * * *", enabled: false, tasks: [load]}
notifications: [{on: [failure], webhook: {url: "https://user:pass@hooks.example.com/x"}}]
`;

interface PlanJson {
  readonly schemaVersion: number;
  readonly cloud: string;
  readonly stack: string;
  readonly resources: readonly {
    readonly type: string;
    readonly name: string;
    readonly parent: string | null;
    readonly inputs: Readonly<Record<string, unknown>>;
  }[];
  readonly diagnostics: readonly Diagnostic[];
  readonly cost: { readonly perMonth: number; readonly lines: readonly object[] } | null;
}

const parse = (text: string): PlanJson => JSON.parse(text) as PlanJson;

describe("cli: plan", function () {
  this.timeout(240_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let dir: string;
  const env = { PATH: "/nowhere", HANDOFF_HOME: "/nowhere/handoff" };

  beforeEach(() => {
    folder = temporaryFolder();
    dir = join(folder.dir, "fx");
    mkdirSync(dir);
    writeFileSync(join(dir, "project.yml"), yaml);
  });
  afterEach(() => folder.remove());

  function repository(stacks: Readonly<Record<string, string>>): void {
    writeFileSync(join(folder.dir, "Pulumi.yaml"), "name: pipelines\nruntime: nodejs\n");
    for (const [stack, config] of Object.entries(stacks)) {
      writeFileSync(join(folder.dir, `Pulumi.${stack}.yaml`), `config:\n${config}`);
    }
  }

  it("shows a project on this machine for people", async () => {
    const { code, stdout, stderr } = await cli(["plan", "--cloud", "local"], { cwd: dir, env });
    expect(code, stderr).to.equal(0);
    expect(stdout).to.match(/^fx on this machine, stack dev\n/);
    expect(stdout).to.match(/daily +at 06:00 on Monday-Friday, Europe\/Paris/);
    expect(stdout).to.match(/off +every hour, UTC: load; paused/);
    expect(stdout).to.match(/Schedules \(2\)\n +schedule-daily +Schedule +starts the job at its times/);
    expect(stdout).to.include("Nothing to pay for");
    expect(stderr).to.include("nothing was contacted");
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).to.be.at.most(100);
  });

  it("prints a cloud's resources as data: no engine, no credentials, no PATH", async () => {
    const { code, stdout, stderr } = await cli(["plan", "--cloud", "aws", "--json"], { cwd: dir, env });
    expect(code, stderr).to.equal(0);
    const plan = parse(stdout);
    expect(plan).to.deep.include({ schemaVersion: 1, cloud: "aws", stack: "dev" });
    expect(plan.resources[0]).to.deep.equal({
      type: "handoff:aws:Pipeline",
      name: "fx",
      parent: null,
      inputs: {},
    });
    for (const resource of plan.resources) {
      expect(resource).to.have.all.keys("type", "name", "parent", "inputs");
    }
    expect(plan.resources.slice(1).every(({ parent }) => parent === "fx")).to.equal(true);
    expect(plan.resources.map(({ type }) => type)).to.include("aws:scheduler/schedule:Schedule");
    expect(plan.cost?.perMonth).to.be.greaterThan(0);
    expect(plan.diagnostics.find(({ code: found }) => found === "supposed-settings")?.message).to.equal(
      "there is no stack, so this is for stack dev in region us-east-1",
    );
    // A stack that isn't there lacks no secret.
    expect(plan.diagnostics.map(({ code: found }) => found)).not.to.include("secret-not-set");
  });

  it("is the same for the same files, wherever it is asked", async () => {
    const once = await cli(["plan", "--cloud", "aws", "--json"], { cwd: dir, env });
    const again = await cli(["plan", "-p", dir, "--cloud", "aws", "--json"], {
      cwd: folder.dir,
      env: { ...env, AWS_REGION: "eu-west-1" },
    });
    expect(again.stdout).to.equal(once.stdout);
  });

  it("takes a stack's settings; --cloud asks what another platform would be", async () => {
    repository({
      prod: "  handoff:cloud: aws\n  handoff:project: fx\n  handoff:client: acme\n  aws:region: eu-west-1\n",
    });
    const own = parse((await cli(["plan", "-s", "prod", "--json"], { cwd: folder.dir, env })).stdout);
    expect(own).to.deep.include({ cloud: "aws", stack: "prod", client: "acme" });
    expect(JSON.stringify(own.resources)).to.include("acme");
    expect(own.diagnostics.map(({ code }) => code)).to.include("secret-not-set");
    expect(own.diagnostics.map(({ code }) => code)).not.to.include("supposed-settings");

    const other = await cli(["plan", "-s", "prod", "--cloud", "local", "--json"], { cwd: folder.dir, env });
    expect(parse(other.stdout)).to.deep.include({ cloud: "local", stack: "prod", client: "acme" });
  });

  it("with neither --cloud nor -s: the only stack that there is, else a question", async () => {
    const lost = await cli(["plan"], { cwd: dir, env });
    expect(lost.code).to.equal(2);
    expect(lost.stderr).to.include("plan for which platform?").and.to.include("--cloud aws");
    repository({ dev: "  handoff:cloud: local\n  handoff:project: fx\n" });
    const found = await cli(["plan", "--json"], { cwd: folder.dir, env });
    expect(parse(found.stdout)).to.deep.include({ cloud: "local", stack: "dev" });
  });

  it("a stack without the region that its own cloud needs is an error, as for up", async () => {
    repository({ prod: "  handoff:cloud: aws\n  handoff:project: fx\n" });
    const { code, stderr, stdout } = await cli(["plan", "-s", "prod"], { cwd: folder.dir, env });
    expect(code).to.equal(2);
    expect(stdout).to.equal("");
    expect(stderr).to.include("aws:region");
  });

  it("what the platform can't do exits 2 with all problems at once, as data too", async () => {
    writeFileSync(
      join(dir, "project.yml"),
      yaml
        .replace("cpu: 0.5, memory: 1Gi", "cpu: 500, memory: 9000Gi")
        .replace(
          "tasks:\n",
          "tasks:\n- {name: huge, resources: {disk: 9000Gi}, commands: [{command: echo}]}\n",
        ),
    );
    const text = await cli(["plan", "--cloud", "aws"], { cwd: dir, env });
    expect(text.code).to.equal(2);
    expect(text.stdout).to.equal("");
    expect(text.stderr)
      .to.match(/error:/)
      .and.not.match(/\n {4}at /);
    const json = await cli(["plan", "--cloud", "aws", "--json"], { cwd: dir, env });
    expect(json.code).to.equal(2);
    const { resources, diagnostics, cost } = parse(json.stdout);
    expect({ resources, cost }).to.deep.equal({ resources: [], cost: null });
    expect(diagnostics.filter(({ severity }) => severity === "error")).not.to.deep.equal([]);
  });

  it("--graph mermaid prints a valid flowchart, which shows no password", async () => {
    const { code, stdout, stderr } = await cli(["plan", "--cloud", "local", "--graph", "mermaid"], {
      cwd: dir,
      env,
    });
    expect(code, stderr).to.equal(0);
    const { nodes, edges } = checkFlowchart(stdout);
    expect(nodes).to.include.members(["project", "k1", "k2", "s1", "s2", "d1", "d2", "n1"]);
    expect(edges).to.deep.include(["s1", "project"]).and.to.deep.include(["k1", "k2"]);
    expect(edges).to.deep.include(["s2", "k2"]);
    expect(stdout).to.include("hooks.example.com").and.not.to.include("pass");
  });
});
