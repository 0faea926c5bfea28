/** Removing what no archive needs, without a lock: another run's push may be under way at any moment. */

import type { Archive, ArchivedFile } from "./archive.js";
import { archiveKey, objectKey, runIdOf } from "./archive.js";
import type { ObjectInfo, ObjectStore } from "./object-store.js";
import { inParallel } from "./transfer.js";

/** Younger objects may belong to a push under way, which names them only at its end. */
export const graceMs = 24 * 60 * 60 * 1000;
/** Written with every sweep: more often than the grace it would find nothing. */
const sweptKey = "swept";

export async function listObjects(store: ObjectStore, prefix: string): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = [];
  for await (const object of store.list(prefix)) found.push(object);
  return found;
}

/**
 * Deletes the objects that are older than a day and that no archive names, nor one of `inUse`; at most once a day, so
 * that most pushes only ask for the time of the last sweep.
 */
export async function sweep(
  store: ObjectStore,
  inUse: readonly Archive[],
  read: (runId: string) => Promise<Archive | null>,
  now: Date,
): Promise<void> {
  const old = ({ modifiedAt }: ObjectInfo): boolean => now.getTime() - modifiedAt.getTime() > graceMs;
  const [swept] = await listObjects(store, sweptKey);
  if (swept !== undefined && !old(swept)) return;
  await store.put(sweptKey, Buffer.from(`${JSON.stringify({ sweptAt: now.toISOString() })}\n`));
  if (swept === undefined) return; // the store's first push
  const candidates = (await listObjects(store, "objects/")).filter(old);
  if (candidates.length === 0) return;
  // Archives are listed after the objects: one that came meanwhile names objects that are younger, or counts here.
  const named = new Set<string>();
  const note = (files: readonly ArchivedFile[]): void => {
    for (const file of files) if (file.kind === "file") named.add(objectKey(file.sha256));
  };
  for (const archive of inUse) note(archive.files);
  await inParallel(await listObjects(store, "runs/"), async ({ key }) => {
    const runId = runIdOf(key);
    const archive = runId === null ? null : await read(runId);
    if (archive) note(archive.files);
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
