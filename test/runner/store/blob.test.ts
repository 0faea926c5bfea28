import { expect } from "chai";
import { UserError } from "../../../model/diagnostic.js";
import { openBlob } from "../../../runner-image/src/store/blob.js";
import { openArtifacts } from "../../../runner-image/src/store/open.js";
import { type Azurite, account, startAzurite } from "./azurite.js";
import { artifactStoreConformance } from "./conformance.js";
import { survivesKills, survivesNetworks } from "./faults.js";
import { movesMuch } from "./large.js";
import { objectStoreConformance } from "./object-store-conformance.js";
import { Workspaces } from "./workspace.js";

const container = "artifacts";

describe("runner/store: artifacts in Azure Blob Storage", function () {
  this.timeout(300_000);
  let server: Azurite;
  let prefixes = 0;

  before(async () => {
    server = await startAzurite(container);
  });
  after(async () => {
    await server?.stop();
  });
  beforeEach(() => {
    prefixes++;
  });
  const url = () => `${server.endpoint}/${container}/prod/p${prefixes}`;

  objectStoreConformance(() => {
    const { endpoint, env } = server;
    return openBlob({ endpoint, container, prefix: `objects${prefixes}/`, url: url(), env });
  });
  artifactStoreConformance(() => openArtifacts(url(), server.env));
  movesMuch(async () => {
    const { endpoint, env, stop } = await startAzurite(container);
    return { url: `${endpoint}/${container}/much`, env, stop };
  });

  survivesNetworks(() => ({
    endpoint: server.endpoint,
    open: (endpoint, timeoutMs = 60_000) => {
      // The proxy's endpoint is without the account.
      const at = endpoint === server.endpoint ? endpoint : `${endpoint}/${account}`;
      const connection = server.env.AZURE_STORAGE_CONNECTION_STRING.replace(server.endpoint, at);
      return openBlob({
        endpoint: at,
        container,
        prefix: `faults${prefixes}/`,
        url: url(),
        env: { AZURE_STORAGE_CONNECTION_STRING: connection },
        timeoutMs,
      });
    },
  }));
  survivesKills(() => ({ url: url(), env: server.env }));

  it("says what is wrong with the place, and what to do", async () => {
    const at = new Workspaces();
    try {
      const error: unknown = await openArtifacts(`${server.endpoint}/no-such-container/x`, server.env)
        .push("run", at.make({ "artifacts/a": "1" }), [])
        .catch((reason: unknown) => reason);
      if (!(error instanceof UserError)) throw new Error(`no UserError: ${error}`);
      expect(error.message).to.contain("can't read last in http://127.0.0.1");
      expect(error.hint).to.contain("handoff up");
      const wrong = {
        AZURE_STORAGE_CONNECTION_STRING: server.env.AZURE_STORAGE_CONNECTION_STRING.replace("Eby8", "Abcd"),
      };
      const refused: unknown = await openArtifacts(url(), wrong)
        .fetchLast(at.make(), ["**"])
        .catch((reason: unknown) => reason);
      if (!(refused instanceof UserError)) throw new Error(`no UserError: ${refused}`);
      expect(refused.hint).to.contain("right to list, read, write and delete");
      expect(refused.message).to.not.contain("AccountKey");
      const nonsense: unknown = await openArtifacts(url(), { AZURE_STORAGE_CONNECTION_STRING: "nonsense" })
        .list()
        .catch((reason: unknown) => reason);
      if (!(nonsense instanceof UserError)) throw new Error(`no UserError: ${nonsense}`);
      expect(nonsense.message).to.contain("can't use what the environment says of the store");
    } finally {
      at.remove();
    }
  });
});
