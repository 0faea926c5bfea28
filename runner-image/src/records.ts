/**
 * Records of runs in the artifact store, `records/<run>/<job>.json`: written at a run's end, however it ended, and read by
 * `handoff runs`. They expire with the archives of runs.
 */
import type { StoredRecord } from "../../model/run.js";
import { keyPart } from "./store/key-part.js";
import { listObjects, type ObjectInfo, type ObjectStore } from "./store/object-store.js";
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
  /** Only of the runs whose id begins so. */
  readonly beginning?: string;
}

/** Those that ended last, newest first. What isn't a record is left out. @throws UserError `artifact-store` */
export async function listRecords(
  store: ObjectStore,
  { limit = 50, runId, beginning = "" }: ListRecordsOptions = {},
): Promise<StoredRecord[]> {
  // What is no beginning of a key as it stands is looked for among all.
  const plain = beginning === "" || keyPart(beginning) === beginning ? beginning : "";
  const start = runId === undefined ? `${prefix}${plain}` : `${prefix}${keyPart(runId)}/`;
  const found = (await listObjects(store, start)).filter(({ key }) => key.endsWith(".json"));
  // By the store's clock, as containers' differ. It has seconds: within one, and in the one that the limit falls into, the
  // records' own times count.
  const second = ({ modifiedAt }: ObjectInfo): number => Math.floor(modifiedAt.getTime() / 1000);
  found.sort((a, b) => second(b) - second(a));
  const oldest = found[limit - 1];
  const newest = oldest === undefined ? found : found.filter((object) => second(object) >= second(oldest));
  const records: { readonly second: number; readonly record: StoredRecord }[] = [];
  for (let at = 0; at < newest.length; at += readAtOnce) {
    await Promise.all(
      newest.slice(at, at + readAtOnce).map(async (object) => {
        const record = await readRecord(store, object.key);
        if (record?.runId.startsWith(beginning)) records.push({ second: second(object), record });
      }),
    );
  }
  records.sort((a, b) => b.second - a.second || (a.record.endedAt < b.record.endedAt ? 1 : -1));
  return records.slice(0, limit).map(({ record }) => record);
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
  const found = await readObject(store, key);
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
