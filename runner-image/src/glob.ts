/** Files of a folder that match glob patterns, without following symbolic links out of it. */
import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import type { GlobSet } from "../../model/glob.js";

export interface FoundFile {
  /** Relative to the folder, with `/` between its parts. */
  readonly path: string;
  readonly kind: "file" | "symlink";
}

/**
 * Regular files and symbolic links under `dir` that match, sorted by path. A missing folder has none. What `skip` names
 * directly in `dir` is left out, whatever the patterns say.
 */
export async function findFiles(
  dir: string,
  globs: GlobSet,
  skip: ReadonlySet<string> = new Set(),
): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  const walk = async (relative: string): Promise<void> => {
    let entries: Dirent[];
    try {
      entries = await readdir(path.join(dir, relative), { withFileTypes: true });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR") return;
      throw error;
    }
    for (const entry of entries) {
      const at = relative === "" ? entry.name : `${relative}/${entry.name}`;
      if (skip.has(at)) continue;
      if (entry.isDirectory()) await walk(at);
      else if (entry.isFile() && globs.matches(at)) found.push({ path: at, kind: "file" });
      else if (entry.isSymbolicLink() && globs.matches(at)) found.push({ path: at, kind: "symlink" });
    }
  };
  for (const base of globs.bases) await walk(base);
  return found.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}
