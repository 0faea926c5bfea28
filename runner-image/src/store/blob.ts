/** Azure Blob Storage. */
import type { Readable } from "node:stream";
import { BlobServiceClient } from "@azure/storage-blob";
import { azureCredential } from "./azure-credential.js";
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
}

export function openBlob({ endpoint, container: name, prefix, url, env }: BlobOptions): ObjectStore {
  const connection = env.AZURE_STORAGE_CONNECTION_STRING;
  const retryOptions = { maxTries: 5, tryTimeoutInMs: 60_000, retryDelayInMs: 500, maxRetryDelayInMs: 8_000 };
  const service = connection
    ? BlobServiceClient.fromConnectionString(connection, { retryOptions })
    : new BlobServiceClient(endpoint, azureCredential(env), { retryOptions });
  const container = service.getContainerClient(name);
  const blob = (key: string) => container.getBlockBlobClient(prefix + key);
  const fail = (doing: string, error: unknown) => storeError(url, doing, failureOf(error));

  return {
    url,

    async get(key) {
      try {
        const { readableStreamBody, etag } = await blob(key).download();
        if (readableStreamBody === undefined || etag === undefined)
          throw new Error("the answer has no body or no ETag");
        return { body: readableStreamBody as Readable, etag };
      } catch (error) {
        if (failureOf(error).code === "BlobNotFound") return null;
        throw fail(`read ${key}`, error);
      }
    },

    async put(key, body, condition) {
      const options = { conditions: headersOf(condition) };
      try {
        await blob(key).upload(body, body.length, options);
      } catch (error) {
        const { status } = failureOf(error);
        if (condition !== undefined && (status === 412 || status === 409)) throw new Conflict(key);
        throw fail(`write ${key}`, error);
      }
    },

    async *list(start): AsyncGenerator<ObjectInfo> {
      try {
        for await (const { name: found, properties } of container.listBlobsFlat({ prefix: prefix + start })) {
          yield {
            key: found.slice(prefix.length),
            size: properties.contentLength ?? 0,
            modifiedAt: properties.lastModified,
          };
        }
      } catch (error) {
        throw fail(`list ${start}`, error);
      }
    },

    async delete(key) {
      await blob(key)
        .deleteIfExists()
        .catch((error: unknown) => {
          throw fail(`delete ${key}`, error);
        });
    },
  };
}

function headersOf(condition: Condition | undefined) {
  if (condition === undefined) return {};
  return "ifMatch" in condition ? { ifMatch: condition.ifMatch } : { ifNoneMatch: "*" };
}
