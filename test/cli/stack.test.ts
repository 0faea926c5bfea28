import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { backendEnv } from "../../deploy/backend.js";
import { findPulumi } from "../../deploy/engine.js";
import { engineEnv } from "../../deploy/env.js";
import { findRepository } from "../../deploy/repository.js";
import { setSecret } from "../../deploy/secrets.js";
import { contents, type Fixture, makeRepository } from "../deploy/fixture.js";
import { cli } from "./support.js";

const run = promisify(execFile);

describe("cli: stacks", function () {
  this.timeout(15 * 60_000);
  let repo: Fixture;
  beforeEach(() => {
    repo = makeRepository();
  });
  afterEach(() => repo.remove());

  const handoff = (argv: readonly string[], about: { input?: string; env?: Fixture["env"] } = {}) =>
    cli(argv, { cwd: repo.root, env: { ...repo.env, NO_COLOR: "1" }, ...about });
  const noEngine = () => ({
    env: { ...repo.env, NO_COLOR: "1", PATH: "", HANDOFF_CACHE: join(repo.root, "none") },
  });
  const lines = (text: string) => text.trim().split("\n");
  const json = (text: string): unknown => JSON.parse(text);

  describe("new", () => {
    it("is one file, with the key that its secrets are encrypted with, and no more in the repository", async () => {
      const before = Object.keys(contents(repo.root));
      const { code, stdout, stderr } = await handoff([
        "stack",
        "new",
        "client-101",
        ...["--set", "client=acme", "--set", "aws:region=eu-west-1", "--set", "tags.team=data"],
      ]);
      expect(code, stderr).to.equal(0);
      expect(stdout).to.equal("Pulumi.client-101.yaml\n");
      expect(repo.read("Pulumi.client-101.yaml")).to.match(
        /^config:\n {2}handoff:client: acme\n {2}aws:region: eu-west-1\n {2}handoff:tags:\n {4}team: data\nencryptionsalt: v1:\S+\n$/,
      );
      const after = Object.keys(contents(repo.root)).filter((file) => !file.startsWith(".handoff"));
      expect(after.filter((file) => !before.includes(file))).to.deep.equal(["Pulumi.client-101.yaml"]);
      expect(stderr).to.include("handoff secrets set API_KEY -s client-101");
      // What follows is encrypted with that key.
      const committed = repo.read("Pulumi.client-101.yaml");
      const input = { input: "x\n" };
      const set = await handoff(["secrets", "set", "API_KEY", "-s", "client-101"], input);
      expect(set.code, set.stderr).to.equal(0);
      const salt = /^encryptionsalt:.*$/m.exec(committed)?.[0];
      expect(repo.read("Pulumi.client-101.yaml")).to.include(salt);
    });

    it("takes another stack's settings, and neither its client nor what is encrypted", async () => {
      await setSecret(repo.options, "API_KEY", "of-dev");
      const { command } = await findPulumi({ env: repo.env });
      const secret = ["config", "set", "--secret", "other:token", "x", "--stack", "dev"];
      await run(command, secret, {
        cwd: repo.root,
        env: engineEnv(repo.env, backendEnv(findRepository(repo.root), repo.env)),
      });
      const dev = repo.read("Pulumi.dev.yaml");
      repo.write(
        "Pulumi.dev.yaml",
        dev.replace(
          "config:\n",
          "config:\n  # Frankfurt\n  aws:region: eu-central-1\n  handoff:client: first\n",
        ),
      );
      const { code, stdout, stderr } = await handoff(
        ["stack", "new", "b", "--from", "dev", "--set", "handoff:spot=true", "--no-init", "--json"],
        noEngine(),
      );
      expect(code, stderr).to.equal(0);
      expect(repo.read("Pulumi.b.yaml")).to.equal(
        "config:\n  # Frankfurt\n  aws:region: eu-central-1\n  handoff:cloud: local\n  handoff:spot: true\n",
      );
      expect(json(stdout)).to.deep.include({
        stack: "b",
        client: "b",
        file: "Pulumi.b.yaml",
        missingSecrets: ["API_KEY"],
        notCopied: ["handoff:client", "handoff:secrets", "other:token"],
      });
    });

    it("fills in a template", async () => {
      repo.write(
        "client.yaml",
        "config:\n  handoff:cloud: gcp\n  gcp:project: acme-{{ stack }}\n  gcp:region: europe-west1\n",
      );
      const { code, stderr } = await handoff(
        ["stack", "new", "x1", "--template", "client.yaml", "--set", "gcp:region=us-east1", "--no-init"],
        noEngine(),
      );
      expect(code, stderr).to.equal(0);
      expect(repo.read("Pulumi.x1.yaml")).to.equal(
        "config:\n  handoff:cloud: gcp\n  gcp:project: acme-x1\n  gcp:region: us-east1\n",
      );
    });

    it("with its secrets: all of it in one command", async () => {
      repo.write("acme.env", 'API_KEY="correct horse"\n');
      const { code, stderr } = await handoff(["stack", "new", "acme", "--secrets", "acme.env"]);
      expect(code, stderr).to.equal(0);
      expect(repo.read("Pulumi.acme.yaml")).to.match(/handoff:secrets:\n {4}API_KEY:\n {6}secure: v1:/);
      expect(stderr).not.to.include("secrets set").and.not.include("correct horse");
    });

    it("says what up would find wrong, a missing region for one", async () => {
      const env = { ...noEngine().env, AWS_REGION: undefined, AWS_DEFAULT_REGION: undefined };
      const { code, stdout } = await handoff(
        ["stack", "new", "acme", "--set", "cloud=aws", "--no-init", "--json"],
        { env },
      );
      expect(code).to.equal(0);
      const { diagnostics } = json(stdout) as { diagnostics: { code: string }[] };
      expect(diagnostics.map((each) => each.code)).to.deep.equal(["aws-no-region"]);
      expect(repo.read("Pulumi.acme.yaml")).to.equal("config:\n  handoff:cloud: aws\n");
    });

    it("goes where stackConfigDir says", async () => {
      repo.write("Pulumi.yaml", "name: demo\nruntime: nodejs\nstackConfigDir: clients\n");
      const { code, stdout, stderr } = await handoff(["stack", "new", "acme", "--set", "tags.a=b"]);
      expect(code, stderr).to.equal(0);
      expect(stdout).to.equal("clients/Pulumi.acme.yaml\n");
      expect(repo.read("clients/Pulumi.acme.yaml")).to.include("encryptionsalt:");
      expect(existsSync(join(repo.root, "Pulumi.acme.yaml"))).to.equal(false);
    });

    it("what is wrong makes no file", async () => {
      repo.write("broken.yaml", "config: [\n");
      repo.write("wrong.env", "API_KEY=x\n1ST=hunter2\n");
      repo.write("names.yaml", "config: {handoff:client: '{{ client }}'}\n");
      const cases = [
        [["new", "dev"], /there is a stack dev already: Pulumi.dev.yaml/],
        [["new", "a b"], /`a b` is no name/],
        [
          ["new", "x", "--set", "cloud=asw"],
          /`handoff:cloud` is `asw`(.|\n)*did you mean aws\?(.|\n)*not made/,
        ],
        [["new", "x", "--set", "clod=aws"], /did you mean `handoff:cloud`/],
        [["new", "x", "--set", "cloud"], /--set takes KEY=VALUE/],
        [["new", "x", "--set", "secrets.API_KEY=hunter2"], /--set is no place for a secret/],
        [["new", "x", "--from", "dve"], /no stack dve(.|\n)*did you mean dev/],
        [["new", "x", "--template", "none.yaml"], /none.yaml can't be read/],
        [["new", "x", "--template", "broken.yaml"], /broken.yaml: /],
        [["new", "x", "--template", "names.yaml"], /names.yaml: .*client/],
        [["new", "x", "--secrets", "none.env"], /none.env can't be read/],
        [["new", "x", "--secrets", "wrong.env"], /`1ST` is no name for a secret/],
      ] as const;
      for (const [argv, message] of cases) {
        const { code, stdout, stderr } = await handoff(["stack", ...argv], noEngine());
        expect(stderr).to.match(message).and.not.include("hunter2");
        expect(code, stderr).to.equal(2);
        expect(stdout).to.equal("");
        expect(existsSync(join(repo.root, "Pulumi.x.yaml")), argv.join(" ")).to.equal(false);
      }
    });

    it("isn't another one's, whose file is elsewhere; --no-init takes it over", async () => {
      await setSecret(repo.options, "API_KEY", "x");
      const up = await handoff(["up", "dev"]);
      expect(up.code, up.stderr).to.equal(0);
      rmSync(join(repo.root, "Pulumi.dev.yaml"));
      const { code, stderr } = await handoff(["stack", "new", "dev"]);
      expect(code).to.equal(2);
      expect(stderr).to.match(/has a stack dev of project demo with 10 resources(.|\n)*--no-init/);
      expect(existsSync(join(repo.root, "Pulumi.dev.yaml"))).to.equal(false);
      expect((await handoff(["stack", "new", "dev", "--no-init"])).code).to.equal(0);
      expect((await handoff(["destroy", "dev"])).code).to.equal(0);
      rmSync(join(repo.root, "Pulumi.dev.yaml"));
      expect((await handoff(["stack", "new", "dev"])).code).to.equal(0);
    });

    it("nor does a backend that can't make it", async () => {
      const env = { ...repo.env, NO_COLOR: "1", PULUMI_BACKEND_URL: `file://${join(repo.root, "nowhere")}` };
      const { code, stderr } = await handoff(["stack", "new", "x"], { env });
      expect(code).to.equal(1);
      expect(stderr).to.include("nowhere");
      expect(existsSync(join(repo.root, "Pulumi.x.yaml"))).to.equal(false);
    });
  });

  describe("list", () => {
    it("says of each stack who it is for, where, and when it was last updated; one broken file hides none", async () => {
      repo.write(
        "Pulumi.yaml",
        "name: demo\nruntime: nodejs\nconfig:\n  handoff:cloud: aws\n  aws:region: eu-west-1\n",
      );
      repo.write("Pulumi.acme.yaml", "config: {handoff:client: acme, aws:region: us-east-1}\n");
      repo.write("Pulumi.broken.yaml", "config: [\n");
      repo.write("Pulumi.wrong.yaml", "config: {handoff:clinet: x}\n");
      await setSecret(repo.options, "API_KEY", "x");
      const up = await handoff(["up", "dev"]);
      expect(up.code, up.stderr).to.equal(0);
      const { code, stdout } = await handoff(["stack", "list", "--json"], noEngine());
      expect(code).to.equal(0);
      const { stacks } = json(stdout) as { stacks: Record<string, unknown>[] };
      const [acme, broken, dev, wrong] = stacks;
      expect(acme).to.deep.equal({
        stack: "acme",
        file: "Pulumi.acme.yaml",
        client: "acme",
        cloud: "aws",
        project: ".",
        region: "us-east-1",
        resources: null,
        lastUpdate: null,
        updating: false,
        diagnostics: [],
      });
      expect(broken?.diagnostics).to.have.length(1);
      expect(dev).to.include({ cloud: "local", resources: 10, updating: false });
      expect(Date.parse(String(dev?.lastUpdate))).to.be.closeTo(Date.now(), 600_000);
      expect(wrong?.diagnostics).to.have.length(1);
      const table = lines((await handoff(["stack", "list"], noEngine())).stdout);
      expect(table).to.have.length(5);
      expect(table[1]).to.match(/^acme +acme +aws +us-east-1 +\. +never$/);
      expect(table[4]).to.include("handoff stack show wrong");
      const some = await handoff(["stack", "list", "--select", "cloud=local", "--json"], noEngine());
      expect((json(some.stdout) as { stacks: unknown[] }).stacks).to.have.length(1);
    });

    it("has what the backend knows and the repository has lost", async () => {
      await handoff(["stack", "new", "left"]);
      rmSync(join(repo.root, "Pulumi.left.yaml"));
      const { stdout } = await handoff(["stack", "list"]);
      expect(stdout).to.match(/\nleft .*it has no file/);
    });
  });

  describe("show", () => {
    it("says where each setting came from, and no secret", async () => {
      repo.write(
        "Pulumi.yaml",
        "name: demo\nruntime: nodejs\nconfig:\n  handoff:cloud: gcp\n  handoff:tags.team: data\n",
      );
      repo.write(
        "Pulumi.dev.yaml",
        "config:\n  handoff:client: acme\n  gcp:credentials: {secure: v1:x}\n  handoff:secrets: {OTHER: {secure: v1:y}}\n",
      );
      const env = { ...noEngine().env, GOOGLE_PROJECT: "of-the-shell", GOOGLE_REGION: undefined };
      const { code, stdout } = await handoff(["stack", "show", "--json"], { env });
      expect(code).to.equal(0);
      const shown = json(stdout) as {
        settings: {
          key: string;
          value?: unknown;
          from: { kind: string; location?: { file: string; line: number } };
        }[];
        secrets: unknown;
      };
      const rows = shown.settings.map(({ key, value, from }) => [
        key,
        value,
        from.location ? `${from.location.file}:${from.location.line}` : from.kind,
      ]);
      expect(rows).to.deep.include.members([
        ["handoff:cloud", "gcp", "Pulumi.yaml:4"],
        ["handoff:tags", { team: "data" }, "Pulumi.yaml:5"],
        ["handoff:client", "acme", "Pulumi.dev.yaml:2"],
        ["handoff:project", ".", "default"],
        ["handoff:logRetentionDays", 90, "default"],
        ["gcp:project", "of-the-shell", "environment"],
        ["gcp:credentials", "[secret]", "Pulumi.dev.yaml:3"],
      ]);
      expect(shown.secrets).to.deep.equal([
        { key: "API_KEY", set: false, used: true },
        { key: "OTHER", set: true, used: false },
      ]);
      const table = await handoff(["stack", "show", "dev"], { env });
      expect(table.stdout)
        .to.match(/\nhandoff:client +acme +Pulumi.dev.yaml:2:3\n/)
        .and.match(/\ngcp:project +of-the-shell +variable GOOGLE_PROJECT\n/)
        .and.match(/\ngcp:region +- +not set\n/)
        .and.match(/\nsecret API_KEY +missing/)
        .and.match(/\nstate +.handoff\/state +default\n/)
        .and.not.include("v1:");
    });

    it("says where the state is, without credentials, and what encrypts", async () => {
      repo.write("Pulumi.dev.yaml", "secretsprovider: awskms://alias/acme\nconfig: {}\n");
      const state = async (env: Fixture["env"]) => {
        const { stdout } = await handoff(["stack", "show", "--json"], { env: { ...noEngine().env, ...env } });
        const { state, encryption } = json(stdout) as { state: object; encryption: string };
        return { ...state, encryption };
      };
      const encryption = "awskms://alias/acme";
      expect(await state({})).to.deep.equal({ url: ".handoff/state", from: "default", encryption });
      expect(await state({ PULUMI_ACCESS_TOKEN: "t" })).to.include({ url: "Pulumi Cloud", from: "login" });
      expect(await state({ PULUMI_BACKEND_URL: "postgres://me:hunter2@db/state" })).to.include({
        url: "postgres://db/state",
        from: "variable",
      });
      repo.write("Pulumi.yaml", "name: demo\nruntime: nodejs\nbackend: {url: s3://bucket}\n");
      expect(await state({})).to.include({ url: "s3://bucket", from: "Pulumi.yaml" });
    });

    it("exits 2 with what is wrong, at its place", async () => {
      repo.write("Pulumi.yaml", "name: demo\nruntime: nodejs\nconfig:\n  handoff:spott: true\n");
      const { code, stderr } = await handoff(["stack", "show", "dev"], noEngine());
      expect(code).to.equal(2);
      expect(stderr).to.match(/Pulumi.yaml:4:3: error: .*did you mean `handoff:spot`/);
    });
  });

  describe("rm", () => {
    it("refuses while anything is there, and then takes state and file", async () => {
      await setSecret(repo.options, "API_KEY", "x");
      await handoff(["up", "dev"]);
      const before = contents(repo.root);
      const refused = await handoff(["stack", "rm", "dev"]);
      expect(refused.code).to.equal(2);
      expect(refused.stderr).to.match(/has 10 resources(.|\n)*handoff destroy dev/);
      expect(contents(repo.root)).to.deep.equal(before);
      await handoff(["destroy", "dev"]);
      const { code, stderr } = await handoff(["stack", "rm", "dev"]);
      expect(code, stderr).to.equal(0);
      expect(existsSync(join(repo.root, "Pulumi.dev.yaml"))).to.equal(false);
      expect(Object.keys(contents(join(repo.root, ".handoff/state/.pulumi/stacks")))).not.to.include(
        "demo/dev.json",
      );
    });

    it("takes a file that was never deployed, without an engine, and knows no other", async () => {
      expect((await handoff(["stack", "rm", "dve"], noEngine())).stderr).to.include("did you mean dev?");
      expect((await handoff(["stack", "rm", "dev"], noEngine())).code).to.equal(0);
      expect(existsSync(join(repo.root, "Pulumi.dev.yaml"))).to.equal(false);
    });

    it("isn't kept from it by an engine of this machine that died", async () => {
      await setSecret(repo.options, "API_KEY", "x");
      const child = spawn("true");
      await new Promise((done) => child.on("exit", done));
      const locks = join(repo.root, ".handoff/state/.pulumi/locks/organization/demo/dev");
      mkdirSync(locks, { recursive: true });
      const lock = {
        pid: child.pid,
        username: "me",
        hostname: hostname(),
        timestamp: "2026-01-01T00:00:00Z",
      };
      writeFileSync(join(locks, "x.json"), JSON.stringify(lock));
      expect((await handoff(["stack", "list"])).stdout).not.to.match(/\ndev .* now\n/);
      const { code, stderr } = await handoff(["stack", "rm", "dev"]);
      expect(code, stderr).to.equal(0);
    });

    it("leaves a stack alone that somebody works on", async () => {
      await setSecret(repo.options, "API_KEY", "x");
      const locks = join(repo.root, ".handoff/state/.pulumi/locks/organization/demo/dev");
      mkdirSync(locks, { recursive: true });
      const lock = {
        pid: process.pid,
        username: "me",
        hostname: "elsewhere",
        timestamp: "2026-01-01T00:00:00Z",
      };
      writeFileSync(join(locks, "x.json"), JSON.stringify(lock));
      const { code, stderr } = await handoff(["stack", "rm", "dev"]);
      expect(code).to.equal(2);
      expect(stderr).to.include("handoff cancel dev");
      expect((await handoff(["stack", "list"])).stdout).to.match(/\ndev .* now\n/);
      expect(repo.read("Pulumi.dev.yaml")).to.include("API_KEY");
    });
  });
});
