/** Azure Blob Storage. */
import type { Readable } from "node:stream";
import { BlobServiceClient } from "@azure/storage-blob";
import { azureCredential } from "./azure-credential.js";
import { inTime } from "./in-time.js";
import { type Condition, Conflict, type ObjectInfo, type ObjectStore } from "./object-store.js";
import { failureOf, storeError } from "./store-error.js";

export interface BlobOptions {
  /** Of the storage account. */
  readonly endpoint: string;
  readonly container: string;
  /** "" or with a `/` at its end. */
  readonly prefix: string;
  readonly url: string;
  /** AZURE_STORAGE_CONNECTION_STRING, else an identity: AZURE_CLIENT_ID says which one. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A request that isn't answered for so long is made again. Milliseconds; default 60,000. */
  readonly timeoutMs?: number;
}

export function openBlob({
  endpoint,
  container: name,
  prefix,
  url,
  env,
  timeoutMs = 60_000,
}: BlobOptions): ObjectStore {
  const connection = env.AZURE_STORAGE_CONNECTION_STRING;
  const retryOptions = { maxTries: 5, tryTimeoutInMs: timeoutMs, retryDelayInMs: 500 };
  const service = connection
    ? BlobServiceClient.fromConnectionString(connection, { retryOptions })
    : new BlobServiceClient(endpoint, azureCredential(env), { retryOptions });
  const container = service.getContainerClient(name);
  const blob = (key: string) => container.getBlockBlobClient(prefix + key);
  const fail = (doing: string, error: unknown) => storeError(url, doing, failureOf(error));

  return {
    url,
    timeoutMs,

    async get(key) {
      try {
        const { readableStreamBody, etag } = await inTime(timeoutMs, (abortSignal) =>
          blob(key).download(0, undefined, { abortSignal }),
        );
        if (readableStreamBody === undefined || etag === undefined)
          throw new Error("the answer has no body or no ETag");
        return { body: readableStreamBody as Readable, etag };
      } catch (error) {
        if (failureOf(error).code === "BlobNotFound") return null;
        throw fail(`read ${key}`, error);
      }
    },

    async put(key, body, condition) {
      const conditions = headersOf(condition);
      try {
        await inTime(timeoutMs, (abortSignal) =>
          blob(key).upload(body, body.length, { conditions, abortSignal }),
        );
      } catch (error) {
        const { status } = failureOf(error);
        if (condition !== undefined && (status === 412 || status === 409)) throw new Conflict(key);
        throw fail(`write ${key}`, error);
      }
    },

    async *list(start): AsyncGenerator<ObjectInfo> {
      try {
        let continuationToken: string | undefined;
        do {
          const from = continuationToken;
          const { value: page } = await inTime(timeoutMs, (abortSignal) =>
            container
              .listBlobsFlat({ prefix: prefix + start, abortSignal })
              .byPage(from ? { continuationToken: from } : {})
              .next(),
          );
          for (const { name: found, properties } of page?.segment.blobItems ?? []) {
            yield {
              key: found.slice(prefix.length),
              size: properties.contentLength ?? 0,
              modifiedAt: properties.lastModified,
            };
          }
          continuationToken = page?.continuationToken;
        } while (continuationToken);
      } catch (error) {
        throw fail(`list ${start}`, error);
      }
    },

    async delete(key) {
      await inTime(timeoutMs, (abortSignal) => blob(key).deleteIfExists({ abortSignal })).catch(
        (error: unknown) => {
          throw fail(`delete ${key}`, error);
        },
      );
    },
  };
}

function headersOf(condition: Condition | undefined) {
  if (condition === undefined) return {};
  return "ifMatch" in condition ? { ifMatch: condition.ifMatch } : { ifNoneMatch: "*" };
}
