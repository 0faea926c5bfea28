import { expect } from "chai";
import { UserError } from "../../../model/diagnostic.js";
import { openGcs } from "../../../runner-image/src/store/gcs.js";
import { openArtifacts } from "../../../runner-image/src/store/open.js";
import { artifactStoreConformance } from "./conformance.js";
import { survivesKills, survivesNetworks } from "./faults.js";
import { type GcsServer, startGcs } from "./gcs-server.js";
import { movesMuch } from "./large.js";
import { objectStoreConformance } from "./object-store-conformance.js";
import { Workspaces } from "./workspace.js";

const bucket = "handoff-artifacts";

describe("runner/store: artifacts in Cloud Storage", function () {
  this.timeout(900_000);
  let server: GcsServer;
  let env: Record<string, string>;
  let prefixes = 0;

  before(async () => {
    server = await startGcs(bucket);
    env = { STORAGE_EMULATOR_HOST: server.endpoint };
  });
  after(async () => {
    await server?.stop();
  });
  beforeEach(() => {
    prefixes++;
  });
  const url = () => `gs://${bucket}/prod/p${prefixes}`;

  objectStoreConformance(() => openGcs({ bucket, prefix: `objects${prefixes}/`, url: url(), env }));
  artifactStoreConformance(() => openArtifacts(url(), env));
  movesMuch(async () => {
    const { endpoint, stop } = await startGcs(bucket, { onDisk: true });
    return { url: `gs://${bucket}/much`, env: { STORAGE_EMULATOR_HOST: endpoint }, stop };
  });

  survivesNetworks(() => ({
    endpoint: server.endpoint,
    open: (endpoint, timeoutMs = 60_000) =>
      openGcs({
        bucket,
        prefix: `faults${prefixes}/`,
        url: url(),
        env: { STORAGE_EMULATOR_HOST: endpoint },
        timeoutMs,
      }),
  }));
  survivesKills(() => ({ url: url(), env }));

  it("says what is wrong with the place, and what to do", async () => {
    const at = new Workspaces();
    try {
      const work = at.make({ "artifacts/a": "1" });
      const error: unknown = await openArtifacts("gs://no-such-bucket/x", env)
        .push("run", work, [])
        .catch((reason: unknown) => reason);
      if (!(error instanceof UserError)) throw new Error(`no UserError: ${error}`);
      expect(error.message).to.contain("gs://no-such-bucket/x");
      expect(error.hint).to.contain("handoff up");
    } finally {
      at.remove();
    }
  });
});
