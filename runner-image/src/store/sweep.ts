/** Removing what no archive needs, without a lock: another run's push may be under way at any moment. */
import { type Archive, archiveKey, lastKey, objectsOf, runIdOf } from "./archive.js";
import { listObjects, modifiedAt, type ObjectStore } from "./object-store.js";
import { inParallel } from "./pool.js";
import { graceMs, readArchive } from "./remote-archives.js";

/** Written with every sweep: more often than the grace it would find nothing. */
const sweptKey = "swept";

/**
 * Deletes the objects that are older than a day and that no archive names, nor one of `inUse`; at most once a day, so
 * that most pushes only ask for the time of the last sweep. To be called when `last` has just been written.
 */
export async function sweep(store: ObjectStore, inUse: readonly Archive[]): Promise<void> {
  const swept = await modifiedAt(store, sweptKey);
  const now = await modifiedAt(store, lastKey);
  if (now === null) return;
  const isOld = (date: Date): boolean => now.getTime() - date.getTime() > graceMs;
  if (swept !== null && !isOld(swept)) return;
  await store.put(sweptKey, Buffer.from("\n"));
  if (swept === null) return; // the store's first push
  const candidates = (await listObjects(store, "objects/")).filter((object) => isOld(object.modifiedAt));
  if (candidates.length === 0) return;
  // Archives are listed after the objects: one that came meanwhile names objects that are younger, or counts here.
  const named = new Set(inUse.flatMap((archive) => [...objectsOf(archive)]));
  await inParallel(await listObjects(store, "runs/"), async ({ key }) => {
    const runId = runIdOf(key);
    const archive = runId === null ? null : await readArchive(store, runId);
    if (archive) for (const object of objectsOf(archive)) named.add(object);
  });
  await inParallel(
    candidates.filter(({ key }) => !named.has(key)),
    ({ key }) => store.delete(key),
  );
}

/** Deletes archives. Their objects go with a later sweep. */
export async function removeArchives(store: ObjectStore, runIds: readonly string[]): Promise<void> {
  await inParallel(runIds, (runId) => store.delete(archiveKey(runId)));
}
