/** One run's archive in an object store: which files it has, and the hashes by which their contents are found. */
import { UserError } from "../../../model/diagnostic.js";

export type ArchivedFile =
  | {
      readonly path: string;
      readonly kind: "file";
      /** Of the contents, in hex: they are the object `objects/<sha256>`. */
      readonly sha256: string;
      /** Bytes. */
      readonly size: number;
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
  readonly files: readonly ArchivedFile[];
}

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
  if (archive?.files.every(isFile)) return archive;
  throw new UserError(`${where} is no archive of handoff's`, {
    code: "artifact-store",
    hint: "somebody else wrote there: bring the object's previous version back, or make another archive the last one",
  });
}

function parse(text: string): Archive | null {
  try {
    const data = JSON.parse(text) as Partial<Archive> | null;
    const whole = data?.schemaVersion === 1 && typeof data.runId === "string" && Array.isArray(data.files);
    return whole ? (data as Archive) : null;
  } catch {
    return null;
  }
}

function isFile(file: ArchivedFile): boolean {
  const { path } = file;
  if (typeof path !== "string" || path === "" || path.startsWith("/") || path.split("/").includes(".."))
    return false;
  if (file.kind === "symlink") return typeof file.target === "string";
  return file.kind === "file" && /^[0-9a-f]{64}$/.test(file.sha256) && Number.isInteger(file.mode);
}
