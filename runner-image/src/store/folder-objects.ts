/**
 * A folder as an object store, for what needs conditional writes there: leases, and the records beside them.
 *
 *     <dir>/<key>            an object that was written without a condition: a file
 *     <dir>/<key>/<n>/body   one that is written under conditions: its n-th version; the highest one counts
 *
 * A version is a folder with its contents, brought to its name by a rename. That fails when another writer's version is
 * there, so that of two writers one wins; no lock is taken that a killed process could leave behind. It holds on network
 * shares too, unlike hard links.
 */
import * as fs from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { type Condition, Conflict, type ObjectInfo, type ObjectStore } from "./object-store.js";
import { temporaryName } from "./selection.js";
import { storeError } from "./store-error.js";

/** Versions that stay behind the newest: a reader may be about to open one. */
const keptVersions = 3;

/** An object is written always with a condition, or never. The folder is made by the first write. */
export function folderObjects(dir: string): ObjectStore {
  const at = (key: string) => path.join(dir, ...key.split("/"));
  const fail = (doing: string, error: unknown) => {
    const { code = "", message } = error as NodeJS.ErrnoException;
    return storeError(dir, doing, {
      status: code === "EACCES" || code === "EPERM" ? 403 : 500,
      code,
      message,
    });
  };

  const newest = async (key: string): Promise<number | null> => {
    const versions = (await namesIn(at(key))).filter((name) => /^\d+$/.test(name)).map(Number);
    return versions.length === 0 ? null : Math.max(...versions);
  };

  const putPlain = async (key: string, body: Buffer): Promise<void> => {
    const part = path.join(dir, temporaryName("object"));
    try {
      await fs.writeFile(part, body, { mode: 0o600 });
      await fs.mkdir(path.dirname(at(key)), { recursive: true });
      await fs.rename(part, at(key));
    } catch (error) {
      await fs.rm(part, { force: true });
      throw error;
    }
  };

  const putVersion = async (key: string, body: Buffer, condition: Condition): Promise<void> => {
    const current = await newest(key);
    const expected = "ifMatch" in condition ? Number(condition.ifMatch) : null;
    if (current !== expected) throw new Conflict(key);
    const next = (current ?? 0) + 1;
    const part = path.join(dir, temporaryName("object"));
    try {
      await fs.mkdir(part);
      await fs.writeFile(path.join(part, "body"), body, { mode: 0o600 });
      await fs.mkdir(at(key), { recursive: true });
      await fs.rename(part, path.join(at(key), String(next)));
    } catch (error) {
      await fs.rm(part, { recursive: true, force: true });
      if (isTaken(error)) throw new Conflict(key);
      throw error;
    }
    // A slow writer may find its number free again, because it was removed: then much newer ones are there.
    if (((await newest(key)) ?? next) > next + keptVersions) throw new Conflict(key);
    for (const name of await namesIn(at(key))) {
      if (/^\d+$/.test(name) && Number(name) < next - keptVersions)
        await fs.rm(path.join(at(key), name), { recursive: true, force: true });
    }
  };

  /** The file that holds an object; null: there is none. */
  const contentsOf = async (key: string): Promise<{ file: string; etag: string } | null> => {
    const stats = await fs.stat(at(key)).catch(absent);
    if (stats === null) return null;
    if (stats.isFile()) return { file: at(key), etag: `${stats.mtimeMs}-${stats.ino}` };
    const version = await newest(key);
    return version === null
      ? null
      : { file: path.join(at(key), String(version), "body"), etag: String(version) };
  };

  async function* list(prefix: string): AsyncGenerator<ObjectInfo> {
    const below = prefix.slice(0, prefix.lastIndexOf("/") + 1);
    const folders = [below];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const name of (await namesIn(at(folder))).sort()) {
        const key = folder + name;
        if (!(key.startsWith(prefix) || prefix.startsWith(`${key}/`))) continue;
        const found = await contentsOf(key);
        if (found === null) {
          folders.push(`${key}/`);
          continue;
        }
        const stats = await fs.stat(found.file).catch(absent);
        if (stats !== null) yield { key, size: stats.size, modifiedAt: stats.mtime };
      }
    }
  }

  return {
    url: dir,

    async get(key) {
      try {
        const found = await contentsOf(key);
        if (found === null) return null;
        return { body: Readable.from([await fs.readFile(found.file)]), etag: found.etag };
      } catch (error) {
        throw fail(`read ${key}`, error);
      }
    },

    async put(key, body, condition) {
      try {
        await fs.mkdir(dir, { recursive: true });
        if (condition === undefined) await putPlain(key, body);
        else await putVersion(key, body, condition);
      } catch (error) {
        if (error instanceof Conflict) throw error;
        throw fail(`write ${key}`, error);
      }
    },

    async *list(prefix) {
      try {
        yield* list(prefix);
      } catch (error) {
        throw fail(`list ${prefix}`, error);
      }
    },

    async delete(key) {
      try {
        await fs.rm(at(key), { recursive: true, force: true });
        // Its folder too, when it was the last one there; never the store's own.
        if (key.includes("/")) await fs.rmdir(path.dirname(at(key))).catch(() => {});
      } catch (error) {
        throw fail(`delete ${key}`, error);
      }
    },
  };
}

/** A folder with something in it is in the way of the rename; the system has two names for that. */
function isTaken(error: unknown): boolean {
  return ["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "");
}

async function namesIn(folder: string): Promise<string[]> {
  return (await fs.readdir(folder).catch(absent)) ?? [];
}

function absent(error: unknown): null {
  if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
  throw error;
}
