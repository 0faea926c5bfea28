import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { cli } from "../cli/support.js";
import { startAzurite } from "../runner/store/azurite.js";
import { startGcs } from "../runner/store/gcs-server.js";
import { type Fixture, makeRepository, projectYml } from "./fixture.js";

interface Backend {
  readonly env: Fixture["env"];
  stop(): Promise<void>;
}

/** How each is chosen differs too: a variable, Pulumi.yaml, a login. */
const backends: readonly (readonly [title: string, start: (repo: Fixture) => Promise<Backend>])[] = [
  [
    "Cloud Storage, by a variable",
    async () => {
      const { endpoint, stop } = await startGcs("state");
      return {
        env: {
          PULUMI_BACKEND_URL: "gs://state",
          STORAGE_EMULATOR_HOST: new URL(endpoint).host,
          GOOGLE_OAUTH_ACCESS_TOKEN: "of-the-test",
        },
        stop,
      };
    },
  ],
  [
    "Blob Storage, by Pulumi.yaml",
    async (repo) => {
      repo.write("Pulumi.yaml", "name: demo\nruntime: nodejs\nbackend: {url: 'azblob://state/of/handoff'}\n");
      return await startAzurite("state");
    },
  ],
  [
    "a folder elsewhere, by a login",
    async (repo) => {
      const folder = join(dirname(repo.root), "state of all");
      mkdirSync(folder);
      logIn(repo, `file://${folder.replaceAll(" ", "%20")}`);
      return { env: {}, stop: async () => undefined };
    },
  ],
];

function logIn({ env }: Fixture, current: string): void {
  const home = env.PULUMI_HOME ?? "";
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "credentials.json"), JSON.stringify({ current, accessTokens: { [current]: "" } }));
}

for (const [title, start] of backends) {
  describe(`state in ${title}`, function () {
    this.timeout(15 * 60_000);
    let repo: Fixture;
    let backend: Backend;

    before(async () => {
      repo = makeRepository();
      backend = await start(repo);
    });
    after(async () => {
      await backend?.stop();
      repo?.remove();
    });

    const succeeds = async (argv: readonly string[], input = "") => {
      const env = { ...repo.env, ...backend.env, NO_COLOR: "1" };
      const outcome = await cli(argv, { cwd: repo.root, env, input });
      expect(outcome.code, `${argv.join(" ")}: ${outcome.stderr}`).to.equal(0);
      return outcome;
    };
    const listed = async () => {
      const { stdout } = await succeeds(["stack", "list", "--json"]);
      const { stacks } = JSON.parse(stdout) as { stacks: { stack: string; resources: number | null }[] };
      return stacks.map(({ stack, resources }) => [stack, resources]);
    };

    it("lacks a stack that was previewed alone, whose file stays as it was", async () => {
      const before = repo.read("Pulumi.dev.yaml");
      repo.write(
        "project.yml",
        repo.read("project.yml").replace("- {key: API_KEY}\n", "").replace("secrets:\n", ""),
      );
      expect((await succeeds(["preview", "dev"])).stderr).to.include("would be created");
      expect(repo.read("Pulumi.dev.yaml")).to.equal(before);
      expect(await listed()).to.deep.equal([["dev", null]]);
      repo.write("project.yml", projectYml);
    });

    it("holds a stack from new to rm, and the repository holds none of it", async () => {
      await succeeds(["stack", "new", "acme"]);
      await succeeds(["secrets", "set", "API_KEY", "-s", "acme"], "value\n");
      expect((await succeeds(["preview", "acme"])).stderr).to.include("8 would be created");
      expect((await succeeds(["up", "acme"])).stderr).to.include("8 created");
      expect((await succeeds(["up", "acme"])).stderr).to.include("nothing to change");
      expect(await listed()).to.deep.equal([
        ["acme", 10],
        ["dev", null],
      ]);
      expect(existsSync(join(repo.root, ".handoff", "state"))).to.equal(false);
      await succeeds(["destroy", "acme"]);
      await succeeds(["stack", "rm", "acme"]);
      expect(await listed()).to.deep.equal([["dev", null]]);
    });
  });
}

describe("a folder elsewhere, whose engine died", function () {
  this.timeout(15 * 60_000);
  let repo: Fixture;
  before(() => {
    repo = makeRepository();
  });
  after(() => repo.remove());

  it("is released and gone on with, as one in the repository", async () => {
    const folder = join(dirname(repo.root), "elsewhere");
    mkdirSync(folder);
    logIn(repo, `file://${folder}`);
    const handoff = (argv: readonly string[], input = "") =>
      cli(argv, { cwd: repo.root, env: { ...repo.env, NO_COLOR: "1" }, input });
    await handoff(["secrets", "set", "API_KEY", "-s", "dev"], "value\n");
    const child = spawn("true");
    await new Promise((done) => child.on("exit", done));
    const locks = join(folder, ".pulumi/locks/organization/demo/dev");
    mkdirSync(locks, { recursive: true });
    const lock = {
      pid: child.pid,
      username: "me",
      hostname: hostname(),
      timestamp: new Date().toISOString(),
    };
    writeFileSync(join(locks, "left.json"), JSON.stringify(lock));
    const { code, stderr } = await handoff(["up", "dev"]);
    expect(code, stderr).to.equal(0);
    expect(stderr).to.include("was interrupted: going on");
    expect(existsSync(locks) ? readdirSync(locks) : []).to.deep.equal([]);
  });
});

describe("a state that only the engine reads", function () {
  this.timeout(15 * 60_000);
  let repo: Fixture;
  before(() => {
    repo = makeRepository();
  });
  after(() => repo.remove());

  it("compressed: previewed, listed and updated as any other", async () => {
    const env = { ...repo.env, NO_COLOR: "1", PULUMI_DIY_BACKEND_GZIP: "true" };
    const succeeds = async (argv: readonly string[], input = "") => {
      const outcome = await cli(argv, { cwd: repo.root, env, input });
      expect(outcome.code, `${argv.join(" ")}: ${outcome.stderr}`).to.equal(0);
      return outcome;
    };
    await succeeds(["secrets", "set", "API_KEY", "-s", "dev"], "value\n");
    await succeeds(["up", "dev"]);
    expect(readdirSync(join(repo.root, ".handoff/state/.pulumi/stacks/demo"))).to.include("dev.json.gz");
    expect((await succeeds(["preview", "dev"])).stderr).to.include("nothing to change");
    const { stdout } = await succeeds(["stack", "list", "--json"]);
    expect(JSON.parse(stdout).stacks[0]).to.include({ stack: "dev", resources: 10 });
    await succeeds(["destroy", "dev"]);
    await succeeds(["stack", "rm", "dev"]);
  });
});
