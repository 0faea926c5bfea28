import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { openHistory } from "../../history/history.js";
import type { CostEstimate } from "../../providers/estimate.js";
import { homePaths } from "../../providers/local/home.js";
import { cli, root, temporaryFolder } from "./support.js";

const yaml = (granularity: string) => `version: 1
name: fx
tasks:
- {name: fetch, commands: [{command: echo}]}
- {name: load, depends_on: [fetch], commands: [{command: echo}]}
deploy: {granularity: ${granularity}, resources: {cpu: 1, memory: 2Gi}}
schedules: [{name: daily, cron: "0 6 * * *"}]
`;

type CostJson = CostEstimate & { readonly schemaVersion: number; readonly project: string };
interface ComparisonJson {
  readonly clouds: readonly (Partial<CostEstimate> & {
    readonly cloud: string;
    readonly possible: boolean;
    readonly diagnostics: readonly { readonly code: string }[];
  })[];
}

describe("cli: cost", function () {
  this.timeout(240_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let dir: string;
  let env: Readonly<Record<string, string>>;

  beforeEach(() => {
    folder = temporaryFolder();
    dir = join(folder.dir, "fx");
    mkdirSync(dir);
    env = { HANDOFF_HOME: join(folder.dir, "home") };
    writeFileSync(join(dir, "project.yml"), yaml("project"));
  });
  afterEach(() => folder.remove());

  async function cost(...argv: string[]): Promise<CostJson> {
    const { code, stdout, stderr } = await cli(["cost", ...argv, "--json"], { cwd: dir, env });
    expect(code, stderr).to.equal(0);
    return JSON.parse(stdout) as CostJson;
  }

  /** A run of the local platform, ended with the given lengths of its tasks. */
  function remember(
    id: string,
    status: "success" | "failure",
    tasks: Readonly<Record<string, number>>,
  ): void {
    mkdirSync(join(folder.dir, "home"), { recursive: true });
    const history = openHistory(homePaths(join(folder.dir, "home")).history);
    const at = "2026-03-01T06:00:00.000Z";
    history.insertRun({
      runId: id,
      deployment: "fx-dev",
      stack: "dev",
      client: "dev",
      job: "fx",
      schedule: null,
      trigger: null,
      scheduledAt: at,
      firedAt: at,
      status: "queued",
      request: { runId: id, tasks: [], vars: {}, envs: {}, scheduledAt: at, stage: "dev", attempt: 1 },
    });
    history.claim(id, 1, at);
    history.finish(id, {
      status,
      exitCode: status === "success" ? 0 : 1,
      endedAt: at,
      notice: false,
      record: {
        schemaVersion: 1,
        runId: id,
        status,
        exitCode: 0,
        startedAt: at,
        durationMs: 1,
        metrics: {},
        tasks: Object.entries(tasks).map(([name, seconds]) => ({
          name,
          status: "success",
          exitCode: 0,
          startedAt: at,
          durationMs: seconds * 1000,
          attempts: 1,
          steps: [],
        })),
      },
    });
    history.close();
  }

  const lengths = ({ jobs }: CostEstimate) =>
    Object.fromEntries(
      jobs.map(({ job, secondsPerRun, durationFrom }) => [job, [secondsPerRun, durationFrom]]),
    );

  it("assumes 5 minutes when nothing is known, and says so", async () => {
    const estimate = await cost("--cloud", "aws");
    expect(lengths(estimate)).to.deep.equal({ fx: [300, "assumed"] });
    expect(estimate.notes.join("\n")).to.include("fx: 5m a run is assumed");
    expect(estimate.perMonth).to.be.greaterThan(0);
  });

  it("takes the user's word, for one job or each", async () => {
    writeFileSync(join(dir, "project.yml"), yaml("task"));
    expect(lengths(await cost("--cloud", "aws", "--duration", "load=1h", "--duration", "90s"))).to.deep.equal(
      { fetch: [90, "declared"], load: [3600, "declared"] },
    );
  });

  it("learns from successful runs: their median, for each job", async () => {
    remember("a", "success", { fetch: 10, load: 20 });
    remember("b", "success", { fetch: 30, load: 40 });
    remember("c", "success", { fetch: 20, load: 60 });
    remember("d", "success", { fetch: 500 });
    remember("e", "failure", { fetch: 999, load: 999 });
    expect(lengths(await cost("--cloud", "aws"))).to.deep.equal({ fx: [70, "history"] });
    writeFileSync(join(dir, "project.yml"), yaml("task"));
    expect(lengths(await cost("--cloud", "aws", "--duration", "load=5s"))).to.deep.equal({
      fetch: [25, "history"],
      load: [5, "declared"],
    });
  });

  it("costs more for what takes longer, and for what is larger", async () => {
    const compute = async (...argv: string[]) =>
      (await cost("--cloud", "aws", ...argv)).lines
        .filter(({ item }) => item === "compute")
        .reduce((sum, { amount }) => sum + amount, 0);
    const hour = await compute("--duration", "1h");
    expect(await compute("--duration", "2h")).to.be.closeTo(2 * hour, 1e-6);
    writeFileSync(
      join(dir, "project.yml"),
      yaml("project").replace("cpu: 1, memory: 2Gi", "cpu: 2, memory: 4Gi"),
    );
    expect(await compute("--duration", "1h")).to.be.closeTo(2 * hour, 1e-6);
  });

  it("for people: each line with quantity, what is free, unit price and its numbered source", async () => {
    const { code, stdout, stderr } = await cli(["cost", "--cloud", "gcp", "--duration", "90s"], {
      cwd: dir,
      env,
    });
    expect(code, stderr).to.equal(0);
    expect(stdout).to.match(/^fx on .*\(us-central1\): about US\$/);
    expect(stdout).to.match(/QUANTITY +FREE +UNIT +US\$ A UNIT +US\$/);
    expect(stdout).to.match(/compute \[1\] +[\d,.]+ +[\d,.]+ +vCPU-second/);
    expect(stdout).to.match(/\n\[1\] .*20\d\d/);
    expect(stdout).to.include("What is free is so for a whole account");
    const lines = stdout.split("\n");
    expect(Math.max(...lines.map((line) => line.length))).to.be.at.most(110);
  });

  it("--compare puts every platform side by side; one that can't have it says why", async () => {
    const { code, stdout, stderr } = await cli(["cost", "--compare", "--duration", "90s"], { cwd: dir, env });
    expect(code, stderr).to.equal(0);
    expect(stdout).to.match(/^US\$ A MONTH +this machine +AWS/);
    expect(stdout).to.match(/\ntotal +0\.00 +\d+\.\d\d +\d+\.\d\d +\d+\.\d\d\n/);

    writeFileSync(
      join(dir, "project.yml"),
      yaml("project").replace("cpu: 1, memory: 2Gi", "cpu: 16, memory: 64Gi"),
    );
    const { clouds } = JSON.parse(
      (await cli(["cost", "--compare", "--json"], { cwd: dir, env })).stdout,
    ) as ComparisonJson;
    const possible = Object.fromEntries(clouds.map((each) => [each.cloud, each.possible]));
    expect(possible).to.deep.include({ local: true, aws: true, gcp: false });
    expect(clouds.find(({ cloud }) => cloud === "gcp")?.diagnostics).not.to.deep.equal([]);
    expect(clouds.find(({ cloud }) => cloud === "gcp")?.perMonth).to.equal(undefined);
  });

  it("wrong options exit 2 with a hint", async () => {
    const fails = async (...argv: string[]) => {
      const { code, stderr } = await cli(["cost", ...argv], { cwd: dir, env });
      expect(code).to.equal(2);
      return stderr;
    };
    expect(await fails("--cloud", "aws", "--duration", "fy=90s")).to.include("did you mean fx?");
    expect(await fails("--cloud", "aws", "--duration", "fx=soon")).to.include("--duration load=90s");
    expect(await fails("--cloud", "aws", "--compare")).to.include("leave one of the two out");
  });

  it("loads nothing of Pulumi, where plan does", () => {
    const script = (command: string) => `
      import { createRequire } from "node:module";
      const { cli } = await import(${JSON.stringify(join(root, "test/cli/support.ts"))});
      const { code } = await cli(${command}, { cwd: ${JSON.stringify(dir)}, env: {} });
      const loaded = Object.keys(createRequire(import.meta.url).cache).filter((file) => file.includes("@pulumi"));
      process.stdout.write(JSON.stringify({ code, loaded: loaded.length }));
      process.exit(0);`;
    const outcome = (command: readonly string[]) =>
      JSON.parse(
        execFileSync(
          process.execPath,
          ["--import", "tsx/esm", "--input-type=module", "-e", script(JSON.stringify(command))],
          { cwd: root, encoding: "utf8" },
        ),
      ) as { code: number; loaded: number };
    expect(outcome(["cost", "--compare", "--json"])).to.deep.equal({ code: 0, loaded: 0 });
    const plan = outcome(["plan", "--cloud", "local", "--json"]);
    expect(plan.code).to.equal(0);
    expect(plan.loaded).to.be.greaterThan(0);
  });
});
