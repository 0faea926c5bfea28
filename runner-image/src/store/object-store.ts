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

/** A body that is too large for the memory. It is read once, so the store doesn't try it again as a whole. */
export interface SizedStream {
  /** Bytes. */
  readonly size: number;
  readonly stream: Readable;
}

/** What must be so for a write to happen; the store checks it together with the write. */
export type Condition = { readonly ifMatch: string } | { readonly ifAbsent: true };

/** Keys are relative to the store's URL. Every method throws a `UserError` for what the store refuses. */
export interface ObjectStore {
  /** For messages. */
  readonly url: string;
  /** Null: there is none. */
  get(key: string): Promise<StoredObject | null>;
  /** Whole or not at all. @throws Conflict when the condition doesn't hold */
  put(key: string, body: Buffer | SizedStream, condition?: Condition): Promise<void>;
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
