/** What can be wrong with working on archives by hand, whatever the store is made of. */
import * as fs from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../../model/diagnostic.js";

/** `runId` null: there is no last one. */
export function noSuchArchive(runId: string | null, where: string): UserError {
  if (runId === null) {
    return new UserError(`nothing has been stored in ${where} yet`, {
      code: "no-artifacts",
      hint: "a run stores its artifacts at its end; `handoff artifacts put` stores a folder's",
    });
  }
  return new UserError(`no archive ${runId} in ${where}`, {
    code: "unknown-archive",
    hint: "`handoff artifacts list` says which there are; old ones expire",
  });
}

/** @param current what is the last one now */
export function changedMeanwhile(current: string | null): UserError {
  return new UserError(
    current === null
      ? "the last state was removed meanwhile: nothing was changed"
      : `run ${current} stored its artifacts meanwhile: they stay the last ones, nothing was changed`,
    {
      code: "artifact-conflict",
      hint: "say it again if it is still what you want",
      exitCode: 1,
    },
  );
}

export function missingContents(runId: string, count: number, where: string): UserError {
  return new UserError(
    `${count === 1 ? "a part" : `${count} parts`} of archive ${runId} ${count === 1 ? "is" : "are"} no longer in ${where}: nothing was changed`,
    { code: "artifact-missing", hint: "bring the deleted objects back from the bucket's old versions" },
  );
}

/** @throws UserError when `dir` has another file or folder where one of `files` would go */
export async function refuseToOverwrite<File extends { readonly path: string }>(
  dir: string,
  files: readonly File[],
  isSame: (file: File) => Promise<boolean>,
): Promise<void> {
  const different: string[] = [];
  for (const file of files) {
    const there = await fs.lstat(path.join(dir, file.path)).catch(() => null);
    if (there !== null && !(await isSame(file))) different.push(file.path);
  }
  const [first, ...more] = different;
  if (first === undefined) return;
  const rest = more.length === 0 ? "" : ` and ${more.length} more`;
  throw new UserError(`${path.join(dir, first)}${rest} would be overwritten: nothing was fetched`, {
    code: "file-exists",
    hint: "name a new folder with --to, or say --overwrite",
  });
}
