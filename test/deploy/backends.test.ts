import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
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

describe("Pulumi Cloud, or one's own", function () {
  this.timeout(15 * 60_000);
  let repo: Fixture;
  let service: Server;
  const calls: string[] = [];

  before(async () => {
    repo = makeRepository();
    const answers: Readonly<Record<string, object>> = {
      "/api/user": { id: "1", githubLogin: "me", name: "me", organizations: [{ githubLogin: "me" }] },
      "/api/capabilities": { capabilities: [] },
      "/api/user/stacks": {
        stacks: [
          {
            orgName: "me",
            projectName: "demo",
            stackName: "dev",
            lastUpdate: 1_700_000_000,
            resourceCount: 7,
          },
        ],
      },
    };
    service = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? "/", "http://service");
      calls.push(`${request.headers.authorization} ${pathname}`);
      const answer = answers[pathname];
      response.writeHead(answer ? 200 : 404, { "content-type": "application/json" });
      response.end(JSON.stringify(answer ?? { code: 404, message: "not here" }));
    });
    await new Promise<void>((listening) => service.listen(0, "127.0.0.1", listening));
  });
  after(async () => {
    await new Promise((closed) => service.close(closed));
    repo.remove();
  });

  it("is asked with the token, and needs no passphrase", async () => {
    const { port } = service.address() as AddressInfo;
    repo.write("Pulumi.yaml", `name: demo\nruntime: nodejs\nbackend: {url: 'http://127.0.0.1:${port}'}\n`);
    const env = { ...repo.env, NO_COLOR: "1", PULUMI_ACCESS_TOKEN: "pul-of-the-test" };
    const { code, stdout, stderr } = await cli(["stack", "list", "--json"], { cwd: repo.root, env });
    expect(code, stderr).to.equal(0);
    expect(JSON.parse(stdout).stacks).to.have.length(1);
    expect(JSON.parse(stdout).stacks[0]).to.include({ resources: 7, lastUpdate: "2023-11-14T22:13:20.000Z" });
    expect(calls).to.include("token pul-of-the-test /api/user/stacks");
    expect(existsSync(join(repo.home, "passphrase"))).to.equal(false);
    expect(existsSync(join(repo.root, ".handoff"))).to.equal(false);
  });
});
