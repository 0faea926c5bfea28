/**
 * A read-only copy of the project's files, named by their content and shared by the deployments that have the same.
 * Without project.yml: what running needs of it is in the job's spec, so an edit of a schedule leaves the code alone.
 */
import { randomBytes } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { contentHash, listProjectFiles } from "../../model/content.js";
import { withLock } from "../lock.js";
import { homePaths, makeDir } from "./home.js";
import { addReference, dropReference, pruneEmpty } from "./plugin-files.js";
import { type ResourceKind, requireText, text } from "./plugin-kind.js";

export const code: ResourceKind = {
  replaceOn: ["deployment", "contentHash"],
  // Where the same content came from doesn't matter: another checkout of it changes nothing.
  ignore: ["source"],
  check(inputs) {
    const failures = requireText(inputs, "deployment", "source");
    if (typeof inputs.source === "string" && !existsSync(inputs.source)) {
      failures.push({ property: "source", reason: `there is no folder ${inputs.source}` });
    }
    return failures;
  },
  derived: (inputs) => ({ contentHash: codeHash(text(inputs, "source")) }),
  path: (inputs, context) => join(homePaths(context.home).code, text(inputs, "contentHash")),
  async write(inputs, path) {
    makeDir(dirname(path));
    await withLock(`${path}.lock`, () => {
      addReference(path, text(inputs, "deployment"));
      if (!existsSync(path)) snapshot(text(inputs, "source"), path, text(inputs, "contentHash"));
    });
    return { codeDir: path };
  },
  read(state, path) {
    if (!existsSync(path)) return undefined;
    const { deployment, contentHash: hash, source } = state;
    return { deployment, contentHash: hash, source };
  },
  async remove(state, path) {
    if (!existsSync(dirname(path))) return;
    await withLock(`${path}.lock`, () => {
      if (dropReference(path, text(state, "deployment"))) rmSync(path, { recursive: true, force: true });
    });
    pruneEmpty(dirname(path));
  },
};

function codeFiles(dir: string): string[] {
  return listProjectFiles(dir).filter((file) => file !== "project.yml");
}

function codeHash(dir: string): string {
  return contentHash(dir, codeFiles(dir));
}

/** Copies under a temporary name and renames, so that a snapshot is whole or isn't there. */
function snapshot(source: string, path: string, expectedHash: string): void {
  const temporary = `${path}.tmp-${randomBytes(6).toString("hex")}`;
  try {
    makeDir(temporary);
    for (const file of codeFiles(source)) {
      const target = join(temporary, file);
      mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
      copyFileSync(join(source, file), target);
    }
    if (codeHash(temporary) !== expectedHash) {
      throw new Error(`the files of ${source} changed while they were deployed: run the update again`);
    }
    // Runs work on a copy of their own; a stray write here would change what other runs see.
    for (const file of codeFiles(temporary)) {
      const target = join(temporary, file);
      chmodSync(target, statSync(target).mode & 0o555);
    }
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
