/** A file's contents on their way to and from a store: in streams, and never without their hash being checked. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import * as fs from "node:fs/promises";
import path from "node:path";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../../model/diagnostic.js";
import type { FoundFile } from "../glob.js";
import { type ArchivedContents, type ArchivedFile, objectKey } from "./archive.js";
import type { ObjectStore } from "./object-store.js";
import { replaceFile } from "./selection.js";

/** Files up to here travel at the same time, each in the memory; larger ones one after another, in parts. */
const smallBytes = 4 * 1024 * 1024;
const parallel = 8;
const tries = 6;

/** What an archive says of a file. */
export async function describeFile(workDir: string, { path: name, kind }: FoundFile): Promise<ArchivedFile> {
  const file = path.join(workDir, name);
  if (kind === "symlink") return { path: name, kind, target: await fs.readlink(file) };
  const stats = await fs.stat(file);
  const { sha256, size } = await hashOf(createReadStream(file));
  return { path: name, kind, sha256, size, mode: stats.mode & 0o777, modifiedMs: Math.trunc(stats.mtimeMs) };
}

/** Calls `work` for each, some at the same time; large files alone. The first error ends it, once those under way have ended. */
export async function forEachFile(
  files: readonly ArchivedContents[],
  work: (file: ArchivedContents) => Promise<void>,
): Promise<void> {
  await inParallel(
    files.filter((file) => file.size <= smallBytes),
    work,
  );
  for (const file of files) if (file.size > smallBytes) await work(file);
}

export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (!failed && next < items.length) {
      const item = items[next++] as T;
      await work(item).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: parallel }, worker));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

/** @throws UserError when the file isn't any more what it was when it was hashed */
export async function upload(store: ObjectStore, workDir: string, file: ArchivedContents): Promise<void> {
  const from = path.join(workDir, file.path);
  const changed = (): UserError =>
    new UserError(`${file.path} was written while it was being stored`, {
      code: "file-changed",
      hint: "let the command that writes it end before the run does",
    });
  if (file.size <= smallBytes) {
    const contents = await fs.readFile(from);
    if (createHash("sha256").update(contents).digest("hex") !== file.sha256) throw changed();
    await store.put(objectKey(file.sha256), contents);
    return;
  }
  // The stream fails at its end when the contents are others: then the store doesn't finish the object.
  const checked = sealed(file.sha256, changed);
  const reading = pipeline(createReadStream(from, { highWaterMark: 1024 * 1024 }), checked);
  reading.catch(() => {}); // comes as the stream's error too
  try {
    await store.put(objectKey(file.sha256), { size: file.size, stream: checked });
    await reading;
  } catch (error) {
    checked.destroy();
    throw checked.errored instanceof UserError ? checked.errored : error;
  }
}

/** Puts a file in its place, unless it is there already. */
export async function download(
  store: ObjectStore,
  workDir: string,
  file: ArchivedFile,
  archive: string,
): Promise<void> {
  const to = path.join(workDir, file.path);
  if (file.kind === "symlink") {
    await replaceFile(to, (part) => fs.symlink(file.target, part));
    return;
  }
  if (await isThere(to, file)) return;
  for (let attempt = 1; ; attempt++) {
    try {
      await replaceFile(to, (part) => fetchContents(store, file, part, archive));
      return;
    } catch (error) {
      // A connection that breaks in the middle: the stores' own libraries try again only before the first byte.
      if (attempt === tries || (error instanceof UserError && error.code === "artifact-missing")) throw error;
      await sleep(50 * 2 ** attempt);
    }
  }
}

async function fetchContents(
  store: ObjectStore,
  file: ArchivedContents,
  to: string,
  archive: string,
): Promise<void> {
  const found = await store.get(objectKey(file.sha256));
  if (found === null) {
    throw new UserError(`${file.path} of run ${archive} is no longer in ${store.url}`, {
      code: "artifact-missing",
      hint: "bring the deleted objects back from the bucket's old versions",
    });
  }
  const damaged = (): UserError =>
    new UserError(`${file.path} of run ${archive} isn't in ${store.url} as it was stored`, {
      code: "artifact-damaged",
      hint: `bring ${objectKey(file.sha256)} back from the bucket's old versions`,
    });
  try {
    await pipeline(found.body, sealed(file.sha256, damaged), createWriteStream(to, { mode: 0o600 }));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${file.path} of run ${archive} can't be read from ${store.url}: ${messageOf(error)}`,
      {
        code: "artifact-store",
        hint: "the connection broke: run the job again",
      },
    );
  }
  await fs.chmod(to, file.mode | 0o200);
  const time = file.modifiedMs / 1000;
  await fs.utimes(to, time, time);
}

async function isThere(file: string, { size, mode, sha256 }: ArchivedContents): Promise<boolean> {
  const stats = await fs.lstat(file).catch(() => null);
  if (!stats?.isFile() || stats.size !== size || (stats.mode & 0o777) !== (mode | 0o200)) return false;
  return (await hashOf(createReadStream(file))).sha256 === sha256;
}

async function hashOf(stream: Readable): Promise<{ sha256: string; size: number }> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of stream) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).length;
  }
  return { sha256: hash.digest("hex"), size };
}

/** Passes all on, and ends well only when that had the hash. */
function sealed(sha256: string, wrong: () => Error): Transform {
  const hash = createHash("sha256");
  return new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      done(hash.digest("hex") === sha256 ? null : wrong());
    },
  });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
