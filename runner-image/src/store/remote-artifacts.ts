/**
 * What survives from run to run, in a cloud's object store:
 *
 *     objects/<sha256>      contents of files in parts of 8 MiB, each once, whichever files and runs have it
 *     runs/<runId>.json     one archive a run: its files' paths, modes and the hashes of their parts
 *     last                  copy of the archive of the last finished push; the next run starts from it
 *     swept                 when objects that nothing needs were last removed
 *     clock                 written to learn the store's time
 *
 * A push writes in this order, and `last` by one conditional write: whenever it ends, the previous state or the new one
 * is there as a whole. Times are compared by the store's clock alone.
 */
import { compileGlobs } from "../../../model/glob.js";
import type { ArchiveInfo, ArtifactStore } from "../artifacts.js";
import { type Archive, archiveKey, defaultPartBytes, formatArchive, objectsOf, runIdOf } from "./archive.js";
import { changedMeanwhile, missingContents, noSuchArchive, refuseToOverwrite } from "./artifact-error.js";
import { isOfRun, type Merged, mergeFiles } from "./merge.js";
import { Conflict, listObjects, type ObjectStore } from "./object-store.js";
import {
  type Last,
  readArchive,
  readLast,
  replaceLast,
  storeArchive,
  writeArchive,
  writeLast,
} from "./remote-archives.js";
import { checkArchiveName, everything, filesToPush, removeStale } from "./selection.js";
import { removeArchives, sweep } from "./sweep.js";
import { download, hasFile } from "./transfer.js";

export interface RemoteArtifactsOptions {
  /** Archives kept by a push; default: all, and the bucket's own rules remove them by their age. */
  readonly keepRuns?: number;
  /** When archives are said to be pushed; default: the system's clock. */
  readonly now?: () => Date;
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

  const list = async (): Promise<ArchiveInfo[]> => {
    const store = await open();
    const last = (await readLast(store))?.archive;
    const archives: ArchiveInfo[] = [];
    for (const { key, modifiedAt } of await listObjects(store, "runs/")) {
      const runId = runIdOf(key);
      if (runId !== null) archives.push({ runId, pushedAt: modifiedAt, isLast: runId === last?.runId });
    }
    // Its own archive may have expired.
    if (last && !archives.some(({ isLast }) => isLast))
      archives.push({ runId: last.runId, pushedAt: new Date(last.pushedAt), isLast: true });
    return archives.sort(
      (a, b) => b.pushedAt.getTime() - a.pushedAt.getTime() || (a.runId < b.runId ? 1 : -1),
    );
  };

  const prune = async (keep: number): Promise<string[]> => {
    const old = (await list()).slice(Math.max(0, keep)).filter(({ isLast }) => !isLast);
    const runIds = old.map(({ runId }) => runId);
    await removeArchives(await open(), runIds);
    return runIds;
  };

  /** Null: the last one. */
  const find = async (store: ObjectStore, runId: string | null): Promise<Archive> => {
    const named = runId === null ? null : await readArchive(store, checkArchiveName(runId));
    if (named !== null) return named;
    const last = (await readLast(store))?.archive;
    if (last && (runId === null || last.runId === runId)) return last;
    throw noSuchArchive(runId, store.url);
  };

  return {
    list,
    prune,

    async fetchLast(workDir, keep) {
      const store = await open();
      const last = await readLast(store);
      base = last;
      if (last === null) return { runId: null };
      const globs = compileGlobs(keep);
      const kept = last.archive.files.filter((file) => globs.matches(file.path));
      await removeStale(workDir, keep, new Set(kept.map((file) => file.path)));
      await download(store, workDir, last.archive, kept);
      return { runId: last.archive.runId };
    },

    async push(runId, workDir, keep) {
      checkArchiveName(runId);
      const store = await open();
      const last = await readLast(store);
      const expected = base === undefined ? last : base;
      const globs = compileGlobs(keep);
      const mine = await storeArchive(store, {
        runId,
        dir: workDir,
        files: await filesToPush(workDir, keep),
        // What the run's jobs before this one wrote for reading, which wasn't fetched.
        more:
          expected && isOfRun(expected.archive, runId) && expected.archive.partBytes === defaultPartBytes
            ? expected.archive.files.filter(({ path }) => !globs.matches(path))
            : [],
        pushedAt: now(),
        last: last?.archive ?? null,
        reuse: false,
      });
      let merged: Merged | undefined;
      const merge = async ({ archive: theirs }: Last): Promise<Archive> => {
        merged = undefined;
        if (!isOfRun(theirs, runId) || theirs.partBytes !== mine.partBytes) return mine;
        merged = mergeFiles(expected?.archive.files ?? [], mine.files, theirs.files);
        const { partBytes } = mine;
        return await writeArchive(store, {
          ...{ runId, pushedAt: now(), reuse: false, partBytes, files: merged.files },
        });
      };
      const { archive, before } = await writeLast(store, mine, expected, merge);
      base = undefined;
      const replaced = merged || before?.etag === expected?.etag ? null : (before?.archive.runId ?? null);
      const result = {
        archive: archive.runId,
        replaced,
        ...(merged ? { conflicts: merged.conflicts } : {}),
      };
      try {
        if (keepRuns !== undefined) await prune(keepRuns);
        const inUse = [archive, ...[last, expected, before].flatMap((each) => each?.archive ?? [])];
        await sweep(store, inUse);
        return result;
      } catch (error) {
        // The state is stored: what is too much there can go another day.
        return { ...result, notRemoved: error instanceof Error ? error.message : String(error) };
      }
    },

    async files(runId) {
      const { runId: name, files } = await find(await open(), runId);
      return {
        runId: name,
        files: files.map((file) => ({ path: file.path, size: file.kind === "file" ? file.size : null })),
      };
    },

    async get(runId, dir, { overwrite = false } = {}) {
      const store = await open();
      const archive = await find(store, runId);
      if (!overwrite) {
        const { files, partBytes } = archive;
        await refuseToOverwrite(dir, files, (file) => hasFile(dir, file, partBytes));
      }
      await download(store, dir, archive, archive.files);
      return { runId: archive.runId };
    },

    async put(runId, dir) {
      checkArchiveName(runId);
      const store = await open();
      const last = (await readLast(store))?.archive ?? null;
      const files = await filesToPush(dir, everything);
      const archive = await storeArchive(store, { runId, dir, files, pushedAt: now(), last, reuse: true });
      return { archive: archive.runId };
    },

    async rollback(runId, { expected } = {}) {
      const store = await open();
      const last = await readLast(store);
      const before = last?.archive.runId ?? null;
      const archive = await find(store, runId);
      if (before === archive.runId) return { before };
      if (expected !== undefined && before !== expected) throw changedMeanwhile(before);
      const there = new Set((await listObjects(store, "objects/")).map(({ key }) => key));
      const missing = [...objectsOf(archive)].filter((key) => !there.has(key));
      if (missing.length > 0) throw missingContents(archive.runId, missing.length, store.url);
      if (last !== null) await keepArchive(store, last.archive);
      try {
        await replaceLast(store, archive, last);
      } catch (error) {
        if (!(error instanceof Conflict)) throw error;
        const current = (await readLast(store))?.archive.runId ?? null;
        // Ours, by a try whose answer was lost.
        if (current !== archive.runId) throw changedMeanwhile(current);
      }
      return { before };
    },
  };
}

/** The way back: the archive of what is no longer the last state may have expired. */
async function keepArchive(store: ObjectStore, archive: Archive): Promise<void> {
  try {
    await store.put(archiveKey(archive.runId), formatArchive(archive), { ifAbsent: true });
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
  }
}
