import * as fs from "node:fs";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { expect } from "chai";
import { formatBytes } from "../../cli/output/size.js";
import { withStack } from "../../deploy/stack.js";
import { deploymentPaths } from "../../providers/local/home.js";
import { openArtifacts } from "../../runner-image/src/store/open.js";
import { type Fixture, makeRepository } from "../deploy/fixture.js";
import { type MotoServer, startMoto } from "../providers/aws/server.js";
import { type Azurite, startAzurite } from "../runner/store/azurite.js";
import { type GcsServer, startGcs } from "../runner/store/gcs-server.js";
import { Workspaces } from "../runner/store/workspace.js";
import { cli } from "./support.js";

const credentials = { AWS_ACCESS_KEY_ID: "testing", AWS_SECRET_ACCESS_KEY: "testing" };

describe("cli: artifacts of stacks on every cloud", function () {
  this.timeout(600_000);
  let repository: Fixture;
  let moto: MotoServer;
  let gcs: GcsServer;
  let azurite: Azurite;
  let env: Record<string, string | undefined>;
  let at: Workspaces;
  const saved = new Map<string, string | undefined>();
  const local = (home: string) => deploymentPaths(home, "demo-dev").artifacts;
  let urls: Readonly<Record<"dev" | "amazon" | "google" | "azure", string>>;

  before(async () => {
    // The SDK finds credentials in the process's own environment.
    for (const [name, value] of Object.entries(credentials)) {
      saved.set(name, process.env[name]);
      process.env[name] = value;
    }
    [moto, gcs, azurite] = await Promise.all([startMoto(), startGcs("state"), startAzurite("state")]);
    const client = new S3Client({ region: "eu-west-1", endpoint: moto.endpoint, forcePathStyle: true });
    const there = { LocationConstraint: "eu-west-1" } as const;
    await client.send(new CreateBucketCommand({ Bucket: "state", CreateBucketConfiguration: there }));
    repository = makeRepository();
    env = {
      ...repository.env,
      NO_COLOR: "1",
      AWS_REGION: undefined,
      AWS_ENDPOINT_URL_S3: moto.endpoint,
      STORAGE_EMULATOR_HOST: gcs.endpoint,
      ...azurite.env,
    };
    urls = {
      dev: local(repository.home),
      amazon: "s3://state/etl",
      google: "gs://state/etl",
      azure: `${azurite.endpoint}/state/etl`,
    };
    // What an `up` leaves of a stack, for these commands: its outputs, and on this machine its folder.
    fs.mkdirSync(deploymentPaths(repository.home, "demo-dev").jobs, { recursive: true });
    await deploy("amazon", "aws", { region: "eu-west-1", stores: { artifacts: urls.amazon } });
    await deploy("google", "gcp", { region: "europe-west1", stores: { artifacts: urls.google } });
    await deploy("azure", "azure", { stores: { artifacts: urls.azure } });
    at = new Workspaces();
    saved.set("TMPDIR", process.env.TMPDIR);
    process.env.TMPDIR = join(at.dir, "tmp");
    fs.mkdirSync(process.env.TMPDIR);
  });
  after(async () => {
    await Promise.all([moto?.stop(), gcs?.stop(), azurite?.stop()]);
    repository?.remove();
    at?.remove();
    for (const [name, value] of saved) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  async function deploy(stack: string, cloud: string, outputs: Record<string, unknown>): Promise<void> {
    repository.write(`Pulumi.${stack}.yaml`, `config:\n  handoff:cloud: ${cloud}\n`);
    const { root } = repository;
    await withStack(
      { cwd: root, stack, env },
      async (made) => void (await made.up()),
      async () => outputs,
    );
  }

  const handoff = (...argv: readonly string[]) =>
    cli(["artifacts", ...argv], { cwd: repository.root, env, now: () => new Date() });
  const json = async (...argv: readonly string[]) => {
    const { code, stdout, stderr } = await handoff(...argv, "--json");
    expect(code, stderr).to.equal(0);
    return JSON.parse(stdout);
  };
  const archives = async (stack: string): Promise<string[]> => {
    const { archives: found } = await json("list", "-s", stack);
    return found.map(({ runId, isLast }: { runId: string; isLast: boolean }) => runId + (isLast ? "!" : ""));
  };
  /** As the runs of a stack do. */
  const push = async (url: string, runId: string, files: Record<string, string>): Promise<void> => {
    await openArtifacts(url, { ...env, AWS_REGION: "eu-west-1" }).push(runId, at.make(files), ["**"]);
  };
  const stateOf = async (url: string): Promise<Record<string, string>> => {
    const work = at.make();
    await openArtifacts(url, { ...env, AWS_REGION: "eu-west-1" }).fetchLast(work, ["**"]);
    return at.read(work);
  };

  it("copies a client's state from cloud to cloud, and each goes on from it", async () => {
    for (const n of ["1", "2", "3"]) {
      await push(urls.amazon, `run-${n}`, { "state.json": n, "artifacts/log": `log ${n}`, same: "same" });
      await new Promise((resolve) => setTimeout(resolve, 1100)); // the stores' clocks have seconds
    }
    expect(await json("copy", "--from", "amazon", "--to", "google")).to.deep.equal({
      schemaVersion: 1,
      from: urls.amazon,
      to: urls.google,
      archives: [{ runId: "run-3", archive: "run-3" }],
      last: "run-3",
      before: null,
    });
    const state = { "artifacts/log": "log 3", same: "same", "state.json": "3" };
    expect(await stateOf(urls.google)).to.deep.equal(state);
    await push(urls.google, "run-4", { "state.json": "4", "artifacts/log": "log 4" });

    const all = await handoff("copy", "--from", "amazon", "--to", "azure", "--all");
    expect(all.code, all.stderr).to.equal(0);
    expect(all.stderr).to.contain("run-1\nrun-2\nrun-3\n3 archives from ");
    expect(all.stderr).to.contain("the next run of azure starts from run-3\n");
    expect((await archives("azure")).sort()).to.deep.equal(["run-1", "run-2", "run-3!"]);
    expect(await stateOf(urls.azure)).to.deep.equal(state);

    // By its place, as `up` prints it for a stack that moved; then on to this machine, and back to the first cloud.
    expect((await json("copy", "--from", urls.google, "--to", "azure")).before).to.equal("run-3");
    expect((await json("copy", "--from", "azure", "--to", "dev", "--all")).archives).to.have.length(4);
    expect(await stateOf(urls.dev)).to.deep.equal({ "artifacts/log": "log 4", "state.json": "4" });
    expect((await archives("dev")).sort()).to.deep.equal(["run-1", "run-2", "run-3", "run-4!"]);
    const back = await json("copy", "--from", "dev", "--to", "amazon", "--all");
    expect(
      back.archives.map(({ archive }: { archive: string }) => archive),
      "none twice",
    ).to.deep.equal(back.archives.map(({ runId }: { runId: string }) => runId));
    expect((await archives("amazon")).sort()).to.deep.equal(["run-1", "run-2", "run-3", "run-4!"]);
    const temporary = fs.readdirSync(join(at.dir, "tmp"));
    expect(temporary, "nothing is left behind").to.deep.equal([]);
  });

  for (const stack of ["dev", "amazon", "google", "azure"] as const) {
    it(`lists, gets, puts and rolls back: ${stack}`, async () => {
      await push(urls[stack], "before", { "state.json": "before", "artifacts/log": "x".repeat(2048) });
      const mine = at.make({ "state.json": "mine" });
      const put = await handoff("put", mine, "-s", stack, "--as", "seed");
      expect(put.code, put.stderr).to.equal(0);
      expect(put.stdout).to.equal("seed\n");
      expect(put.stderr).to.contain(`the next run of ${stack} starts from seed; until now it was before`);
      expect(await stateOf(urls[stack])).to.deep.equal({ "state.json": "mine" });
      expect(await archives(stack)).to.include.members(["seed!", "before"]);

      const rollback = await json("rollback", "before", "-s", stack);
      expect(rollback).to.deep.equal({
        schemaVersion: 1,
        stack,
        location: urls[stack],
        runId: "before",
        before: "seed",
      });
      const to = join(at.make(), "state");
      const got = await handoff("get", "-s", stack, "--to", to);
      expect(got.code, got.stderr).to.equal(0);
      expect([got.stdout, got.stderr]).to.deep.equal([`${to}\n`, "before: 2 files, 2.0 KiB\n"]);
      expect(at.read(to)).to.deep.equal({ "artifacts/log": "x".repeat(2048), "state.json": "before" });
      at.write(to, { "state.json": "mine" });
      const refused = await handoff("get", "-s", stack, "--to", to);
      expect(refused.code).to.equal(2);
      expect(refused.stderr).to.contain("state.json would be overwritten").and.contain("--overwrite");
      expect((await handoff("get", "seed", "-s", stack, "--to", to, "--overwrite")).code).to.equal(0);
      expect(at.read(to)["state.json"]).to.equal("mine");

      const files = (await handoff("list", "before", "-s", stack)).stdout.trimEnd().split("\n");
      expect(files.map((line) => line.split(/ {2,}/))).to.deep.equal([
        ["FILE", "SIZE"],
        ["artifacts/log", "2.0 KiB"],
        ["state.json", "6 B"],
      ]);
      expect((await json("list", "last", "-s", stack)).runId).to.equal("before");
      const listed = (await handoff("list", "-s", stack)).stdout.split("\n");
      expect(listed.find((line) => line.startsWith("before ")))
        .to.match(/ago|just now/)
        .and.contain("next run");
      const unknown = await handoff("rollback", "run-99", "-s", stack);
      expect(unknown.code).to.equal(2);
      expect(unknown.stderr).to.contain("no archive run-99 in ").and.contain("handoff artifacts list");
    });
  }

  it("names the archive's folder after it, when nobody says another", async () => {
    await push(urls.dev, "named", { "state.json": "1" });
    const { code, stdout } = await handoff("get", "named", "-s", "dev");
    expect([code, stdout]).to.deep.equal([0, `${join(repository.root, "named")}\n`]);
    expect(at.read(join(repository.root, "named"))).to.deep.equal({ "state.json": "1" });
  });

  it("says what is wrong, and changes nothing", async () => {
    repository.write("Pulumi.new.yaml", "config:\n  handoff:cloud: aws\n");
    const wrong: readonly (readonly [readonly string[], string, string])[] = [
      [["list", "-s", "new"], "stack new is not deployed", "handoff up new"],
      [["list", "-s", "none"], "there is no stack none", ""],
      [["put", "no-such-folder", "-s", "dev"], "no such folder: no-such-folder", "name the folder"],
      [["put", ".", "-s", "dev", "--as", "last"], "can't be named `last`", "another name"],
      [["put", ".", "-s", "dev", "--as", "a/b"], "not usable as an archive's name: a/b", "letters"],
      [["copy", "--from", "dev", "--to", "dev"], "at the same place", "another stack"],
      [["copy", "--from", "gs://state/empty", "--to", "dev"], "has no last state to copy", "at its end"],
      [["copy", "--from", "ftp://x/y", "--to", "dev"], "no place for artifacts", "s3://bucket/prefix"],
      [["copy", "--from", "dev"], "'--to <stack>' not specified", "--help"],
      [["get", "-s", "dev", "../x"], "not usable as an archive's name: ../x", "letters"],
    ];
    const before = await archives("dev");
    for (const [argv, message, hint] of wrong) {
      const { code, stderr, stdout } = await handoff(...argv);
      expect([code, stdout], argv.join(" ")).to.deep.equal([2, ""]);
      expect(stderr, argv.join(" ")).to.contain(message).and.contain(hint);
    }
    expect(await archives("dev")).to.deep.equal(before);
  });

  it("stops when it is told to", async () => {
    const stop = new AbortController();
    stop.abort("SIGINT");
    const { code, stderr } = await cli(["artifacts", "list", "-s", "dev"], {
      cwd: repository.root,
      env,
      interrupted: stop.signal,
    });
    expect([code, stderr]).to.deep.equal([130, "handoff: stopped\n"]);
  });

  it("writes sizes for people", () => {
    const sizes = [null, 0, 1023, 1024, 10_239, 1024 * 1023.99, 5 * 2 ** 30, 3 * 2 ** 50].map(formatBytes);
    expect(sizes).to.deep.equal([
      "-",
      "0 B",
      "1023 B",
      "1.0 KiB",
      "10.0 KiB",
      "1.0 MiB",
      "5.0 GiB",
      "3072 TiB",
    ]);
  });
});
