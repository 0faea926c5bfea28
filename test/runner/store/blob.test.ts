import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BlobServiceClient } from "@azure/storage-blob";
import { expect } from "chai";
import { UserError } from "../../../model/diagnostic.js";
import { openBlob } from "../../../runner-image/src/store/blob.js";
import { openArtifacts } from "../../../runner-image/src/store/open.js";
import { artifactStoreConformance } from "./conformance.js";
import { freePort } from "./free-port.js";
import { movesMuch } from "./large.js";
import { objectStoreConformance } from "./object-store-conformance.js";
import { Workspaces } from "./workspace.js";

/** The account that every azurite has, as its documentation says it; nothing is secret about its key. */
const account = "devstoreaccount1";
const key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const container = "artifacts";

describe("runner/store: artifacts in Azure Blob Storage", function () {
  this.timeout(300_000);
  let server: ChildProcess;
  let dir: string;
  let endpoint: string;
  let env: Record<string, string>;
  let prefixes = 0;

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), "handoff-azurite-"));
    const port = await freePort();
    const program = createRequire(import.meta.url).resolve("azurite/dist/src/blob/main.js");
    const args = ["--blobHost", "127.0.0.1", "--blobPort", String(port), "--location", dir, "--silent"];
    server = spawn(process.execPath, [program, ...args, "--skipApiVersionCheck", "--disableTelemetry"], {
      stdio: "ignore",
    });
    endpoint = `http://127.0.0.1:${port}/${account}`;
    env = {
      AZURE_STORAGE_CONNECTION_STRING: `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=${endpoint};`,
    };
    const service = BlobServiceClient.fromConnectionString(env.AZURE_STORAGE_CONNECTION_STRING ?? "", {
      retryOptions: { maxTries: 1 },
    });
    for (let tries = 0; ; tries++) {
      try {
        await service.getContainerClient(container).createIfNotExists();
        break;
      } catch (error) {
        if (tries === 300 || server.exitCode !== null) throw error;
        await sleep(200);
      }
    }
  });
  after(async () => {
    const gone = new Promise((resolve) => server.once("exit", resolve));
    server.kill("SIGKILL");
    await gone;
    rmSync(dir, { recursive: true, force: true });
  });
  beforeEach(() => {
    prefixes++;
  });
  const url = () => `${endpoint}/${container}/prod/p${prefixes}`;

  objectStoreConformance(() =>
    openBlob({ endpoint, container, prefix: `objects${prefixes}/`, url: url(), env }),
  );
  artifactStoreConformance(() => openArtifacts(url(), env));
  movesMuch(200, () => ({ url: url(), env }));

  it("says what is wrong with the place, and what to do", async () => {
    const at = new Workspaces();
    try {
      const error: unknown = await openArtifacts(`${endpoint}/no-such-container/x`, env)
        .push("run", at.make({ "artifacts/a": "1" }), [])
        .catch((reason: unknown) => reason);
      if (!(error instanceof UserError)) throw new Error(`no UserError: ${error}`);
      expect(error.message).to.contain("can't read last in http://127.0.0.1");
      expect(error.hint).to.contain("handoff up");
      const wrong = {
        AZURE_STORAGE_CONNECTION_STRING: (env.AZURE_STORAGE_CONNECTION_STRING ?? "").replace("Eby8", "Abcd"),
      };
      const refused: unknown = await openArtifacts(url(), wrong)
        .fetchLast(at.make(), ["**"])
        .catch((reason: unknown) => reason);
      if (!(refused instanceof UserError)) throw new Error(`no UserError: ${refused}`);
      expect(refused.hint).to.contain("right to list, read, write and delete");
      expect(refused.message).to.not.contain("AccountKey");
    } finally {
      at.remove();
    }
  });
});
