import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { expect } from "chai";
import type { LogLine } from "../../../model/run.js";
import { runnerEntry } from "../../../providers/local/entries.js";
import { type MotoServer, startMoto } from "../../providers/aws/server.js";
import { commands, project } from "../exec/harness.js";
import { startAzurite } from "./azurite.js";
import { startGcs } from "./gcs-server.js";
import { Workspaces } from "./workspace.js";

const credentials = { AWS_ACCESS_KEY_ID: "testing", AWS_SECRET_ACCESS_KEY: "testing" };

describe("runner/store: the bundled runner in a container, with its state in a store", function () {
  this.timeout(900_000);
  let server: MotoServer;
  let at: Workspaces;

  before(async () => {
    at = new Workspaces();
    server = await startMoto();
    const client = new S3Client({
      region: "us-east-1",
      endpoint: server.endpoint,
      forcePathStyle: true,
      credentials: { accessKeyId: "testing", secretAccessKey: "testing" },
    });
    await client.send(new CreateBucketCommand({ Bucket: "state" }));
  });
  after(async () => {
    await server?.stop();
    at.remove();
  });

  /** As the image is made: a root with the spec, and a workspace that nobody used before. */
  const run = async (
    lines: readonly string[],
    more: Readonly<Record<string, string>> = {},
    identity: Readonly<Record<string, string>> = credentials,
  ) => {
    const [root, work] = [at.make(), at.make()];
    const spec = {
      schemaVersion: 1,
      project: project([commands("count", lines)], { artifacts: { keep: ["state"], pushOnFail: false } }),
    };
    mkdirSync(join(root, "project"));
    mkdirSync(join(root, "venvs"));
    writeFileSync(join(root, "spec.json"), JSON.stringify(spec));
    const child = spawn(process.execPath, [runnerEntry(), "run"], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH ?? "",
        ...identity,
        AWS_REGION: "us-east-1",
        AWS_ENDPOINT_URL_S3: server.endpoint,
        HANDOFF_ROOT: root,
        HANDOFF_WORK: work,
        HANDOFF_ARTIFACTS: "s3://state/prod",
        ...more,
      },
    });
    let printed = "";
    child.stdout.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
    });
    const exitCode = await new Promise<number | null>((resolve) => child.once("close", resolve));
    const log = printed
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as LogLine);
    return { exitCode, log, state: (runId: string) => readFileSync(join(work, runId, "state"), "utf8") };
  };
  const count = "n=$(cat state 2>/dev/null || echo 0); echo $((n + 1)) > state";

  it("moves forward from run to run, and not by one that fails", async () => {
    expect((await run([count], { HANDOFF_RUN_ID: "r1" })).exitCode).to.equal(0);
    expect((await run([count], { HANDOFF_RUN_ID: "r2" })).state("r2")).to.equal("2\n");
    expect((await run([count, "false"], { HANDOFF_RUN_ID: "r3" })).state("r3")).to.equal("3\n");
    expect((await run([count], { HANDOFF_RUN_ID: "r4" })).state("r4")).to.equal("3\n");
  });

  it("takes the identity that the container platform gives it", async () => {
    let asked = 0;
    const platform = createServer((request, response) => {
      asked += request.headers.authorization === "from-the-platform" ? 1 : 0;
      const keys = {
        AccessKeyId: "given",
        SecretAccessKey: "given",
        Token: "given",
        Expiration: "2099-01-01T00:00:00Z",
      };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(keys));
    });
    await new Promise<void>((resolve) => platform.listen(0, "127.0.0.1", resolve));
    const { port } = platform.address() as AddressInfo;
    try {
      const { exitCode } = await run(
        ["true"],
        { HANDOFF_ARTIFACTS: "s3://state/identity" },
        {
          AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/`,
          AWS_CONTAINER_AUTHORIZATION_TOKEN: "from-the-platform",
        },
      );
      expect(exitCode).to.equal(0);
      expect(asked).to.be.above(0);
    } finally {
      platform.closeAllConnections();
      platform.close();
    }
  });

  it("moves forward in Blob Storage and Cloud Storage too", async () => {
    const azurite = await startAzurite("state");
    const gcs = await startGcs("state");
    const places = [
      { HANDOFF_ARTIFACTS: `${azurite.endpoint}/state/prod`, ...azurite.env },
      { HANDOFF_ARTIFACTS: "gs://state/prod", STORAGE_EMULATOR_HOST: gcs.endpoint },
    ];
    try {
      for (const place of places) {
        expect((await run([count], { HANDOFF_RUN_ID: "r1", ...place }, {})).exitCode).to.equal(0);
        expect((await run([count], { HANDOFF_RUN_ID: "r2", ...place }, {})).state("r2")).to.equal("2\n");
      }
    } finally {
      await azurite.stop();
      await gcs.stop();
    }
  });

  it("says what to do when the store isn't there, before anything runs", async () => {
    const { exitCode, log } = await run(["touch ran"], { HANDOFF_ARTIFACTS: "s3://not-there/prod" });
    expect(exitCode).to.not.equal(0);
    expect(log).to.have.length(1);
    expect(log[0]?.message).to.match(/can't read last in s3:\/\/not-there\/prod: .*run handoff up/);
  });

  it("warns of a run that stored its artifacts meanwhile", async () => {
    const slow = run(['while [ ! -e "$GO" ]; do sleep 0.1; done; echo slow > state'], {
      HANDOFF_RUN_ID: "slow",
      GO: join(at.dir, "go"),
    });
    while (!(await started("slow"))) await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await run([count], { HANDOFF_RUN_ID: "fast" })).exitCode).to.equal(0);
    writeFileSync(join(at.dir, "go"), "");
    const { exitCode, log } = await slow;
    expect(exitCode).to.equal(0);
    const warnings = log.filter(({ level }) => level === "warn").map(({ message }) => message);
    expect(warnings.join("\n")).to.contain("run fast stored its artifacts while this run was under way");
  });

  /** Whether the run has its state, so that it has fetched. */
  const started = async (runId: string): Promise<boolean> =>
    Object.keys(at.read(at.dir)).some((file) => file.includes(`/${runId}/state`));
});
