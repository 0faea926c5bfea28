/** A read-only copy of the project's files, named by their content and shared by the deployments that have the same. */
import { randomBytes } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { contentHash, listProjectFiles } from "../../model/content.js";
import { homePaths, makeDir } from "./home.js";
import { addReference, dropReference, pruneEmpty, withLock } from "./plugin-files.js";
import { type ResourceKind, requireText, text } from "./plugin-kind.js";

export const code: ResourceKind = {
  replaceOn: ["deployment", "contentHash"],
  // Where the same content came from doesn't matter: another checkout of it changes nothing.
  ignore: ["source"],
  check(inputs) {
    const failures = requireText(inputs, "deployment", "contentHash", "source");
    if (typeof inputs.contentHash === "string" && !/^[0-9a-f]{64}$/.test(inputs.contentHash)) {
      failures.push({ property: "contentHash", reason: "must be a SHA-256 in hex" });
    }
    if (typeof inputs.source === "string" && !existsSync(inputs.source)) {
      failures.push({ property: "source", reason: `there is no folder ${inputs.source}` });
    }
    return failures;
  },
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

/** Copies under a temporary name and renames, so that a snapshot is whole or isn't there. */
function snapshot(source: string, path: string, expectedHash: string): void {
  const temporary = `${path}.tmp-${randomBytes(6).toString("hex")}`;
  try {
    makeDir(temporary);
    for (const file of listProjectFiles(source)) {
      const target = join(temporary, file);
      mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
      copyFileSync(join(source, file), target);
    }
    const found = contentHash(temporary);
    if (found !== expectedHash) {
      throw new Error(`the files of ${source} changed while they were deployed: run the update again`);
    }
    // Runs work on a copy of their own; a stray write here would change what other runs see.
    for (const file of listProjectFiles(temporary)) {
      const target = join(temporary, file);
      chmodSync(target, statSync(target).mode & 0o555);
    }
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
