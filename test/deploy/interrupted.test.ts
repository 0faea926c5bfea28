import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { setSecret } from "../../deploy/secrets.js";
import { destroy, refresh, up } from "../../deploy/stack.js";
import { isAlive } from "../../providers/lock.js";
import { contents, type Fixture, makeRepository, packageRoot, projectYml } from "./fixture.js";

const script = fileURLToPath(new URL("./up-process.ts", import.meta.url));

/** `up` as a process of its own, with what it has printed so far. */
function startUp(repo: Fixture): { child: ChildProcess; ended: Promise<void>; output: () => string } {
  const child = spawn(process.execPath, ["--import", "tsx", script, repo.options.cwd, "dev"], {
    cwd: packageRoot,
    env: repo.env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (data: Buffer) => {
    output += data.toString();
  });
  const ended = new Promise<void>((done) => child.on("exit", () => done()));
  return { child, ended, output: () => output };
}

/** A process and all that it started, also those in process groups of their own, as a machine does that loses its power. */
async function killTree(pid: number): Promise<void> {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(join("/proc", name, "stat"), "latin1");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {
      // Ended meanwhile.
    }
  }
  const tree = (root: number): number[] => [root, ...(children.get(root) ?? []).flatMap(tree)];
  const all = tree(pid);
  for (const one of all) {
    try {
      process.kill(one, "SIGKILL");
    } catch {
      // Ended meanwhile.
    }
  }
  // A busy machine takes its time to end what was killed, and until then its locks are of the living.
  await until(() => !all.some(isAlive), "what was killed to end");
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 300_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await sleep(20);
  }
}

interface State {
  checkpoint: { latest: { resources: StateResource[]; pending_operations?: object[] } };
}
interface StateResource {
  urn: string;
  type: string;
  dependencies?: string[];
  [key: string]: unknown;
}

/** The resources that were there before one: neither it nor what depends on it. */
function without(resources: readonly StateResource[], urn: string): StateResource[] {
  const gone = new Set([urn]);
  // A state lists what is depended upon first.
  for (const { urn: other, dependencies = [] } of resources)
    if (dependencies.some((one) => gone.has(one))) gone.add(other);
  return resources.filter((resource) => !gone.has(resource.urn));
}

describe("an interrupted up", function () {
  this.timeout(15 * 60_000);
  let repo: Fixture;
  let log: string[];
  const stateDir = () => join(repo.root, ".handoff", "state", ".pulumi");
  const stateFile = () => join(stateDir(), "stacks", "demo", "dev.json");
  const locks = () => join(stateDir(), "locks", "organization", "demo", "dev");
  const deployment = () => join(repo.home, "deployments", "demo-dev");
  const readState = () => JSON.parse(readFileSync(stateFile(), "utf8")) as State;
  const messages = () => repo.events.flatMap((event) => (event.kind === "message" ? [event.text] : []));
  /** `up`, with the engine's messages and our lines of this one alone. */
  const nextUp = async () => {
    repo.events.length = 0;
    log = [];
    return await up({ ...repo.options, log: (line) => void log.push(line) });
  };

  /** Brings the state to where a kill in the middle of one step leaves it. */
  function interruptStep(name: string, type: "creating" | "updating" | "deleting"): void {
    const state = readState();
    const { latest } = state.checkpoint;
    const resource = latest.resources.find(({ urn }) => urn.endsWith(`::${name}`));
    if (!resource) throw new Error(`the state has no ${name}`);
    const { id: _, outputs: __, ...begun } = resource;
    if (type === "creating") latest.resources = without(latest.resources, resource.urn);
    latest.pending_operations = [{ resource: type === "creating" ? begun : resource, type }];
    writeFileSync(stateFile(), JSON.stringify(state, undefined, 4));
  }

  before(async () => {
    repo = makeRepository();
    await setSecret(repo.options, "API_KEY", "correct-horse-battery");
  });
  after(() => repo.remove());
  afterEach(() => repo.write("project.yml", projectYml));

  it("that is killed while it creates something is gone on with, and says so in one line", async () => {
    const started = join(repo.root, "..", "started");
    const goOn = join(repo.root, "..", "go-on");
    repo.write(
      "project.yml",
      `${projectYml}installs:\n- {venv: slow, command: 'touch "${started}"; test -e "${goOn}" || sleep 600'}\n`,
    );
    const { child, ended } = startUp(repo);
    await until(() => existsSync(started) || child.exitCode !== null, "the installation to start");
    await killTree(child.pid ?? 0);
    await ended;
    expect(readdirSync(locks()).filter((name) => name.endsWith(".json"))).to.have.length(1);
    const pending = readState().checkpoint.latest.pending_operations;
    expect(JSON.stringify(pending)).to.include("handoff:local:Venvs").and.include('"creating"');

    writeFileSync(goOn, "");
    const { changes } = await nextUp();
    expect(changes).to.include({ update: 0, replace: 0, delete: 0 });
    expect(changes.create + changes.same).to.equal(9);
    expect(messages()).to.deep.equal([]);
    expect(log).to.have.length(2);
    expect(log[0]).to.equal("the last update of dev was interrupted: going on from where it stopped");
    expect(log[1]).to.match(/^made anew, since it was interrupted: .*fx-venvs/);
    expect(readdirSync(locks())).to.deep.equal([]);
    expect((await nextUp()).changes).to.include({ create: 0, update: 0, same: 9 });
    expect([messages(), log]).to.deep.equal([[], []]);
    await destroy(repo.options);
    expect(contents(deployment())).to.deep.equal({});
  });

  it("that is killed at any moment is completed by the next one", async () => {
    const { child, ended, output } = startUp(repo);
    await until(
      () =>
        /"status":"started"[^\n]*\n[\s\S]*"status":"(started|done)"/.test(output()) ||
        child.exitCode !== null,
      "the first resources",
    );
    await killTree(child.pid ?? 0);
    await ended;
    expect((await nextUp()).changes).to.include({ update: 0, replace: 0, delete: 0 });
    expect(messages()).to.deep.equal([]);
    expect(readdirSync(locks())).to.deep.equal([]);
    expect(Object.keys(contents(deployment())).sort()).to.deep.equal([
      "jobs/fx.json",
      "schedules/daily.json",
      "schedules/weekly.json",
      "secrets/API_KEY",
      "stores/rates.sqlite",
    ]);
    expect((await nextUp()).changes).to.deep.equal({ create: 0, update: 0, replace: 0, delete: 0, same: 8 });
    expect([messages(), log]).to.deep.equal([[], []]);
  });

  it("that is killed between two steps is gone on with", async () => {
    await up(repo.options);
    const state = readState();
    const { latest } = state.checkpoint;
    latest.resources = latest.resources.filter(({ urn }) => !urn.endsWith("::fx-schedule-weekly"));
    writeFileSync(stateFile(), JSON.stringify(state));
    rmSync(join(deployment(), "schedules", "weekly.json"));
    const dead = spawn("true");
    await new Promise((done) => dead.on("exit", done));
    mkdirSync(locks(), { recursive: true });
    const lock = { pid: dead.pid, username: "me", hostname: hostname(), timestamp: "2026-01-01T00:00:00Z" };
    writeFileSync(join(locks(), "0d9e5cd8-2e0c-4a06-9d7a-000000000000.json"), JSON.stringify(lock));

    expect((await nextUp()).changes).to.include({ create: 1, same: 7 });
    expect(messages()).to.deep.equal([]);
    expect(log).to.deep.equal(["the last update of dev was interrupted: going on from where it stopped"]);
    expect(Object.keys(contents(deployment()))).to.include("schedules/weekly.json");
  });

  it("leaves nothing of what the project has no longer by the time of the next one", async () => {
    await up(repo.options);
    interruptStep("fx-schedule-weekly", "creating");
    repo.write("project.yml", projectYml.replace(/^.*weekly.*\n/m, ""));
    expect((await nextUp()).changes).to.include({ create: 0, replace: 0, delete: 0 });
    expect(log).to.deep.equal(["made anew, since it was interrupted: fx-schedule-weekly"]);
    expect(Object.keys(contents(join(deployment(), "schedules")))).to.deep.equal(["daily.json"]);
  });

  it("keeps the data of a store that it was creating", async () => {
    await up(repo.options);
    const table = join(deployment(), "stores", "rates.sqlite");
    writeFileSync(table, "rows");
    interruptStep("fx-store-rates", "creating");
    await nextUp();
    expect(readFileSync(table, "utf8")).to.equal("rows");
    writeFileSync(table, "");
  });

  for (const type of ["updating", "deleting"] as const) {
    it(`that was ${type} something looks at what is there first, and repairs it`, async () => {
      await up(repo.options);
      const file = join(deployment(), "schedules", "daily.json");
      const before = readFileSync(file, "utf8");
      interruptStep("fx-schedule-daily", type);
      if (type === "updating") writeFileSync(file, before.replace("0 6 * * *", "0 9 * * *"));
      else rmSync(file);
      await nextUp();
      expect(messages()).to.deep.equal([]);
      expect(readFileSync(file, "utf8")).to.equal(before);
      expect((await nextUp()).changes).to.include({ create: 0, update: 0, same: 8 });
    });
  }

  it("on a cloud is told of, with what to do, until a refresh forgets it", async () => {
    await up(repo.options);
    const state = readState();
    const urn = "urn:pulumi:dev::demo::handoff:aws:Pipeline$aws:s3/bucket:Bucket::fx-artifacts";
    const resource = { urn, custom: true, type: "aws:s3/bucket:Bucket", inputs: { bucket: "fx-artifacts" } };
    state.checkpoint.latest.pending_operations = [{ resource, type: "creating" }];
    writeFileSync(stateFile(), JSON.stringify(state));

    for (let time = 0; time < 2; time++) {
      expect((await nextUp()).changes).to.include({ same: 8 });
      expect(messages()).to.have.length(1);
      expect(messages()[0]).to.include("an earlier update of dev was interrupted");
      expect(messages()[0]).to.include("creating aws:s3/bucket:Bucket fx-artifacts");
      expect(messages()[0]).to.include("`handoff refresh dev`");
      expect(messages()[0]).not.to.match(/pending operations|Pulumi CLI/);
    }
    repo.events.length = 0;
    await refresh(repo.options);
    expect(messages()).to.have.length(1);
    expect(messages()[0])
      .to.include("aws:s3/bucket:Bucket fx-artifacts")
      .and.include("delete it if it is there");
    await nextUp();
    expect(messages()).to.deep.equal([]);
  });

  it("that tore the state's file goes on from the state before its last step", async () => {
    await up(repo.options);
    await up(repo.options);
    const whole = readFileSync(stateFile(), "utf8");
    writeFileSync(stateFile(), whole.slice(0, whole.length / 2));
    const { changes } = await nextUp();
    expect(changes.same + changes.create + changes.update).to.equal(8);
    expect((await nextUp()).changes).to.include({ same: 8 });
  });
});
