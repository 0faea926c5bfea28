/**
 * What survives from run to run, in a cloud's object store:
 *
 *     objects/<sha256>      contents of files, each once, whichever runs have it
 *     runs/<runId>.json     one archive a run: its files' paths, hashes and modes
 *     last                  copy of the archive of the last finished push; the next run starts from it
 *     swept                 when objects that nothing needs were last removed
 *
 * A push writes in this order, and `last` by one conditional write: whenever it ends, the previous state or the new one
 * is there as a whole.
 */

import { compileGlobs } from "../../../model/glob.js";
import type { ArchiveInfo, ArtifactStore } from "../artifacts.js";
import {
  type Archive,
  type ArchivedContents,
  type ArchivedFile,
  archiveKey,
  formatArchive,
  lastKey,
  objectKey,
  parseArchive,
  runIdOf,
} from "./archive.js";
import { Conflict, type ObjectStore, readAll } from "./object-store.js";
import { archiveNames, checkArchiveName, filesToPush, removeStale } from "./selection.js";
import { graceMs, listObjects, removeArchives, sweep } from "./sweep.js";
import { describeFile, download, forEachFile, inParallel, upload } from "./transfer.js";

export interface RemoteArtifactsOptions {
  /** Archives kept by a push; default: all, and the bucket's own rules remove them by their age. */
  readonly keepRuns?: number;
  /** Default: the system's clock. */
  readonly now?: () => Date;
}

interface Last {
  readonly etag: string;
  readonly archive: Archive;
}

/** `connect` is called once, when the store is first used. */
export function remoteArtifacts(
  connect: () => Promise<ObjectStore>,
  { keepRuns, now = () => new Date() }: RemoteArtifactsOptions = {},
): ArtifactStore {
  let connected: Promise<ObjectStore> | undefined;
  const open = (): Promise<ObjectStore> => {
    connected ??= connect();
    return connected;
  };
  /** What the workspace began with; undefined: nothing was fetched. */
  let base: Last | null | undefined;

  const readArchive = async (store: ObjectStore, runId: string): Promise<Archive | null> => {
    const found = await store.get(archiveKey(runId));
    if (found === null) return null;
    return parseArchive((await readAll(found.body)).toString(), `${store.url}, ${archiveKey(runId)}`);
  };

  const readLast = async (store: ObjectStore): Promise<Last | null> => {
    const found = await store.get(lastKey);
    if (found === null) return null;
    const text = (await readAll(found.body)).toString();
    return { etag: found.etag, archive: parseArchive(text, `${store.url}, ${lastKey}`) };
  };

  /** The archive under the first name that is free. */
  const writeArchive = async (store: ObjectStore, runId: string, files: ArchivedFile[]): Promise<Archive> => {
    for (const name of archiveNames(runId)) {
      const archive: Archive = { schemaVersion: 1, runId: name, pushedAt: now().toISOString(), files };
      try {
        await store.put(archiveKey(name), formatArchive(archive), { ifAbsent: true });
        return archive;
      } catch (error) {
        if (!(error instanceof Conflict)) throw error;
        // The library's second try after an answer that was lost finds the first one's archive.
        const there = await readArchive(store, name);
        if (there !== null && formatArchive(there).equals(formatArchive(archive))) return archive;
      }
    }
    throw new Error("names never end");
  };

  /** The push that finishes last counts. Gives what was the last one before. */
  const writeLast = async (
    store: ObjectStore,
    archive: Archive,
    expected: Last | null,
  ): Promise<Last | null> => {
    for (let before = expected; ; ) {
      try {
        await store.put(
          lastKey,
          formatArchive(archive),
          before === null ? { ifAbsent: true } : { ifMatch: before.etag },
        );
        return before;
      } catch (error) {
        if (!(error instanceof Conflict)) throw error;
        const current = await readLast(store);
        if (current?.archive.runId === archive.runId) return before; // ours, by a try whose answer was lost
        before = current;
      }
    }
  };

  const list = async (): Promise<ArchiveInfo[]> => {
    const store = await open();
    const last = await readLast(store);
    const archives = new Map<string, ArchiveInfo>();
    if (last !== null) {
      // Its own archive may have expired.
      const { runId, pushedAt } = last.archive;
      archives.set(runId, { runId, pushedAt: new Date(pushedAt), isLast: true });
    }
    for (const { key, modifiedAt } of await listObjects(store, "runs/")) {
      const runId = runIdOf(key);
      if (runId !== null && !archives.has(runId))
        archives.set(runId, { runId, pushedAt: modifiedAt, isLast: false });
    }
    return [...archives.values()].sort(
      (a, b) => b.pushedAt.getTime() - a.pushedAt.getTime() || (a.runId < b.runId ? 1 : -1),
    );
  };

  const prune = async (keep: number): Promise<string[]> => {
    const old = (await list()).slice(Math.max(0, keep)).filter(({ isLast }) => !isLast);
    const runIds = old.map(({ runId }) => runId);
    await removeArchives(await open(), runIds);
    return runIds;
  };

  return {
    list,
    prune,

    async fetchLast(workDir, keep) {
      const store = await open();
      const last = await readLast(store);
      base = last;
      if (last === null) return { runId: null };
      const { runId, files } = last.archive;
      const globs = compileGlobs(keep);
      const kept = files.filter((file) => globs.matches(file.path));
      await removeStale(workDir, keep, new Set(kept.map((file) => file.path)));
      const links = kept.filter((file) => file.kind === "symlink");
      await forEachFile(kept.filter(isContents), (file) => download(store, workDir, file, runId));
      await inParallel(links, (link) => download(store, workDir, link, runId));
      return { runId };
    },

    async push(runId, workDir, keep) {
      checkArchiveName(runId);
      const store = await open();
      const started = now().getTime();
      const last = await readLast(store);
      const found = await filesToPush(workDir, keep);
      const described = new Map<string, ArchivedFile>();
      await inParallel(found, async (file) => {
        described.set(file.path, await describeFile(workDir, file));
      });
      const files = found.flatMap(({ path }) => described.get(path) ?? []);
      // What the last archive names is safe from a sweep; of the rest, what is young enough to outlive this push.
      const there = new Set(last?.archive.files.filter(isContents).map(({ sha256 }) => objectKey(sha256)));
      const contents = uniqueContents(files);
      if (contents.some(({ sha256 }) => !there.has(objectKey(sha256)))) {
        for (const { key, modifiedAt } of await listObjects(store, "objects/")) {
          if (started - modifiedAt.getTime() < graceMs / 2) there.add(key);
        }
      }
      await forEachFile(
        contents.filter(({ sha256 }) => !there.has(objectKey(sha256))),
        (file) => upload(store, workDir, file),
      );
      const archive = await writeArchive(store, runId, files);
      const expected = base === undefined ? last : base;
      const before = await writeLast(store, archive, expected);
      base = undefined;
      const replaced = before?.etag === expected?.etag ? null : (before?.archive.runId ?? null);
      const result = { archive: archive.runId, replaced };
      try {
        if (keepRuns !== undefined) await prune(keepRuns);
        const inUse = [archive, ...[last, expected, before].flatMap((each) => each?.archive ?? [])];
        await sweep(store, inUse, (name) => readArchive(store, name), now());
        return result;
      } catch (error) {
        // The state is stored: what is too much there can go another day.
        return { ...result, notRemoved: error instanceof Error ? error.message : String(error) };
      }
    },
  };
}

const isContents = (file: ArchivedFile): file is ArchivedContents => file.kind === "file";

/** Each contents once: files that are the same are one object. */
function uniqueContents(files: readonly ArchivedFile[]): ArchivedContents[] {
  return [...new Map(files.filter(isContents).map((file) => [file.sha256, file])).values()];
}
