/**
 * What survives from run to run, in a folder:
 *
 *     <store>/runs/<runId>/   one archive a run, the workspace's tree as far as it is kept; never changed once it is there
 *     <store>/last            symbolic link to the archive of the last finished push
 *     <store>/.tmp-…          a push under way, or what a crash left of one; cleaned by a later push
 *
 * An archive is built under a temporary name, brought to the disk, and then renamed; `last` is swapped by a rename. So
 * a crash at any point leaves the previous state whole. Archives share the files that didn't change as hard links.
 */

import * as fs from "node:fs/promises";
import path from "node:path";
import { compileGlobs } from "../../model/glob.js";
import { type FoundFile, findFiles } from "./glob.js";
import { changedMeanwhile, noSuchArchive, refuseToOverwrite } from "./store/artifact-error.js";
import {
  archiveFile,
  namesIn,
  removeLeftovers,
  restore,
  sameFile,
  statOrNull,
  syncFolder,
  syncFolders,
} from "./store/folder-files.js";
import {
  archiveNames,
  checkArchiveName,
  everything,
  filesToPush,
  removeStale,
  temporaryName,
} from "./store/selection.js";

export interface ArchiveInfo {
  readonly runId: string;
  /** When it was pushed. */
  readonly pushedAt: Date;
  /** Whether the next run will start from it. */
  readonly isLast: boolean;
}

export interface ArtifactStore {
  /**
   * Puts the files of the last finished push that match `keep` into the workspace, and removes files there that match
   * and aren't in it (a failed run may have left them). With no push yet, nothing is touched and `runId` is null.
   */
  fetchLast(workDir: string, keep: readonly string[]): Promise<{ readonly runId: string | null }>;
  /**
   * Archives the workspace's files that match `keep`, and all of `artifacts/`, and makes this archive the last one.
   * Files with a secret's value are left out. The archives beyond the store's number are removed. Of runs at the same
   * time, the one that finishes its push last counts.
   */
  push(runId: string, workDir: string, keep: readonly string[]): Promise<PushResult>;
  /** All archives, newest first. */
  list(): Promise<ArchiveInfo[]>;
  /** What is in an archive, sorted by path; `runId` null: in the last one. @throws UserError when it isn't there */
  files(runId: string | null): Promise<{ readonly runId: string; readonly files: readonly StoredFile[] }>;
  /**
   * Puts all files of an archive into `dir`; `runId` null: of the last one. What else is there stays.
   * @throws UserError `file-exists`, before anything is written, when a file there is another one and not to be overwritten
   */
  get(
    runId: string | null,
    dir: string,
    options?: { readonly overwrite?: boolean },
  ): Promise<{ readonly runId: string }>;
  /**
   * Archives all files of a folder as a run of this name would, without making it the last. When there is an archive of
   * the name with just these files, it is that one.
   */
  put(runId: string, dir: string): Promise<{ readonly archive: string }>;
  /**
   * Makes an archive the last one, in one step; the one before keeps its archive. `before` is the last one's name until then.
   * @throws UserError `artifact-conflict` when another one became the last meanwhile, or is not `expected`, if that is given
   */
  rollback(
    runId: string,
    options?: { readonly expected?: string | null },
  ): Promise<{ readonly before: string | null }>;
  /** Removes all but the newest `keepRuns` archives; the last one always stays. Gives the removed ones' names. */
  prune(keepRuns: number): Promise<string[]>;
}

export interface StoredFile {
  readonly path: string;
  /** Bytes; null for a symbolic link. */
  readonly size: number | null;
}

export interface PushResult {
  /** The archive's name: the run's id, or that with `~2`, `~3` when it had been pushed before. */
  readonly archive: string;
  /** A run that finished its push after this store was fetched from, and whose state is thus no longer the last. */
  readonly replaced: string | null;
  /**
   * Set when another job of the same run finished its push meanwhile, and both states were put together: the files that both
   * changed, differently, of which this job's count.
   */
  readonly conflicts?: readonly string[];
  /** Why old archives or contents could not be removed, when they could not. The push itself went well. */
  readonly notRemoved?: string;
}

export interface ArtifactStoreOptions {
  /** Archives kept by a push; default 30. */
  readonly keepRuns?: number;
}

/** A store in the folder `dir`, which is made by the first push. */
export function openArtifactStore(dir: string, options: ArtifactStoreOptions = {}): ArtifactStore {
  const keepRuns = options.keepRuns ?? 30;
  const runsDir = path.join(dir, "runs");
  const lastLink = path.join(dir, "last");
  /** What the workspace began with; undefined: nothing was fetched. */
  let base: string | null | undefined;

  const lastRunId = async (): Promise<string | null> => {
    try {
      const runId = path.basename(await fs.readlink(lastLink));
      await fs.access(path.join(runsDir, runId));
      return runId;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
  };

  const list = async (): Promise<ArchiveInfo[]> => {
    const last = await lastRunId();
    const archives: ArchiveInfo[] = [];
    for (const name of await namesIn(runsDir)) {
      const stats = await statOrNull(path.join(runsDir, name));
      if (stats?.isDirectory()) archives.push({ runId: name, pushedAt: stats.mtime, isLast: name === last });
    }
    return archives.sort(
      (a, b) => b.pushedAt.getTime() - a.pushedAt.getTime() || (a.runId < b.runId ? 1 : -1),
    );
  };

  const prune = async (keep: number): Promise<string[]> => {
    const old = (await list()).slice(Math.max(0, keep)).filter((archive) => !archive.isLast);
    for (const { runId } of old) {
      // Renamed first: a crash in the middle doesn't leave half an archive that looks whole.
      const doomed = path.join(dir, temporaryName("old"));
      await fs.rename(path.join(runsDir, runId), doomed);
      await fs.rm(doomed, { recursive: true, force: true });
    }
    return old.map((archive) => archive.runId);
  };

  const filesOf = (runId: string) => findFiles(path.join(runsDir, runId), compileGlobs(everything));

  /** Null: the last one. */
  const find = async (runId: string | null): Promise<string> => {
    const name = runId === null ? await lastRunId() : checkArchiveName(runId);
    const stats = name === null ? null : await statOrNull(path.join(runsDir, name));
    if (name !== null && stats?.isDirectory()) return name;
    throw noSuchArchive(runId, dir);
  };

  const isSameFolder = async (
    runId: string,
    workDir: string,
    files: readonly FoundFile[],
  ): Promise<boolean> => {
    const archived = await filesOf(runId);
    if (archived.map((file) => file.path).join("\n") !== files.map((file) => file.path).join("\n"))
      return false;
    for (const file of files) {
      if (!(await sameFile(path.join(workDir, file.path), path.join(runsDir, runId, file.path))))
        return false;
    }
    return true;
  };

  /**
   * A new archive under the first name that is free.
   * @param reuse take one of this name with the same files for it
   */
  const archive = async (
    runId: string,
    workDir: string,
    keep: readonly string[],
    reuse: boolean,
  ): Promise<string> => {
    checkArchiveName(runId);
    await fs.mkdir(runsDir, { recursive: true });
    await removeLeftovers(dir);
    const last = await lastRunId();
    const building = path.join(dir, temporaryName("push"));
    await fs.mkdir(building);
    try {
      const files = await filesToPush(workDir, keep);
      const previous = last === null ? null : path.join(runsDir, last);
      for (const file of files) await archiveFile(workDir, building, previous, file);
      await syncFolders(building);
      const taken = new Set(await namesIn(runsDir));
      for (const name of archiveNames(runId)) {
        if (taken.has(name)) {
          if (!reuse || !(await isSameFolder(name, workDir, files))) continue;
          await fs.rm(building, { recursive: true, force: true });
          return name;
        }
        await fs.rename(building, path.join(runsDir, name));
        await syncFolder(runsDir);
        return name;
      }
      throw new Error("names never end");
    } catch (error) {
      await fs.rm(building, { recursive: true, force: true });
      throw error;
    }
  };

  const makeLast = async (runId: string): Promise<void> => {
    const link = path.join(dir, temporaryName("last"));
    await fs.symlink(path.join("runs", runId), link);
    await fs.rename(link, lastLink);
    await syncFolder(dir);
  };

  return {
    list,
    prune,

    async fetchLast(workDir, keep) {
      const runId = await lastRunId();
      base = runId;
      if (runId === null) return { runId };
      const from = path.join(runsDir, runId);
      const kept = await findFiles(from, compileGlobs(keep));
      await removeStale(workDir, keep, new Set(kept.map((file) => file.path)));
      for (const file of kept) await restore(from, workDir, file);
      return { runId };
    },

    async push(runId, workDir, keep) {
      const last = await lastRunId();
      const name = await archive(runId, workDir, keep, false);
      const before = await lastRunId();
      await makeLast(name);
      const replaced = before === (base === undefined ? last : base) ? null : before;
      base = undefined;
      await prune(keepRuns);
      return { archive: name, replaced };
    },

    async files(runId) {
      const name = await find(runId);
      const files: StoredFile[] = [];
      for (const { path: file, kind } of await filesOf(name)) {
        const { size } = await fs.lstat(path.join(runsDir, name, file));
        files.push({ path: file, size: kind === "file" ? size : null });
      }
      return { runId: name, files };
    },

    async get(runId, to, { overwrite = false } = {}) {
      const name = await find(runId);
      const from = path.join(runsDir, name);
      const files = await filesOf(name);
      if (!overwrite)
        await refuseToOverwrite(to, files, (file) =>
          sameFile(path.join(from, file.path), path.join(to, file.path)),
        );
      for (const file of files) await restore(from, to, file);
      return { runId: name };
    },

    async put(runId, from) {
      return { archive: await archive(runId, from, everything, true) };
    },

    async rollback(runId, { expected } = {}) {
      const name = await find(runId);
      const before = await lastRunId();
      if (before === name) return { before };
      if (expected !== undefined && before !== expected) throw changedMeanwhile(before);
      await makeLast(name);
      return { before };
    },
  };
}
