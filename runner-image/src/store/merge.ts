/**
 * Jobs of one run (granularity task) may run side by side: each starts from the same state and stores its own. What one
 * stored must not be lost by the other's end, so that their changes are put together, file by file.
 */
import type { Archive, ArchivedFile } from "./archive.js";

/** Whether an archive was stored by a job of the run; the second one's is called `run~2`. */
export function isOfRun({ runId }: Archive, run: string): boolean {
  return runId === run || (runId.startsWith(run) && /^~\d+$/.test(runId.slice(run.length)));
}

export interface Merged {
  /** Sorted by path. */
  readonly files: readonly ArchivedFile[];
  /** Files that both changed, differently: this job's count. */
  readonly conflicts: readonly string[];
}

/** @param base what both started from */
export function mergeFiles(
  base: readonly ArchivedFile[],
  mine: readonly ArchivedFile[],
  theirs: readonly ArchivedFile[],
): Merged {
  const [before, own, others] = [byPath(base), byPath(mine), byPath(theirs)];
  const files: ArchivedFile[] = [];
  const conflicts: string[] = [];
  for (const path of [...new Set([...own.keys(), ...others.keys()])].sort()) {
    const [was, here, there] = [before.get(path), own.get(path), others.get(path)];
    const unchanged = same(here, was);
    if (!unchanged && !same(there, was) && !same(here, there)) conflicts.push(path);
    const kept = unchanged ? there : here;
    if (kept) files.push(kept);
  }
  return { files, conflicts };
}

function byPath(files: readonly ArchivedFile[]): ReadonlyMap<string, ArchivedFile> {
  return new Map(files.map((file) => [file.path, file]));
}

/** Also when both aren't there. Times don't count: a file that was fetched and written as it was is the same. */
function same(one: ArchivedFile | undefined, other: ArchivedFile | undefined): boolean {
  return text(one) === text(other);
}

function text(file: ArchivedFile | undefined): string {
  if (file === undefined) return "";
  if (file.kind === "symlink") return `-> ${file.target}`;
  return `${file.mode & 0o111} ${file.size} ${file.parts.join(" ")}`;
}
