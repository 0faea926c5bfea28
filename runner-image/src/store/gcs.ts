/** Google Cloud Storage. */
import { IdempotencyStrategy, Storage } from "@google-cloud/storage";
import { Conflict, type ObjectInfo, type ObjectStore, type StoredObject } from "./object-store.js";
import { failureOf, storeError } from "./store-error.js";

export interface GcsOptions {
  readonly bucket: string;
  /** "" or with a `/` at its end. */
  readonly prefix: string;
  readonly url: string;
  /** STORAGE_EMULATOR_HOST; credentials are found as every Google library does. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
}

export function openGcs({ bucket: bucketName, prefix, url, env }: GcsOptions): ObjectStore {
  // Written with the API's path by some, without by others.
  const emulator = env.STORAGE_EMULATOR_HOST?.replace(/\/(storage\/v1\/?)?$/, "");
  const storage = new Storage({
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

    get(key) {
      const body = bucket.file(prefix + key).createReadStream({ validation: false });
      return new Promise<StoredObject | null>((resolve, reject) => {
        body.once("error", (error) => {
          if (failureOf(error).status === 404 && !/bucket does not exist/i.test(error.message)) resolve(null);
          else reject(fail(`read ${key}`, error));
        });
        body.once("response", ({ headers, statusCode }: Answer) => {
          if (statusCode >= 300) return; // comes as an error too
          const etag = headers["x-goog-generation"];
          if (etag === undefined) body.destroy(new Error("the answer has no generation"));
          else resolve({ body, etag });
        });
        // Nothing is asked before somebody reads.
        body.read(0);
      });
    },

    async put(key, body, condition) {
      const file = bucket.file(prefix + key);
      const preconditionOpts =
        condition === undefined
          ? {}
          : { preconditionOpts: { ifGenerationMatch: "ifMatch" in condition ? condition.ifMatch : 0 } };
      try {
        await file.save(body, { resumable: false, ...preconditionOpts });
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
