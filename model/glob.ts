/** Glob patterns over relative paths: what `artifacts.keep` and `files/.norender` are written in. */
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
