/** Google Cloud Storage. */
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { setTimeout as sleep } from "node:timers/promises";
import { IdempotencyStrategy, Storage } from "@google-cloud/storage";
import { inTime } from "./in-time.js";
import { Conflict, type ObjectInfo, type ObjectStore } from "./object-store.js";
import { failureOf, storeError } from "./store-error.js";

export interface GcsOptions {
  readonly bucket: string;
  /** "" or with a `/` at its end. */
  readonly prefix: string;
  readonly url: string;
  /** STORAGE_EMULATOR_HOST; credentials are found as every Google library does. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A request that isn't answered for so long is made again. Milliseconds; default 60,000. */
  readonly timeoutMs?: number;
}

/** What `failureOf` reads. */
class Refusal extends Error {
  readonly code: number;

  constructor(status: number, message: string) {
    super(message);
    this.code = status;
  }
}

export function openGcs({
  bucket: bucketName,
  prefix,
  url,
  env,
  timeoutMs = 60_000,
}: GcsOptions): ObjectStore {
  // Written with the API's path by some, without by others.
  const emulator = env.STORAGE_EMULATOR_HOST?.replace(/\/(storage\/v1\/?)?$/, "");
  const storage = new Storage({
    timeout: timeoutMs,
    // A write of ours is the same when it is made twice, or has a condition.
    retryOptions: { idempotencyStrategy: IdempotencyStrategy.RetryAlways, maxRetries: 5 },
    ...(emulator ? { apiEndpoint: emulator, projectId: "emulated" } : {}),
  });
  // The library takes the variable of its own process for the whole URL.
  if (emulator) storage.baseUrl = `${emulator}/storage/v1`;
  const bucket = storage.bucket(bucketName);
  const fail = (doing: string, error: unknown) => storeError(url, doing, failureOf(error));

  return {
    url,
    timeoutMs,

    // Not by the library's stream: when its connection breaks in the middle, that one never ends.
    async get(key) {
      const address = `${storage.baseUrl}/b/${bucketName}/o/${encodeURIComponent(prefix + key)}?alt=media`;
      try {
        const headers = emulator ? {} : await storage.authClient.getRequestHeaders(address);
        const answer = await fetchPatiently(address, headers, timeoutMs);
        if (answer.status === 404) {
          const message = await answer.text();
          if (/bucket does not exist/i.test(message)) throw new Refusal(404, told(message));
          return null;
        }
        if (!answer.ok) throw new Refusal(answer.status, told(await answer.text()) || answer.statusText);
        const etag = answer.headers.get("x-goog-generation");
        if (etag === null || answer.body === null) throw new Error("the answer has no generation");
        return { body: Readable.fromWeb(answer.body as ReadableStream), etag };
      } catch (error) {
        throw fail(`read ${key}`, error);
      }
    },

    async put(key, body, condition) {
      const file = bucket.file(prefix + key);
      const preconditionOpts =
        condition === undefined
          ? {}
          : { preconditionOpts: { ifGenerationMatch: "ifMatch" in condition ? condition.ifMatch : 0 } };
      try {
        await inTime(timeoutMs, () => file.save(body, { resumable: false, ...preconditionOpts }));
      } catch (error) {
        if (condition !== undefined && failureOf(error).status === 412) throw new Conflict(key);
        throw fail(`write ${key}`, error);
      }
    },

    async *list(start): AsyncGenerator<ObjectInfo> {
      const files = bucket.getFilesStream({ prefix: prefix + start });
      try {
        for await (const { name, metadata } of files) {
          yield {
            key: String(name).slice(prefix.length),
            size: Number(metadata.size ?? 0),
            modifiedAt: new Date(metadata.updated ?? metadata.timeCreated ?? 0),
          };
        }
      } catch (error) {
        throw fail(`list ${start}`, error);
      }
    },

    async delete(key) {
      await bucket
        .file(prefix + key)
        .delete({ ignoreNotFound: true })
        .catch((error: unknown) => {
          throw fail(`delete ${key}`, error);
        });
    },
  };
}

/** What the API says in its JSON, or in plain text. */
function told(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: { message?: unknown } };
    return typeof error?.message === "string" ? error.message : body;
  } catch {
    return body;
  }
}

const tries = 6;

/** An answer's head, asked for again when there is none, or when the server is overloaded or down. */
async function fetchPatiently(
  address: string,
  headers: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const late = new AbortController();
    const timer = setTimeout(
      () => late.abort(new Error(`no answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    try {
      const answer = await fetch(address, { headers, signal: late.signal });
      const isBusy = answer.status === 408 || answer.status === 429 || answer.status >= 500;
      if (!isBusy || attempt === tries) return answer;
      await answer.body?.cancel();
    } catch (error) {
      if (attempt === tries)
        throw error instanceof Error && error.cause instanceof Error ? error.cause : error;
    } finally {
      clearTimeout(timer);
    }
    await sleep(100 * 2 ** attempt);
  }
}
