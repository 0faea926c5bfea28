/** Files on their way into an archive in a folder, and out of it: by reference where the file system can, and to the disk. */
import { constants, type Stats } from "node:fs";
import * as fs from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { isAlive } from "../alive.js";
import type { FoundFile } from "../glob.js";
import { replaceFile, temporaryPrefix } from "./selection.js";

/** Into an archive that is being built; as a hard link where `previous`, an archive, has the same file. */
export async function archiveFile(
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

/** From an archive to its place in the workspace. */
export async function restore(archive: string, workDir: string, file: FoundFile): Promise<void> {
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

/** The same kind, contents and, but for the owner's right to write, mode. By content: a time stamp alone can lie. */
export async function sameFile(a: string, b: string): Promise<boolean> {
  const [left, right] = [await lstatOrNull(a), await lstatOrNull(b)];
  if (left?.isSymbolicLink() && right?.isSymbolicLink())
    return (await fs.readlink(a)) === (await fs.readlink(b));
  if (!left?.isFile() || !right?.isFile()) return false;
  if (left.size !== right.size || permissions(left) !== permissions(right)) return false;
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
/** Files are copied with this bit set: the next run writes its state anew. */
const permissions = ({ mode }: Stats): number => (mode & 0o777) | 0o200;

export async function syncFolder(folder: string): Promise<void> {
  try {
    await syncFile(folder);
  } catch (error) {
    // Some file systems (network shares) can't sync a folder; the order of renames still holds.
    if (!["EINVAL", "EISDIR", "EPERM", "ENOTSUP"].includes((error as NodeJS.ErrnoException).code ?? ""))
      throw error;
  }
}

export async function syncFolders(folder: string): Promise<void> {
  for (const entry of await fs.readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await syncFolders(path.join(folder, entry.name));
  }
  await syncFolder(folder);
}

const dayMs = 24 * 60 * 60 * 1000;

/** What a push left behind that was killed. */
export async function removeLeftovers(dir: string): Promise<void> {
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

export async function namesIn(dir: string): Promise<string[]> {
  try {
    return await fs.readdir(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

export async function statOrNull(file: string): Promise<Stats | null> {
  return fs.stat(file).catch(() => null);
}

async function lstatOrNull(file: string): Promise<Stats | null> {
  return fs.lstat(file).catch(() => null);
}
