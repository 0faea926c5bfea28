/** What artifacts need of a cloud's object store: one small interface, an adapter for each. */
import type { Readable } from "node:stream";

export interface ObjectInfo {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** By the store's clock. */
  readonly modifiedAt: Date;
}

export interface StoredObject {
  /** Changes with every write of the object. */
  readonly etag: string;
  readonly body: Readable;
}

/** What must be so for a write to happen; the store checks it together with the write. */
export type Condition = { readonly ifMatch: string } | { readonly ifAbsent: true };

/** Keys are relative to the store's URL. Every method throws a `UserError` for what the store refuses. */
export interface ObjectStore {
  /** For messages. */
  readonly url: string;
  /** How long an answer may take, in milliseconds. */
  readonly timeoutMs?: number;
  /** Null: there is none. */
  get(key: string): Promise<StoredObject | null>;
  /** Whole or not at all; for what fits into the memory. @throws Conflict when the condition doesn't hold */
  put(key: string, body: Buffer, condition?: Condition): Promise<void>;
  /** All objects whose key begins with `prefix`. */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /** One that isn't there is fine. */
  delete(key: string): Promise<void>;
}

/** Another one has written the object first. */
export class Conflict extends Error {
  override readonly name = "Conflict";

  constructor(key: string) {
    super(`${key} was written by another run`);
  }
}

export async function readAll(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export async function listObjects(store: ObjectStore, prefix: string): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = [];
  for await (const object of store.list(prefix)) found.push(object);
  return found;
}

/** When the object was written, by the store's clock; null: it isn't there. */
export async function modifiedAt(store: ObjectStore, key: string): Promise<Date | null> {
  for await (const object of store.list(key)) if (object.key === key) return object.modifiedAt;
  return null;
}

/**
 * The store's time: containers' clocks differ, from it and from each other. Costs a write of the object `clock`, so where
 * something has just been written, its `modifiedAt` is to be preferred.
 */
export async function storeTime(store: ObjectStore): Promise<Date> {
  await store.put("clock", Buffer.from("\n"));
  const now = await modifiedAt(store, "clock");
  if (now === null) throw new Error(`what was just written to ${store.url} isn't there`);
  return now;
}
