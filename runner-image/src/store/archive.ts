/**
 * One run's archive in an object store: which files it has, and the hashes by which their contents are found. Contents
 * are kept in parts of a fixed size, each an object named after its hash: a large file to which something was appended
 * shares all but its last part with the one before.
 */
import { UserError } from "../../../model/diagnostic.js";

export type ArchivedFile =
  | {
      readonly path: string;
      readonly kind: "file";
      /** Bytes. */
      readonly size: number;
      /**
       * SHA-256 of each part in order, in hex: the object `objects/<sha256>` has its bytes. All parts but the last have
       * the archive's `partBytes`; an empty file has none.
       */
      readonly parts: readonly string[];
      /** Permissions, such as 0o644. */
      readonly mode: number;
      /** Milliseconds since 1970. */
      readonly modifiedMs: number;
    }
  | { readonly path: string; readonly kind: "symlink"; readonly target: string };

export type ArchivedContents = Extract<ArchivedFile, { kind: "file" }>;

/** `runs/<runId>.json`; the object `last` is a copy of one, so that the state outlives the archives' expiry. */
export interface Archive {
  readonly schemaVersion: 1;
  readonly runId: string;
  /** ISO 8601. */
  readonly pushedAt: string;
  readonly partBytes: number;
  readonly files: readonly ArchivedFile[];
}

/** Size of the parts that this version writes; it reads others too. */
export const defaultPartBytes = 8 * 1024 * 1024;

/** What travels, and is checked, as a whole. */
export interface Part {
  readonly sha256: string;
  /** Place in the file, in bytes. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

export function partsOf({ parts, size }: ArchivedContents, partBytes: number): Part[] {
  return parts.map((sha256, index) => ({
    sha256,
    offset: index * partBytes,
    size: Math.min(partBytes, size - index * partBytes),
  }));
}

export const isContents = (file: ArchivedFile): file is ArchivedContents => file.kind === "file";

/** Keys of all objects that the archive needs. */
export function objectsOf({ files }: Pick<Archive, "files">): Set<string> {
  return new Set(files.flatMap((file) => (file.kind === "file" ? file.parts.map(objectKey) : [])));
}

/** Whether fetching one gives what fetching the other does. */
export function sameFiles(one: Archive, other: Archive): boolean {
  const comparable = ({ partBytes, files }: Archive): string =>
    JSON.stringify([
      partBytes,
      files.map((file) =>
        file.kind === "symlink"
          ? [file.path, file.target]
          : [file.path, file.size, file.mode | ownerWrites, file.parts],
      ),
    ]);
  return comparable(one) === comparable(other);
}

/** Files are fetched with this bit set: the next run writes its state anew. */
export const ownerWrites = 0o200;

export const objectKey = (sha256: string): string => `objects/${sha256}`;
export const archiveKey = (runId: string): string => `runs/${runId}.json`;
export const lastKey = "last";

/** Null for another key than `archiveKey`'s. */
export function runIdOf(key: string): string | null {
  return /^runs\/([^/]+)\.json$/.exec(key)?.[1] ?? null;
}

export function formatArchive(archive: Archive): Buffer {
  return Buffer.from(`${JSON.stringify(archive)}\n`);
}

/** @throws UserError for what no handoff wrote: a path that leads out of the workspace is not believed */
export function parseArchive(text: string, where: string): Archive {
  const archive = parse(text);
  if (archive?.files.every((file) => isFile(file, archive.partBytes))) return archive;
  throw new UserError(`${where} is no archive of handoff's`, {
    code: "artifact-store",
    hint: "somebody else wrote there: bring the object's previous version back, or make another archive the last one",
  });
}

function parse(text: string): Archive | null {
  try {
    const data = JSON.parse(text) as Partial<Archive> | null;
    const whole = data?.schemaVersion === 1 && typeof data.runId === "string" && Array.isArray(data.files);
    return whole && isCount(data.partBytes) && data.partBytes !== 0 ? (data as Archive) : null;
  } catch {
    return null;
  }
}

function isFile(file: ArchivedFile, partBytes: number): boolean {
  const { path } = file;
  if (typeof path !== "string" || path === "" || path.startsWith("/") || path.split("/").includes(".."))
    return false;
  if (file.kind === "symlink") return typeof file.target === "string";
  return file.kind === "file" && isCount(file.mode) && hasParts(file, partBytes);
}

function hasParts({ parts, size }: ArchivedContents, partBytes: number): boolean {
  return (
    isCount(size) &&
    Array.isArray(parts) &&
    parts.length === Math.ceil(size / partBytes) &&
    parts.every((sha256) => /^[0-9a-f]{64}$/.test(sha256))
  );
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
