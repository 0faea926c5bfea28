/** The store below artifacts, for what needs its objects themselves: leases and records of runs. */
import { folderObjects } from "./folder-objects.js";
import { parseLocation } from "./location.js";
import type { ObjectStore } from "./object-store.js";
import { openObjectStore } from "./open.js";

/**
 * A cloud's library is loaded by the call.
 * @param given as `openArtifacts` takes it
 * @throws UserError `invalid-environment` for another form, `artifact-store` for variables that its library can't use
 */
export async function openObjects(
  given: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ObjectStore> {
  const location = parseLocation(given);
  return location.kind === "folder" ? folderObjects(location.dir) : openObjectStore(location, env);
}
