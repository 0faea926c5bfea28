import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path, { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { openArtifacts } from "../../../runner-image/src/store/open.js";
import { artifactStoreConformance } from "./conformance.js";
import { survivesKills } from "./faults.js";
import { movesMuch } from "./large.js";
import { Workspaces } from "./workspace.js";

describe("runner/store: artifacts in a folder", function () {
  this.timeout(300_000);
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "handoff-folder-store-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  artifactStoreConformance(() => openArtifacts(join(dir, "store"), {}));
  movesMuch(async () => ({ url: join(dir, "store"), env: {} }));
  survivesKills(() => ({ url: join(dir, "store"), env: {} }));

  it("keeps the last state when the disk takes no more in mid-push, and tidies up afterwards", async () => {
    const at = new Workspaces();
    try {
      const store = join(dir, "store");
      const work = at.make({ "artifacts/n": "1" });
      await openArtifacts(store, {}).push("run-1", work, []);
      at.write(work, {
        "artifacts/a": "2",
        "artifacts/large": "x".repeat(8 * 1024 * 1024),
        "artifacts/n": "2",
      });
      const module = pathToFileURL(path.resolve("runner-image/src/store/open.ts")).href;
      const script = `import { openArtifacts } from ${JSON.stringify(module)};
        await openArtifacts(process.argv[1], {}).push("run-2", process.argv[2], []);`;
      // No file may become larger than 1 MiB (2,048 blocks): as a full disk, in the middle of a copy.
      const { status } = spawnSync(
        "sh",
        [
          "-c",
          'ulimit -f 2048; exec "$0" --import tsx --input-type=module -e "$@"',
          process.execPath,
          script,
          store,
          work,
        ],
        { stdio: "ignore", env: { PATH: process.env.PATH ?? "", TSX_DISABLE_CACHE: "1" } },
      );
      expect(status).to.not.equal(0);
      const next = at.make();
      expect(await openArtifacts(store, {}).fetchLast(next, ["**"])).to.deep.equal({ runId: "run-1" });
      expect(at.read(next)).to.deep.equal({ "artifacts/n": "1" });
      expect((await openArtifacts(store, {}).list()).map(({ runId }) => runId)).to.deep.equal(["run-1"]);
      expect(await openArtifacts(store, {}).push("run-2", work, [])).to.deep.equal({
        archive: "run-2",
        replaced: null,
      });
      expect(readdirSync(store).sort()).to.deep.equal(["last", "runs"]);
    } finally {
      at.remove();
    }
  });
});
