import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { expect } from "chai";
import { UserError } from "../../../model/diagnostic.js";
import { openArtifacts } from "../../../runner-image/src/store/open.js";
import { openS3 } from "../../../runner-image/src/store/s3.js";
import { type MotoServer, startMoto } from "../../providers/aws/server.js";
import { artifactStoreConformance } from "./conformance.js";
import { survivesKills, survivesNetworks } from "./faults.js";
import { movesMuch } from "./large.js";
import { objectStoreConformance } from "./object-store-conformance.js";
import { Workspaces } from "./workspace.js";

const credentials = { AWS_ACCESS_KEY_ID: "testing", AWS_SECRET_ACCESS_KEY: "testing" };
const bucket = "handoff-artifacts";

/** With the bucket. */
async function startS3(): Promise<MotoServer> {
  const server = await startMoto();
  const client = new S3Client({ region: "eu-west-1", endpoint: server.endpoint, forcePathStyle: true });
  await client.send(
    new CreateBucketCommand({
      Bucket: bucket,
      CreateBucketConfiguration: { LocationConstraint: "eu-west-1" },
    }),
  );
  return server;
}

describe("runner/store: artifacts in S3", function () {
  this.timeout(1_200_000);
  let server: MotoServer;
  let env: Record<string, string>;
  let prefixes = 0;
  const saved = new Map<string, string | undefined>();

  before(async () => {
    // The SDK finds credentials in the process's own environment.
    for (const [name, value] of Object.entries(credentials)) {
      saved.set(name, process.env[name]);
      process.env[name] = value;
    }
    server = await startS3();
    env = { AWS_REGION: "eu-west-1", AWS_ENDPOINT_URL_S3: server.endpoint };
  });
  after(async () => {
    await server?.stop();
    for (const [name, value] of saved) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  beforeEach(() => {
    prefixes++;
  });
  const url = () => `s3://${bucket}/prod/p${prefixes}`;

  objectStoreConformance(() => openS3({ bucket, prefix: `objects${prefixes}/`, url: url(), env }));
  artifactStoreConformance(() => openArtifacts(url(), env));

  movesMuch(async () => {
    const { endpoint, stop } = await startS3();
    return {
      url: `s3://${bucket}/much`,
      env: { ...env, ...credentials, AWS_ENDPOINT_URL_S3: endpoint },
      stop,
    };
  });

  survivesNetworks(() => ({
    endpoint: server.endpoint,
    open: (endpoint, timeoutMs = 60_000) =>
      openS3({
        bucket,
        prefix: `faults${prefixes}/`,
        url: url(),
        env: { ...env, AWS_ENDPOINT_URL_S3: endpoint },
        timeoutMs,
      }),
  }));
  survivesKills(() => ({ url: url(), env: { ...env, ...credentials } }));

  it("takes S3's 403 for what isn't there, as the job's identity gets it, for nothing there", async () => {
    let listed = "";
    const stub = createServer((request, response) => {
      const list = request.url?.includes("list-type=2") === true;
      response.writeHead(list ? 200 : 403, { "content-type": "application/xml" });
      const contents = listed === "" ? "" : `<Contents><Key>${listed}</Key><Size>1</Size></Contents>`;
      response.end(
        list
          ? `<ListBucketResult><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`
          : "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
      );
    });
    await new Promise<void>((resolve) => stub.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = stub.address() as AddressInfo;
      const denying = { ...env, AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}` };
      const store = openS3({ bucket, prefix: "prod/etl/", url: url(), env: denying });
      expect(await store.get("last")).to.equal(null);
      listed = "prod/etl/last";
      const error: unknown = await store.get("last").catch((reason: unknown) => reason);
      if (!(error instanceof UserError)) throw new Error(`no UserError: ${error}`);
      expect(error.hint).to.contain("needs the right to list, read, write and delete");
    } finally {
      stub.closeAllConnections();
      stub.close();
    }
  });

  it("says what is wrong with the place, and what to do", async () => {
    const at = new Workspaces();
    const told = async (location: string, more: Record<string, string>): Promise<UserError> => {
      const error: unknown = await openArtifacts(location, { ...env, ...more })
        .fetchLast(at.make(), ["**"])
        .catch((reason: unknown) => reason);
      if (error instanceof UserError) return error;
      throw new Error(`no UserError: ${error}`);
    };
    try {
      const missing = await told("s3://no-such-bucket/x", {});
      expect(missing.message).to.contain("can't read last in s3://no-such-bucket/x");
      expect(missing.hint).to.contain("handoff up");
      const dead = await told(url(), { AWS_ENDPOINT_URL_S3: "http://127.0.0.1:9" });
      expect(dead.hint).to.contain("can't be reached");
    } finally {
      at.remove();
    }
  });
});
