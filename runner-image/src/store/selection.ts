/** Which of a workspace's files are artifacts: the same for every kind of store. */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { UserError } from "../../../model/diagnostic.js";
import { compileGlobs } from "../../../model/glob.js";
import { type FoundFile, findFiles } from "../glob.js";
import { manifestName, readManifest } from "../workspace/manifest.js";

/** Outputs of a run, archived for reading even if the next run doesn't need them. */
const outputs = "artifacts/**";
/** handoff's own in a workspace: environments can be built again, and are large. */
const notArtifacts: ReadonlySet<string> = new Set([".venvs", manifestName]);

/** For `filesToPush`: all of a folder. */
export const everything: readonly string[] = ["**"];

/** What a push archives: all that match `keep`, and the outputs; without the files that hold a secret's value. */
export async function filesToPush(workDir: string, keep: readonly string[]): Promise<FoundFile[]> {
  const secret = new Set((await readManifest(workDir)).secretFiles);
  const files = await findFiles(workDir, compileGlobs([...keep, outputs]), notArtifacts);
  return files.filter((file) => !secret.has(file.path));
}

/** Removes the workspace's files that match `keep` and aren't in the archive: a failed run may have left them. */
export async function removeStale(
  workDir: string,
  keep: readonly string[],
  archived: ReadonlySet<string>,
): Promise<void> {
  for (const file of await findFiles(workDir, compileGlobs(keep), notArtifacts)) {
    if (!archived.has(file.path)) await fs.rm(path.join(workDir, file.path), { force: true });
  }
}

/** An archive is named after its run. @throws UserError for a name that would lead elsewhere */
export function checkArchiveName(runId: string): string {
  if (/^[\w.@~-]+$/.test(runId) && !/^\.+$/.test(runId)) return runId;
  throw new UserError(`not usable as an archive's name: ${runId}`, {
    code: "invalid-archive-name",
    hint: "use letters, digits, `_`, `.`, `@`, `~`, `-`",
  });
}

/** The first of `run`, `run~2`, `run~3`, … : a run that is pushed twice (a retry) has two archives, the first is never changed. */
export function* archiveNames(runId: string): Generator<string, never> {
  yield runId;
  for (let attempt = 2; ; attempt++) yield `${runId}~${attempt}`;
}

export const temporaryPrefix = ".tmp-";

/** Holds the machine and the process, so that a later push can tell a leftover from a push under way. */
export function temporaryName(what: string): string {
  return `${temporaryPrefix}${what}-${hostname()}-${process.pid}-${randomBytes(6).toString("hex")}`;
}

/** In the same folder, so that a rename does the rest. */
export function temporaryBeside(to: string): string {
  return path.join(path.dirname(to), temporaryName("fetch"));
}

/** Makes `to` by `write`, which gets a name beside it: what was there before goes only when the new one is whole. */
export async function replaceFile(to: string, write: (part: string) => Promise<void>): Promise<void> {
  await fs.mkdir(path.dirname(to), { recursive: true });
  const part = temporaryBeside(to);
  try {
    await write(part);
    await fs.rm(to, { recursive: true, force: true });
    await fs.rename(part, to);
  } catch (error) {
    await fs.rm(part, { force: true });
    throw error;
  }
}
