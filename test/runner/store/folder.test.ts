import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openArtifacts } from "../../../runner-image/src/store/open.js";
import { artifactStoreConformance } from "./conformance.js";

describe("runner/store: artifacts in a folder", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "handoff-folder-store-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  artifactStoreConformance(() => openArtifacts(join(dir, "store"), {}));
});
