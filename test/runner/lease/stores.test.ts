import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { expect } from "chai";
import { folderObjects } from "../../../runner-image/src/store/folder-objects.js";
import { Conflict } from "../../../runner-image/src/store/object-store.js";
import { openObjects } from "../../../runner-image/src/store/objects.js";
import { type MotoServer, startMoto } from "../../providers/aws/server.js";
import { type Azurite, startAzurite } from "../store/azurite.js";
import { type GcsServer, startGcs } from "../store/gcs-server.js";
import { objectStoreConformance } from "../store/object-store-conformance.js";
import { leaseConformance } from "./conformance.js";

let places = 0;

describe("runner/lease: in a folder", function () {
  this.timeout(120_000);
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "handoff-leases-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  leaseConformance(() => openObjects(join(dir, "store"), {}));
});

describe("runner/lease: in S3", function () {
  this.timeout(300_000);
  const credentials = { AWS_ACCESS_KEY_ID: "testing", AWS_SECRET_ACCESS_KEY: "testing" };
  const saved = new Map<string, string | undefined>();
  let server: MotoServer;
  let env: Record<string, string>;

  before(async () => {
    // The SDK finds credentials in the process's own environment.
    for (const [name, value] of Object.entries(credentials)) {
      saved.set(name, process.env[name]);
      process.env[name] = value;
    }
    server = await startMoto();
    env = { AWS_REGION: "us-east-1", AWS_ENDPOINT_URL_S3: server.endpoint };
    const client = new S3Client({ region: "us-east-1", endpoint: server.endpoint, forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: "leases" }));
  });
  after(async () => {
    await server?.stop();
    for (const [name, value] of saved) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  beforeEach(() => {
    places++;
  });
  leaseConformance(() => openObjects(`s3://leases/p${places}`, env));
});

describe("runner/lease: in Cloud Storage", function () {
  this.timeout(900_000);
  let server: GcsServer;
  before(async () => {
    server = await startGcs("leases");
  });
  after(async () => {
    await server?.stop();
  });
  beforeEach(() => {
    places++;
  });
  leaseConformance(() => openObjects(`gs://leases/p${places}`, { STORAGE_EMULATOR_HOST: server.endpoint }));
});

describe("runner/lease: in Blob Storage", function () {
  this.timeout(300_000);
  let server: Azurite;
  before(async () => {
    server = await startAzurite("leases");
  });
  after(async () => {
    await server?.stop();
  });
  beforeEach(() => {
    places++;
  });
  leaseConformance(() => openObjects(`${server.endpoint}/leases/p${places}`, server.env));
});

describe("runner/store: a folder as an object store", function () {
  this.timeout(120_000);
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "handoff-objects-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  objectStoreConformance(() => folderObjects(join(dir, "store")));

  it("of many writers of one version, one wins, and old versions go", async () => {
    const store = folderObjects(dir);
    await store.put("lease", Buffer.from("0"), { ifAbsent: true });
    for (let round = 1; round <= 10; round++) {
      const etag = (await store.get("lease"))?.etag ?? "";
      const writes = Array.from({ length: 8 }, (_, n) =>
        store.put("lease", Buffer.from(`${round}-${n}`), { ifMatch: etag }),
      );
      const ends = await Promise.allSettled(writes);
      expect(ends.filter(({ status }) => status === "fulfilled")).to.have.length(1);
      for (const end of ends) if (end.status === "rejected") expect(end.reason).to.be.instanceOf(Conflict);
    }
    expect(readdirSync(join(dir, "lease")).length).to.be.below(6);
    expect(readdirSync(dir), "nothing of the losers is left").to.deep.equal(["lease"]);
  });
});
