import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { expect } from "chai";
import { backendEnv } from "../../deploy/backend.js";
import { findPulumi } from "../../deploy/engine.js";
import { engineEnv } from "../../deploy/env.js";
import { findRepository } from "../../deploy/repository.js";
import { cli } from "../cli/support.js";
import { motoPython } from "../providers/aws/moto/server.js";
import { type MotoServer, startMoto } from "../providers/aws/server.js";
import { contents, type Fixture, makeRepository } from "./fixture.js";

const run = promisify(execFile);

describe("state in a bucket, and secrets under a key of a key service", function () {
  this.timeout(15 * 60_000);
  let moto: MotoServer;
  let s3: S3Client;
  let repo: Fixture;
  let env: Fixture["env"];
  let key: string;
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };

  before(async () => {
    moto = await startMoto();
    s3 = new S3Client({ endpoint: moto.endpoint, region: "us-east-1", forcePathStyle: true, credentials });
    await s3.send(new CreateBucketCommand({ Bucket: "state" }));
    key = await createKey(moto.endpoint);
    repo = makeRepository();
    const { host } = new URL(moto.endpoint);
    repo.write(
      "Pulumi.yaml",
      [
        "name: demo",
        "runtime: nodejs",
        "backend:",
        `  url: s3://state?endpoint=${host}&disableSSL=true&s3ForcePathStyle=true&region=us-east-1`,
        "",
      ].join("\n"),
    );
    env = {
      ...repo.env,
      NO_COLOR: "1",
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_REGION: "us-east-1",
      AWS_ENDPOINT_URL_KMS: moto.endpoint,
      AWS_EC2_METADATA_DISABLED: "true",
    };
  });
  after(async () => {
    repo?.remove();
    s3?.destroy();
    await moto?.stop();
  });

  const handoff = async (argv: readonly string[], input = "") => {
    const outcome = await cli(argv, { cwd: repo.root, env, input });
    return outcome;
  };
  const succeeds = async (argv: readonly string[], input?: string) => {
    const outcome = await handoff(argv, input);
    expect(outcome.code, `${argv.join(" ")}: ${outcome.stderr}`).to.equal(0);
    return outcome;
  };
  const objects = async () => {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: "state" }));
    return Contents.map(({ Key }) => Key ?? "");
  };
  const decrypted = async (stack: string, name: string) => {
    const { command } = await findPulumi({ env });
    const path = ["config", "get", "--path", `handoff:secrets["${name}"]`, "--stack", stack];
    const { stdout } = await run(command, path, {
      cwd: repo.root,
      env: engineEnv(env, backendEnv(findRepository(repo.root), env)),
    });
    return stdout.trim();
  };

  it("new, secrets, up, list, refresh: all of it in the bucket that Pulumi.yaml names", async () => {
    await succeeds(["stack", "new", "acme", "--set", "client=acme"]);
    await succeeds(["secrets", "set", "API_KEY", "-s", "acme"], "planted-value\n");
    await succeeds(["up", "acme"]);
    expect(await objects()).to.include(".pulumi/stacks/demo/acme.json");
    expect(existsSync(join(repo.root, ".handoff", "state"))).to.equal(false);
    const again = await succeeds(["up", "acme"]);
    expect(again.stderr).to.include("nothing to change");
    const { stdout } = await succeeds(["stack", "list", "--json"]);
    const { stacks } = JSON.parse(stdout) as { stacks: { stack: string }[] };
    const acme = stacks.find(({ stack }) => stack === "acme");
    expect(acme).to.include({ client: "acme", resources: 10, updating: false });
    expect(acme)
      .to.have.property("lastUpdate")
      .that.matches(/^20\d\d-/);
    expect(JSON.stringify(contents(repo.root))).not.to.include("planted-value");
  });

  it("a lock that was left there is explained: whose, since when, and what releases it", async () => {
    const lock = { pid: 4711, username: "ci", hostname: "runner-7", timestamp: "2026-01-02T03:04:05Z" };
    await s3.send(
      new PutObjectCommand({
        Bucket: "state",
        Key: ".pulumi/locks/organization/demo/acme/11111111-2222-3333-4444-555555555555.json",
        Body: JSON.stringify(lock),
      }),
    );
    const { code, stderr } = await handoff(["up", "acme"]);
    expect(code).to.equal(1);
    expect(stderr)
      .to.include("acme")
      .and.match(/ci@runner-7|ci on runner-7/)
      .and.match(/cancel/);
    const { stdout } = await succeeds(["cancel", "acme"]);
    expect(stdout).to.equal("acme: released\n");
    await succeeds(["up", "acme"]);
  });

  it("a stack whose key is a key service's: no passphrase, and the value comes back", async () => {
    const provider = `awskms:///${key}?region=us-east-1&awssdk=v2`;
    await succeeds(["stack", "new", "kms", "--secrets-provider", provider]);
    expect(repo.read("Pulumi.kms.yaml"))
      .to.match(/^secretsprovider: awskms:/m)
      .and.match(/^encryptedkey: /m)
      .and.not.include("encryptionsalt");
    await succeeds(["secrets", "set", "API_KEY", "-s", "kms"], "of-kms\n");
    expect(await decrypted("kms", "API_KEY")).to.equal("of-kms");
    // Another stack like it has the same provider, and a data key of its own.
    await succeeds(["stack", "new", "kms2", "--from", "kms"]);
    const keyOf = (stack: string) => /^encryptedkey: .*$/m.exec(repo.read(`Pulumi.${stack}.yaml`))?.[0];
    expect(keyOf("kms2")).to.be.a("string").and.not.equal(keyOf("kms"));
  });

  it("rotate: from a passphrase to that key, anew with the same, and back; nothing else changes", async () => {
    const provider = `awskms:///${key}?region=us-east-1&awssdk=v2`;
    await succeeds(["secrets", "rotate", "-s", "acme", "--secrets-provider", provider]);
    const first = /^encryptedkey: .*$/m.exec(repo.read("Pulumi.acme.yaml"))?.[0];
    expect(first).to.be.a("string");
    expect(await decrypted("acme", "API_KEY")).to.equal("planted-value");
    await succeeds(["secrets", "rotate", "-s", "acme", "--secrets-provider", provider]);
    expect(/^encryptedkey: .*$/m.exec(repo.read("Pulumi.acme.yaml"))?.[0]).not.to.equal(first);
    expect((await succeeds(["up", "acme"])).stderr).to.include("nothing to change");
    repo.write("new.txt", "another passphrase\n");
    await succeeds(["secrets", "rotate", "-s", "acme", "--passphrase-file", "new.txt"]);
    expect(repo.read("Pulumi.acme.yaml")).to.include("encryptionsalt").and.not.include("encryptedkey");
    env = { ...env, PULUMI_CONFIG_PASSPHRASE_FILE: join(repo.root, "new.txt") };
    expect(await decrypted("acme", "API_KEY")).to.equal("planted-value");
    expect((await succeeds(["up", "acme"])).stderr).to.include("nothing to change");
  });

  it("destroy and rm leave no state in the bucket", async () => {
    await succeeds(["destroy", "acme"]);
    await succeeds(["stack", "rm", "acme"]);
    expect(await objects()).not.to.include(".pulumi/stacks/demo/acme.json");
    expect(existsSync(join(repo.root, "Pulumi.acme.yaml"))).to.equal(false);
  });

  it("a bucket that isn't there is said by every command that needs it", async () => {
    const url = "s3://elsewhere?endpoint=127.0.0.1:1&disableSSL=true&s3ForcePathStyle=true&region=us-east-1";
    env = { ...env, PULUMI_BACKEND_URL: url, AWS_MAX_ATTEMPTS: "1" };
    const { code, stderr } = await handoff(["stack", "list"]);
    expect(code).to.equal(1);
    expect(stderr)
      .to.include("elsewhere")
      .and.include("docs/backends.md")
      .and.not.match(/\n {4}at /);
  });
});

async function createKey(endpoint: string): Promise<string> {
  const code = `import boto3; print(boto3.client("kms", endpoint_url="${endpoint}", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test").create_key()["KeyMetadata"]["KeyId"])`;
  const { stdout } = await run(motoPython(), ["-c", code], { env: { PATH: process.env.PATH } });
  return stdout.trim();
}
