/**
 * One commit for all jobs of a run, and for their attempts: the first that clones notes it in the artifact store,
 * `records/<run>/commit`, which expires with the run's records.
 */
import { UserError } from "../../../model/diagnostic.js";
import type { GitSource } from "../../../model/project.js";
import { keyPart } from "../store/key-part.js";
import { Conflict, type ObjectStore, readAll } from "../store/object-store.js";

export interface Cloned {
  readonly commit: string;
  close(): Promise<void>;
}

export interface PinOptions<T> {
  readonly store: ObjectStore;
  readonly runId: string;
  readonly open: (source: GitSource) => Promise<T>;
  readonly warn: (message: string) => void;
}

/** Opens the source at the commit that the run began with. @throws UserError as `open`, `artifact-store` */
export async function openPinned<T extends Cloned>(
  source: GitSource,
  { store, runId, open, warn }: PinOptions<T>,
): Promise<T> {
  const key = `records/${keyPart(runId)}/commit`;
  const read = async () => {
    const found = await store.get(key);
    const commit = found === null ? "" : (await readAll(found.body)).toString().trim();
    return /^[0-9a-f]{40,64}$/.test(commit) ? commit : undefined;
  };
  const noted = await read();
  if (noted !== undefined) {
    try {
      return await open({ ...source, ref: noted });
    } catch (error) {
      if (!(error instanceof UserError) || error.code !== "source-ref") throw error;
      warn(`commit ${noted}, which this run began with, isn't there any more: it goes on with ${source.ref}`);
      return open(source);
    }
  }
  const opened = await open(source);
  try {
    await store.put(key, Buffer.from(`${opened.commit}\n`), { ifAbsent: true });
    return opened;
  } catch (error) {
    if (!(error instanceof Conflict)) {
      await opened.close();
      throw error;
    }
  }
  // Another job of the run was quicker.
  const theirs = await read();
  if (theirs === undefined || theirs === opened.commit) return opened;
  await opened.close();
  return open({ ...source, ref: theirs });
}
