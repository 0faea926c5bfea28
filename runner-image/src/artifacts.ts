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

import { constants, type Stats } from "node:fs";
import * as fs from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { compileGlobs } from "../../model/glob.js";
import { isAlive } from "./alive.js";
import { type FoundFile, findFiles } from "./glob.js";
import {
  archiveNames,
  checkArchiveName,
  filesToPush,
  removeStale,
  replaceFile,
  temporaryName,
  temporaryPrefix,
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
  /** Removes all but the newest `keepRuns` archives; the last one always stays. Gives the removed ones' names. */
  prune(keepRuns: number): Promise<string[]>;
}

export interface PushResult {
  /** The archive's name: the run's id, or that with `~2`, `~3` when it had been pushed before. */
  readonly archive: string;
  /** A run that finished its push after this store was fetched from, and whose state is thus no longer the last. */
  readonly replaced: string | null;
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

  return {
    list,
    prune,

    async fetchLast(workDir, keep) {
      const runId = await lastRunId();
      base = runId;
      if (runId === null) return { runId };
      const archive = path.join(runsDir, runId);
      const kept = await findFiles(archive, compileGlobs(keep));
      await removeStale(workDir, keep, new Set(kept.map((file) => file.path)));
      for (const file of kept) await restore(archive, workDir, file);
      return { runId };
    },

    async push(runId, workDir, keep) {
      checkArchiveName(runId);
      await fs.mkdir(runsDir, { recursive: true });
      await removeLeftovers(dir);
      const last = await lastRunId();
      const building = path.join(dir, temporaryName("push"));
      await fs.mkdir(building);
      let name: string;
      let before: string | null;
      try {
        const files = await filesToPush(workDir, keep);
        const previous = last === null ? null : path.join(runsDir, last);
        for (const file of files) await archiveFile(workDir, building, previous, file);
        await syncFolders(building);
        name = await freeName(runsDir, runId);
        await fs.rename(building, path.join(runsDir, name));
        await syncFolder(runsDir);
        before = await lastRunId();
        const link = path.join(dir, temporaryName("last"));
        await fs.symlink(path.join("runs", name), link);
        await fs.rename(link, lastLink);
        await syncFolder(dir);
      } catch (error) {
        await fs.rm(building, { recursive: true, force: true });
        throw error;
      }
      const replaced = before === (base === undefined ? last : base) ? null : before;
      base = undefined;
      await prune(keepRuns);
      return { archive: name, replaced };
    },
  };
}

async function freeName(runsDir: string, runId: string): Promise<string> {
  const taken = new Set(await namesIn(runsDir));
  for (const name of archiveNames(runId)) if (!taken.has(name)) return name;
  throw new Error("names never end");
}

async function archiveFile(
  workDir: string,
  building: string,
  previous: string | null,
  file: FoundFile,
): Promise<void> {
  const from = path.join(workDir, file.path);
  const to = path.join(building, file.path);
  await fs.mkdir(path.dirname(to), { recursive: true });
  if (file.kind === "symlink") {
    await fs.symlink(await fs.readlink(from), to);
    return;
  }
  if (previous !== null && (await sameFile(from, path.join(previous, file.path)))) {
    try {
      await fs.link(path.join(previous, file.path), to);
      return;
    } catch {
      // Too many links, or a file system without them: a copy does as well.
    }
  }
  await copy(from, to);
  await syncFile(to);
}

async function restore(archive: string, workDir: string, file: FoundFile): Promise<void> {
  const from = path.join(archive, file.path);
  const to = path.join(workDir, file.path);
  if (file.kind === "file" && (await sameFile(from, to)) && (await fs.stat(to)).nlink === 1) return;
  // Always a copy: a command that appends to its state must not write into the archive.
  await replaceFile(to, async (part) =>
    file.kind === "symlink" ? fs.symlink(await fs.readlink(from), part) : copy(from, part),
  );
}

/** Contents, modes and modification times; by reference where the file system can. */
async function copy(from: string, to: string): Promise<void> {
  await fs.copyFile(from, to, constants.COPYFILE_FICLONE);
  const stats = await fs.stat(from);
  await fs.chmod(to, stats.mode | 0o200);
  await fs.utimes(to, stats.atime, stats.mtime);
}

/** By content: a time stamp alone can lie. */
async function sameFile(a: string, b: string): Promise<boolean> {
  const [left, right] = [await lstatOrNull(a), await lstatOrNull(b)];
  if (!left?.isFile() || !right?.isFile()) return false;
  if (left.size !== right.size || (left.mode & 0o777) !== (right.mode & 0o777)) return false;
  const [one, two] = [await fs.open(a), await fs.open(b)];
  try {
    const [first, second] = [Buffer.alloc(64 * 1024), Buffer.alloc(64 * 1024)];
    for (let at = 0; at < left.size; ) {
      const { bytesRead } = await one.read(first, 0, first.length, at);
      const other = await two.read(second, 0, second.length, at);
      if (bytesRead === 0 || bytesRead !== other.bytesRead) return false;
      if (!first.subarray(0, bytesRead).equals(second.subarray(0, bytesRead))) return false;
      at += bytesRead;
    }
    return true;
  } finally {
    await one.close();
    await two.close();
  }
}

async function syncFile(file: string): Promise<void> {
  const handle = await fs.open(file, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A folder's entries are on the disk only once the folder itself is. */
async function syncFolder(folder: string): Promise<void> {
  try {
    await syncFile(folder);
  } catch (error) {
    // Some file systems (network shares) can't sync a folder; the order of renames still holds.
    if (!["EINVAL", "EISDIR", "EPERM", "ENOTSUP"].includes((error as NodeJS.ErrnoException).code ?? ""))
      throw error;
  }
}

async function syncFolders(folder: string): Promise<void> {
  for (const entry of await fs.readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await syncFolders(path.join(folder, entry.name));
  }
  await syncFolder(folder);
}

const dayMs = 24 * 60 * 60 * 1000;

async function removeLeftovers(dir: string): Promise<void> {
  for (const name of await namesIn(dir)) {
    const owner = new RegExp(`^\\${temporaryPrefix}[a-z]+-(.+)-(\\d+)-[0-9a-f]+$`).exec(name);
    if (owner === null) continue;
    const file = path.join(dir, name);
    const stats = await lstatOrNull(file);
    if (stats === null) continue;
    // Of another machine's processes nothing is known: a day is longer than any push.
    const dead = owner[1] === hostname() ? !isAlive(Number(owner[2])) : Date.now() - stats.mtimeMs > dayMs;
    if (dead) await fs.rm(file, { recursive: true, force: true });
  }
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return await fs.readdir(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

async function statOrNull(file: string): Promise<Stats | null> {
  return fs.stat(file).catch(() => null);
}

async function lstatOrNull(file: string): Promise<Stats | null> {
  return fs.lstat(file).catch(() => null);
}
