/** Archives and the last state as objects: each is read and written as a whole. */

import type { FoundFile } from "../glob.js";
import {
  type Archive,
  type ArchivedFile,
  archiveKey,
  defaultPartBytes,
  formatArchive,
  lastKey,
  objectKey,
  objectsOf,
  parseArchive,
  sameFiles,
} from "./archive.js";
import { Conflict, listObjects, type ObjectInfo, type ObjectStore, storeTime } from "./object-store.js";
import { readObject } from "./read.js";
import { archiveNames } from "./selection.js";
import { describeFiles, upload } from "./transfer.js";

/** Younger objects may belong to a push under way, which names them only at its end. */
export const graceMs = 24 * 60 * 60 * 1000;

export interface Last {
  readonly etag: string;
  readonly archive: Archive;
}

export async function readArchive(store: ObjectStore, runId: string): Promise<Archive | null> {
  const found = await readObject(store, archiveKey(runId));
  return found && parseArchive(found.bytes.toString(), `${store.url}, ${archiveKey(runId)}`);
}

export async function readLast(store: ObjectStore): Promise<Last | null> {
  const found = await readObject(store, lastKey);
  if (found === null) return null;
  return {
    etag: found.etag,
    archive: parseArchive(found.bytes.toString(), `${store.url}, ${lastKey}`),
  };
}

export interface NewArchive {
  readonly runId: string;
  readonly dir: string;
  readonly files: readonly FoundFile[];
  /** Of the last archive, whose contents are there: part of this one, unless `files` has the path. Default none. */
  readonly more?: readonly ArchivedFile[];
  readonly pushedAt: Date;
  /** The last archive, whose objects are there. */
  readonly last: Archive | null;
  /** Take an archive of this name that has the same files for this one. */
  readonly reuse: boolean;
}

/** Sends what isn't there yet, then writes the archive under the first name that is free. */
export async function storeArchive(store: ObjectStore, wanted: NewArchive): Promise<Archive> {
  const { dir, files: found, last, more = [] } = wanted;
  const partBytes = defaultPartBytes;
  const files = await describeFiles(dir, found, partBytes);
  await upload(store, dir, files, partBytes, await alreadyThere(store, objectsOf({ files }), last));
  const own = new Set(files.map(({ path }) => path));
  const all = [...files, ...more.filter(({ path }) => !own.has(path))];
  return await writeArchive(store, { ...wanted, partBytes, files: all });
}

type Contents = Pick<NewArchive, "runId" | "pushedAt" | "reuse"> & Pick<Archive, "partBytes" | "files">;

/** Under the first name that is free. The contents are there. */
export async function writeArchive(store: ObjectStore, contents: Contents): Promise<Archive> {
  const { runId, pushedAt, reuse, partBytes, files } = contents;
  for (const name of archiveNames(runId)) {
    const archive: Archive = {
      schemaVersion: 1,
      runId: name,
      pushedAt: pushedAt.toISOString(),
      partBytes,
      files,
    };
    try {
      await store.put(archiveKey(name), formatArchive(archive), { ifAbsent: true });
      return archive;
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      const there = await readArchive(store, name);
      if (there === null) continue;
      // The library's second try after an answer that was lost finds the first one's archive.
      if (formatArchive(there).equals(formatArchive(archive))) return archive;
      if (reuse && sameFiles(there, archive)) return there;
    }
  }
  throw new Error("names never end");
}

/**
 * Which objects need not be sent. What the last archive names is safe from a sweep; of the rest, what is young enough to
 * outlive this push, such as what one that broke off has sent.
 */
async function alreadyThere(
  store: ObjectStore,
  needed: ReadonlySet<string>,
  last: Archive | null,
): Promise<ReadonlySet<string>> {
  const there = last === null ? new Set<string>() : objectsOf(last);
  if ([...needed].every((key) => there.has(key))) return there;
  const objects = await listObjects(store, objectKey(""));
  if (!objects.some(({ key }) => needed.has(key) && !there.has(key))) return there;
  const now = await storeTime(store);
  const isYoung = ({ modifiedAt }: ObjectInfo): boolean => now.getTime() - modifiedAt.getTime() < graceMs / 2;
  return new Set([...there, ...objects.filter(isYoung).map(({ key }) => key)]);
}

export interface Written {
  /** What is the last one now. */
  readonly archive: Archive;
  /** What was the last one before. */
  readonly before: Last | null;
}

/**
 * The push that finishes last counts.
 * @param instead the archive to write when another is the last one than was expected
 */
export async function writeLast(
  store: ObjectStore,
  given: Archive,
  expected: Last | null,
  instead: (current: Last) => Promise<Archive>,
): Promise<Written> {
  for (let before = expected, archive = given; ; ) {
    try {
      await replaceLast(store, archive, before);
      return { archive, before };
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      const current = await readLast(store);
      if (current?.archive.runId === archive.runId) return { archive, before }; // ours, by a try whose answer was lost
      before = current;
      archive = current === null ? given : await instead(current);
    }
  }
}

/** @throws Conflict when `before` is no longer the last one */
export async function replaceLast(store: ObjectStore, archive: Archive, before: Last | null): Promise<void> {
  const condition = before === null ? ({ ifAbsent: true } as const) : { ifMatch: before.etag };
  await store.put(lastKey, formatArchive(archive), condition);
}
