/** A hundred clients on four platforms, five of them broken, through the real engine: killed half-way, and started again. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { memoryPerStackMiB } from "../../deploy/fleet/parallel.js";
import { setSecret } from "../../deploy/secrets.js";
import { stackSettings } from "../../model/plan-types.js";
import { isAlive } from "../../providers/lock.js";
import { prepare } from "../../providers/prepare.js";
import { providerOf } from "../../providers/registry.js";
import { contents, makeRepository } from "../deploy/fixture.js";
import { type Clouds, makeClouds, packages } from "../engine/clouds.js";
import { World } from "../simulated-cloud/world.js";
import { killAll, type Line, startCli, tree } from "./processes.js";

const clouds = ["local", "aws", "local", "gcp", "local", "local", "azure", "local", "local"] as const;
const parallel = 2;
const image = `example/handoff@sha256:${"ab".repeat(32)}`;
const project = `version: 1
name: fx
stores:
- {name: raw, kind: bucket}
tasks:
- name: fetch
  commands:
  - {command: echo hello}
schedules:
- {name: daily, cron: "0 6 * * *", tasks: [fetch]}
`;

const names = Array.from({ length: 100 }, (_, i) => `client-${String(i + 1).padStart(3, "0")}`);
const cloudOf = (name: string) => clouds[Number(name.slice(-3)) % clouds.length] ?? "local";

/** How each of them is broken, and the code that says so. */
const broken: Readonly<Record<string, string>> = {
  "client-013": "invalid-yaml",
  "client-029": "invalid-project",
  "client-046": "deployment-failed",
  "client-061": "stack-locked",
  "client-088": "wrong-passphrase",
};

const settings = (cloud: string, more = "") => `config:
  handoff:cloud: ${cloud}
  handoff:project: projects/fx
  handoff:image: ${image}
  aws:region: us-east-1
  gcp:project: my-project
  gcp:region: us-central1
  azure-native:location: eastus
${more}`;

/** An API is switched on for a whole project of Google Cloud, and stays on: who did it first doesn't matter. */
const sharedByAll = "gcp:projects/service:Service";

interface State {
  checkpoint: { latest: { resources: { urn: string; type: string }[]; pending_operations?: object[] } };
}

describe("fleet: a hundred stacks, through the real engine", function () {
  this.timeout(30 * 60_000);
  let repo: Clouds;
  const stateDir = () => join(repo.root, ".handoff", "state", ".pulumi");
  const state = (stack: string) =>
    JSON.parse(readFileSync(join(stateDir(), "stacks", "demo", `${stack}.json`), "utf8")) as State;
  const locksOf = (stack: string) => {
    const dir = join(stateDir(), "locks", "organization", "demo", stack);
    return existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith(".json")) : [];
  };

  before(async () => {
    repo = makeClouds();
    repo.write("projects/fx/project.yml", project);
    repo.write("projects/broken/project.yml", project.replace("tasks:\n", "taks:\n"));
    rmSync(join(repo.root, "Pulumi.dev.yaml"));
    for (const name of names) repo.write(`Pulumi.${name}.yaml`, settings(cloudOf(name)));
    repo.write("Pulumi.client-013.yaml", "config: {\n");
    repo.write("Pulumi.client-029.yaml", settings("local").replace("projects/fx", "projects/broken"));
    expect(cloudOf("client-046")).to.equal("aws");
    takeName("client-046");
    const locks = join(stateDir(), "locks", "organization", "demo", "client-061");
    mkdirSync(locks, { recursive: true });
    writeFileSync(
      join(locks, "0d9e5cd8-2e0c-4a06-9d7a-000000000000.json"),
      JSON.stringify({ pid: 7, username: "ann", hostname: "build-7", timestamp: "2026-11-20T22:10:00Z" }),
    );
    repo.write("Pulumi.client-088.yaml", await sealedElsewhere());
  });
  after(() => repo.remove());

  /** Somebody else has a role that is called like one of the stack's. */
  function takeName(stack: string): void {
    const given = stackSettings({
      stack,
      cloud: "aws",
      client: stack,
      root: repo.root,
      projectDir: join(repo.root, "projects/fx"),
      image,
      region: "us-east-1",
    });
    const { plan } = prepare(given, repo.root);
    const { resources } = providerOf("aws").render(plan, { pulumiProject: "demo", name: "fx" });
    const role = resources.find(({ type }) => type === "aws:iam/role:Role");
    const name = String(role?.inputs.name);
    new World(repo.folder, "aws").put({
      type: "aws:iam/role:Role",
      id: name,
      urn: "urn:pulumi:other::other::aws:iam/role:Role::other",
      inputs: { name },
      outputs: { name, arn: `arn:aws:iam::123456789012:role/${name}` },
    });
  }

  /** A stack's file with a secret that was encrypted with another passphrase. */
  async function sealedElsewhere(): Promise<string> {
    const other = makeRepository();
    try {
      other.write("Pulumi.dev.yaml", settings("local").replace("projects/fx", "."));
      await setSecret(
        { ...other.options, env: { ...other.env, PULUMI_CONFIG_PASSPHRASE: "another one" } },
        "API_KEY",
        "correct-horse-battery",
      );
      return other.read("Pulumi.dev.yaml").replace("handoff:project: .", "handoff:project: projects/fx");
    } finally {
      other.remove();
    }
  }

  const start = (...args: string[]) =>
    startCli(["up", "--all", "--parallel", String(parallel), "--json", ...args], {
      cwd: repo.root,
      env: repo.env,
    });
  const ends = (lines: readonly Line[]) => lines.filter(({ event }) => event === "end");

  /** Stacks that are worked on now. */
  const running = (lines: readonly Line[]) => {
    const over = new Set(ends(lines).map(({ stack }) => stack));
    return lines.flatMap(({ event, stack }) =>
      event === "start" && stack && !over.has(stack) ? [stack] : [],
    );
  };

  it("is stopped by an interruption: what runs finishes its step, the rest is not started", async () => {
    const run = start();
    // In the middle of an update of a cloud.
    const created = ({ event, stack, op, status }: Line) =>
      event === "resource" && op === "create" && status === "done" && cloudOf(stack ?? "") === "aws";
    const over = () => ends(run.lines).length;
    while ((over() < 18 || !run.lines.slice(-3).some(created)) && run.child.exitCode === null)
      await sleep(20);
    run.child.kill("SIGINT");
    expect(await run.ended, run.stderr()).to.equal(130);
    const { counts } = run.lines.at(-1) as Line & { counts: Record<string, number> };
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).to.equal(100);
    expect(counts.notStarted).to.be.greaterThan(60);
    expect(counts.stopped).to.be.at.most(parallel);
    expect(run.lines.filter(({ event }) => event === "start").length + (counts.notStarted ?? 0)).to.equal(
      100,
    );
    for (const { stack = "", result } of ends(run.lines)) {
      if (result !== "stopped") continue;
      expect(state(stack).checkpoint.latest.pending_operations ?? [], stack).to.deep.equal([]);
      expect(locksOf(stack), stack).to.deep.equal([]);
    }
  });

  it("is killed half-way, with everything that it started", async () => {
    const run = start();
    const killable = () => {
      const now = running(run.lines);
      // What a cloud was asked for in that moment, nobody knows: see docs/fleets.md.
      return (
        ends(run.lines).length >= 45 && now.length > 0 && now.every((stack) => cloudOf(stack) === "local")
      );
    };
    while (!killable() && run.child.exitCode === null) await sleep(20);
    const pids = tree(run.child.pid ?? 0);
    killAll(pids);
    while (pids.some(isAlive)) await sleep(20);
    expect(await run.ended, run.stderr()).to.equal("SIGKILL");
    expect(pids.length, "the command and its workers, at least").to.be.greaterThan(parallel);
    expect(run.lines.some(({ event }) => event === "summary")).to.equal(false);
  });

  let summary: Line;
  it("started again does 95, and says what is wrong with 5, each with its cause", async () => {
    const run = start("--report", "out/up.xml", "--report", "out/up.md");
    expect(await run.ended, run.stderr()).to.equal(1);
    summary = run.lines.at(-1) ?? { event: "nothing" };
    const stacks = summary.stacks as { stack: string; result: string; error?: { code: string } }[];
    const failed = stacks.filter(({ result }) => result !== "succeeded");
    expect(
      Object.fromEntries(failed.map(({ stack, error }) => [stack, error?.code])),
      run.stderr(),
    ).to.deep.equal(broken);
    expect(summary.counts).to.deep.equal({ succeeded: 95, failed: 5, stopped: 0, notStarted: 0 });
    expect(stacks.map(({ stack }) => stack)).to.deep.equal(names);
    expect(run.peakMiB()).to.be.within(100, parallel * memoryPerStackMiB + 512);

    // The failures are last, with what to do about each.
    const end = run.stderr().slice(run.stderr().lastIndexOf("(100/100)"));
    for (const stack of Object.keys(broken)) expect(end).to.include(`\n${stack}\n`);
    expect(end)
      .to.match(/ann@build-7.* since 2026-11-20/)
      .and.include("handoff cancel client-061");
    expect(end).to.include("taks").and.include("did you mean `tasks`?");
    expect(end).to.include("handoff up client-013 client-029 client-046 client-061 client-088\n");
    expect(repo.read("out/up.xml")).to.include('tests="100" failures="5"');
    expect(repo.read("out/up.md")).to.include("95 done, 5 failed");
  });

  it("leaves every state whole, and as it is of a stack that was never disturbed", () => {
    const byCloud = new Map<string, Map<string, string[]>>();
    for (const stack of names.filter((name) => !(name in broken))) {
      const { latest } = state(stack).checkpoint;
      expect(latest.pending_operations ?? [], stack).to.deep.equal([]);
      expect(locksOf(stack), stack).to.deep.equal([]);
      const content = latest.resources
        .map(({ urn }) => urn.replaceAll(stack, "STACK"))
        .sort()
        .join("\n");
      const same = byCloud.get(cloudOf(stack)) ?? new Map<string, string[]>();
      same.set(content, [...(same.get(content) ?? []), stack]);
      byCloud.set(cloudOf(stack), same);
    }
    for (const [cloud, kinds] of byCloud) expect([...kinds.values()], cloud).to.have.length(1);
    expect([...byCloud.keys()].sort()).to.deep.equal(["aws", "azure", "gcp", "local"]);
  });

  it("leaves in the clouds what the states say, and nothing else", () => {
    for (const cloud of packages.slice(0, 3)) {
      const held = repo.held(cloud);
      for (const stack of names.filter((name) => !(name in broken))) {
        const mine = held
          .filter(({ urn, type }) => urn.startsWith(`urn:pulumi:${stack}::`) && type !== sharedByAll)
          .map(({ urn }) => urn);
        const known = state(stack)
          .checkpoint.latest.resources.filter(
            ({ type }) => type.startsWith(`${cloud}:`) && type !== sharedByAll,
          )
          .map(({ urn }) => urn);
        expect(mine.sort(), stack).to.deep.equal(known.sort());
      }
    }
    const deployments = Object.keys(contents(join(repo.home, "deployments")));
    for (const stack of names.filter((name) => cloudOf(name) === "local" && !(name in broken)))
      expect(deployments).to.include(`demo-${stack}/schedules/daily.json`);
  });

  it("has nothing to do the next time for the stacks that are done", async () => {
    const some = names.filter((name) => !(name in broken)).slice(40, 52);
    const run = startCli(["preview", ...some, "--json", "--expect-no-changes"], {
      cwd: repo.root,
      env: repo.env,
    });
    expect(await run.ended, run.stderr()).to.equal(0);
  });
});
