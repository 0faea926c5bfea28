/** The artifact store that a location names. A cloud's library is loaded only when its store is first used. */
import { type ArtifactStore, openArtifactStore } from "../artifacts.js";
import { type Location, parseLocation } from "./location.js";
import type { ObjectStore } from "./object-store.js";
import { remoteArtifacts } from "./remote-artifacts.js";
import { failureOf, storeError } from "./store-error.js";

/**
 * @param given an absolute folder, `s3://…`, `gs://…` or `https://….blob.core.windows.net/…`
 * @param env credentials, regions and endpoints (docs/environment.md, "In a container")
 * @throws UserError `invalid-environment` for another form
 */
export function openArtifacts(
  given: string,
  env: Readonly<Record<string, string | undefined>>,
): ArtifactStore {
  const location = parseLocation(given);
  if (location.kind === "folder") return openArtifactStore(location.dir);
  return remoteArtifacts(() => openObjectStore(location, env));
}

/**
 * The cloud's object store below artifacts, for what else needs its conditional writes.
 * @throws UserError `artifact-store` for variables that its library can't use
 */
export async function openObjectStore(
  location: Exclude<Location, { kind: "folder" }>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ObjectStore> {
  try {
    switch (location.kind) {
      case "s3":
        return (await import("./s3.js")).openS3({ ...location, env });
      case "gcs":
        return (await import("./gcs.js")).openGcs({ ...location, env });
      case "blob":
        return (await import("./blob.js")).openBlob({ ...location, env });
    }
  } catch (error) {
    throw storeError(location.url, "use what the environment says of the store", failureOf(error));
  }
}
