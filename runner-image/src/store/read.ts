/** Reading an object as a whole over a connection that may break, stall, or bring something else. */
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../../model/diagnostic.js";
import type { ObjectStore } from "./object-store.js";

const tries = 6;
/** A body of which nothing comes for so long is taken for broken off: not every library notices that by itself. */
const mostStalledMs = 20_000;

export interface ReadObject {
  readonly etag: string;
  readonly bytes: Buffer;
}

/**
 * Null: there is none. Tried again when the connection breaks or stalls in the middle, since the clouds' libraries try only
 * up to the first byte, and when `isWhole` says no; then what came last is given.
 * @param room what is read is put here, and is a part of it, unless it is larger
 * @throws UserError `artifact-store` when all tries broke off
 */
export async function readObject(
  store: ObjectStore,
  key: string,
  isWhole: (bytes: Buffer) => boolean = () => true,
  room: Buffer = Buffer.allocUnsafe(64 * 1024),
): Promise<ReadObject | null> {
  for (let attempt = 1; ; attempt++) {
    const found = await store.get(key);
    if (found === null) return null;
    try {
      const bytes = await readWhileItFlows(
        found.body,
        Math.min(mostStalledMs, store.timeoutMs ?? mostStalledMs),
        room,
      );
      if (isWhole(bytes) || attempt === tries) return { etag: found.etag, bytes };
    } catch (error) {
      if (attempt === tries) throw broken(store, key, error);
    }
    await sleep(50 * 2 ** attempt);
  }
}

async function readWhileItFlows(body: Readable, stalledMs: number, room: Buffer): Promise<Buffer> {
  const timer = setTimeout(() => {
    body.destroy(new Error(`nothing came for ${stalledMs / 1000} s`));
  }, stalledMs);
  let bytes = room;
  let length = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      const needed = length + chunk.length;
      if (needed > bytes.length) bytes = Buffer.concat([bytes], Math.max(needed, 2 * bytes.length));
      length += chunk.copy(bytes, length);
      timer.refresh();
    }
    return bytes.subarray(0, length);
  } finally {
    clearTimeout(timer);
  }
}

function broken(store: ObjectStore, key: string, error: unknown): UserError {
  const reason = error instanceof Error ? error.message : String(error);
  return new UserError(`can't read ${key} in ${store.url}: ${reason}`, {
    code: "artifact-store",
    hint: "the connection broke, also after several tries: run the job again",
  });
}
