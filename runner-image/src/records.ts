/**
 * Records of runs in the artifact store, `records/<run>/<job>.json`: written at a run's end, however it ended, and read by
 * `handoff runs`. They expire with the archives of runs.
 */
import type { StoredRecord } from "../../model/run.js";
import { keyPart } from "./store/key-part.js";
import { listObjects, type ObjectStore } from "./store/object-store.js";
import { readObject } from "./store/read.js";

const prefix = "records/";

/** A second attempt of the same job at the same run replaces the first one's. @throws UserError `artifact-store` */
export async function writeRecord(store: ObjectStore, record: StoredRecord): Promise<void> {
  const key = `${prefix}${keyPart(record.runId)}/${keyPart(record.job)}.json`;
  await store.put(key, Buffer.from(`${JSON.stringify(record)}\n`));
}

export interface ListRecordsOptions {
  /** Records given at most; default 50. */
  readonly limit?: number;
  /** Only this run's. */
  readonly runId?: string;
}

/** Those that ended last, newest first. What isn't a record is left out. @throws UserError `artifact-store` */
export async function listRecords(
  store: ObjectStore,
  { limit = 50, runId }: ListRecordsOptions = {},
): Promise<StoredRecord[]> {
  const start = runId === undefined ? prefix : `${prefix}${keyPart(runId)}/`;
  const found = (await listObjects(store, start)).filter(({ key }) => key.endsWith(".json"));
  // The stores' times have seconds: those of the limit's second are all read, and put in order by their own times.
  found.sort((a, b) => b.modifiedAt.getTime() - a.modifiedAt.getTime());
  const last = Math.floor((found[limit - 1]?.modifiedAt.getTime() ?? 0) / 1000) * 1000;
  const newest = found.filter(({ modifiedAt }) => modifiedAt.getTime() >= last);
  const records: StoredRecord[] = [];
  for (let at = 0; at < newest.length; at += readAtOnce) {
    const batch = newest.slice(at, at + readAtOnce).map(({ key }) => readRecord(store, key));
    for (const record of await Promise.all(batch)) if (record !== null) records.push(record);
  }
  return records.sort((a, b) => (a.endedAt < b.endedAt ? 1 : -1)).slice(0, limit);
}

const readAtOnce = 16;

/** Removes all but the newest, where no rule of a bucket does. @throws UserError `artifact-store` */
export async function pruneRecords(store: ObjectStore, keep: number): Promise<void> {
  const found = await listObjects(store, prefix);
  found.sort((a, b) => b.modifiedAt.getTime() - a.modifiedAt.getTime());
  for (const { key } of found.slice(keep)) await store.delete(key);
}

/** Null for one that expired just now, and for what isn't a record. */
async function readRecord(store: ObjectStore, key: string): Promise<StoredRecord | null> {
  const found = await readObject(store, key, (bytes) => parse(bytes) !== null);
  return found === null ? null : parse(found.bytes);
}

function parse(bytes: Buffer): StoredRecord | null {
  try {
    const record = JSON.parse(bytes.toString()) as Partial<StoredRecord> | null;
    const whole =
      record?.schemaVersion === 1 && typeof record.endedAt === "string" && Array.isArray(record.tasks);
    return whole ? (record as StoredRecord) : null;
  } catch {
    return null;
  }
}
