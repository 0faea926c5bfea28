/** Files of a folder that match glob patterns, without following symbolic links out of it. */
import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { Minimatch } from "minimatch";

export interface GlobSet {
  /** Whether a path relative to the folder, with `/` between its parts, matches any of the patterns. */
  matches(relativePath: string): boolean;
  /** Folders that hold everything that can match, relative; `""` is the folder itself. */
  readonly bases: readonly string[];
}

/**
 * `*`, `**`, `?`, `[a-z]` and `{a,b}`; names that begin with a dot match too. A pattern that names a folder means all
 * that is in it. Absolute patterns and those with `..` match nothing.
 */
export function compileGlobs(patterns: readonly string[]): GlobSet {
  const usable = patterns.map(normalize).filter((pattern): pattern is string => pattern !== null);
  const matchers = usable.flatMap((pattern) =>
    [pattern, `${pattern}/**`].map(
      (text) => new Minimatch(text, { dot: true, nocomment: true, nonegate: true }),
    ),
  );
  return {
    matches: (relativePath) => matchers.some((matcher) => matcher.match(relativePath)),
    bases: withoutNested(usable.map(literalPrefix)),
  };
}

function normalize(pattern: string): string | null {
  const clean = pattern.replace(/^(\.\/)+/, "").replace(/\/+$/, "");
  if (clean === "" || clean === ".") return "**";
  if (clean.startsWith("/") || clean.split("/").includes("..")) return null;
  return clean;
}

/** The folders before the first part with a wildcard: nothing outside has to be walked. */
function literalPrefix(pattern: string): string {
  const parts = pattern.split("/");
  const wild = parts.findIndex((part) => /[*?[\]{}()!+@\\]/.test(part));
  return (wild < 0 ? parts.slice(0, -1) : parts.slice(0, wild)).join("/");
}

function withoutNested(bases: readonly string[]): string[] {
  const unique = [...new Set(bases)];
  return unique.filter(
    (base) => !unique.some((other) => other !== base && (other === "" || base.startsWith(`${other}/`))),
  );
}

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
