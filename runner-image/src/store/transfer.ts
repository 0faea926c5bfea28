/** A file's contents on their way to and from a store: part by part, and never without their hash being checked. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import * as fs from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../../model/diagnostic.js";
import type { FoundFile } from "../glob.js";
import {
  type Archive,
  type ArchivedContents,
  type ArchivedFile,
  isContents,
  objectKey,
  ownerWrites,
  type Part,
  partsOf,
} from "./archive.js";
import type { ObjectStore } from "./object-store.js";
import { inParallel } from "./pool.js";
import { readObject } from "./read.js";
import { replaceFile, temporaryBeside } from "./selection.js";

const sha256Of = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** What an archive says of a folder's files. */
export async function describeFiles(
  dir: string,
  found: readonly FoundFile[],
  partBytes: number,
): Promise<ArchivedFile[]> {
  const described = new Map<string, ArchivedFile>();
  await inParallel(found, async (file) => {
    described.set(file.path, await describeFile(dir, file, partBytes));
  });
  return found.flatMap(({ path: name }) => described.get(name) ?? []);
}

async function describeFile(
  dir: string,
  { path: name, kind }: FoundFile,
  partBytes: number,
): Promise<ArchivedFile> {
  const file = path.join(dir, name);
  if (kind === "symlink") return { path: name, kind, target: await fs.readlink(file) };
  const { mode, mtimeMs } = await fs.stat(file);
  const { size, parts } = await hashParts(file, partBytes);
  return { path: name, kind, size, parts, mode: mode & 0o777, modifiedMs: Math.trunc(mtimeMs) };
}

async function hashParts(file: string, partBytes: number): Promise<{ size: number; parts: string[] }> {
  const parts: string[] = [];
  let hash = createHash("sha256");
  let size = 0;
  for await (const chunk of createReadStream(file)) {
    let rest = chunk as Buffer;
    for (;;) {
      const room = partBytes - (size % partBytes);
      const piece = rest.subarray(0, room);
      hash.update(piece);
      size += piece.length;
      if (piece.length < room) break;
      parts.push(hash.digest("hex"));
      hash = createHash("sha256");
      rest = rest.subarray(room);
    }
  }
  if (size % partBytes > 0) parts.push(hash.digest("hex"));
  return { size, parts };
}

interface FilePart extends Part {
  readonly file: ArchivedContents;
}

/**
 * Sends the parts of these files whose keys are not in `there`, each once.
 * @throws UserError `file-changed` when a file isn't any more what it was when it was hashed
 */
export async function upload(
  store: ObjectStore,
  dir: string,
  files: readonly ArchivedFile[],
  partBytes: number,
  there: ReadonlySet<string>,
): Promise<void> {
  const missing = new Map<string, FilePart>();
  for (const file of files.filter(isContents)) {
    for (const part of partsOf(file, partBytes)) {
      const key = objectKey(part.sha256);
      if (!there.has(key)) missing.set(key, { ...part, file });
    }
  }
  await inParallel(
    [...missing],
    async ([key, part]) => {
      const bytes = await readPart(path.join(dir, part.file.path), part);
      if (bytes.length !== part.size || sha256Of(bytes) !== part.sha256) {
        throw new UserError(`${part.file.path} was written while it was being stored`, {
          code: "file-changed",
          hint: "let the command that writes it end before the run does",
        });
      }
      await store.put(key, bytes);
    },
    ([, { size }]) => size,
  );
}

/** Shorter where the file ends sooner. */
async function readPart(file: string, { offset, size }: Part): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(size);
  const handle = await fs.open(file, "r");
  try {
    let read = 0;
    while (read < size) {
      const { bytesRead } = await handle.read(bytes, read, size - read, offset + read);
      if (bytesRead === 0) break;
      read += bytesRead;
    }
    return bytes.subarray(0, read);
  } finally {
    await handle.close();
  }
}

/** Puts files of an archive in their places in `dir`, unless they are there already. */
export async function download(
  store: ObjectStore,
  dir: string,
  archive: Archive,
  files: readonly ArchivedFile[],
): Promise<void> {
  const incoming: IncomingFile[] = [];
  await inParallel(files.filter(isContents), async (file) => {
    if (!(await hasFile(dir, file, archive.partBytes))) incoming.push(new IncomingFile(dir, file));
  });
  // Those of whole parts serve again: what is let go of, the collector frees only once it is as much again as what is in use.
  const free: Buffer[] = [];
  try {
    await inParallel(
      incoming.flatMap((target) => {
        const parts = partsOf(target.file, archive.partBytes);
        return (parts.length > 0 ? parts : [null]).map((part) => ({ target, part }));
      }),
      async ({ target, part }) => {
        if (part === null) return await target.finish();
        const isWhole = part.size === archive.partBytes;
        const room = (isWhole ? free.pop() : undefined) ?? Buffer.allocUnsafe(part.size);
        await target.write(part, await fetchPart(store, archive, target.file, part, room));
        if (isWhole) free.push(room);
      },
      ({ part }) => part?.size ?? 0,
    );
  } finally {
    for (const target of incoming) await target.abandon();
  }
  for (const file of files) {
    if (file.kind === "symlink")
      await replaceFile(path.join(dir, file.path), (part) => fs.symlink(file.target, part));
  }
}

/** Whether `dir` has just this file. */
export async function hasFile(dir: string, file: ArchivedFile, partBytes: number): Promise<boolean> {
  const at = path.join(dir, file.path);
  const stats = await fs.lstat(at).catch(() => null);
  if (file.kind === "symlink")
    return stats?.isSymbolicLink() === true && (await fs.readlink(at)) === file.target;
  if (!stats?.isFile() || stats.size !== file.size) return false;
  if ((stats.mode & 0o777) !== (file.mode | ownerWrites)) return false;
  return (await hashParts(at, partBytes)).parts.every((sha256, index) => sha256 === file.parts[index]);
}

async function fetchPart(
  store: ObjectStore,
  { runId }: Archive,
  file: ArchivedContents,
  { sha256 }: Part,
  room: Buffer,
): Promise<Buffer> {
  const key = objectKey(sha256);
  const found = await readObject(store, key, (bytes) => sha256Of(bytes) === sha256, room);
  if (found === null) {
    throw new UserError(`${file.path} of run ${runId} is no longer in ${store.url}`, {
      code: "artifact-missing",
      hint: "bring the deleted objects back from the bucket's old versions",
    });
  }
  if (sha256Of(found.bytes) === sha256) return found.bytes;
  throw new UserError(`${file.path} of run ${runId} isn't in ${store.url} as it was stored`, {
    code: "artifact-damaged",
    hint: `bring ${key} back from the bucket's old versions`,
  });
}

/** A file under a temporary name, until all its parts are there. */
class IncomingFile {
  readonly file: ArchivedContents;
  readonly #to: string;
  readonly #temporary: string;
  #handle: Promise<fs.FileHandle> | null = null;
  #missing: number;

  constructor(dir: string, file: ArchivedContents) {
    this.file = file;
    this.#to = path.join(dir, file.path);
    this.#temporary = temporaryBeside(this.#to);
    this.#missing = file.parts.length;
  }

  async write({ offset }: Part, bytes: Buffer): Promise<void> {
    const handle = await this.#open();
    for (let written = 0; written < bytes.length; ) {
      written += (await handle.write(bytes, written, bytes.length - written, offset + written)).bytesWritten;
    }
    this.#missing -= 1;
    if (this.#missing === 0) await this.finish();
  }

  /** In its place at once, with its mode and time. */
  async finish(): Promise<void> {
    const handle = await this.#open();
    const { mode, modifiedMs } = this.file;
    await handle.chmod(mode | ownerWrites);
    await handle.utimes(modifiedMs / 1000, modifiedMs / 1000);
    await handle.close();
    this.#handle = null;
    await fs.rm(this.#to, { recursive: true, force: true });
    await fs.rename(this.#temporary, this.#to);
  }

  /** Nothing is left of a file that isn't whole; one that is stays. */
  async abandon(): Promise<void> {
    if (this.#handle === null) return;
    const handle = await this.#handle.catch(() => null);
    this.#handle = null;
    await handle?.close();
    await fs.rm(this.#temporary, { force: true });
  }

  #open(): Promise<fs.FileHandle> {
    this.#handle ??= fs
      .mkdir(path.dirname(this.#to), { recursive: true })
      .then(() => fs.open(this.#temporary, "wx", 0o600));
    return this.#handle;
  }
}
