/** Google Cloud Storage. */
import { createHash } from "node:crypto";
import {
  Agent as HttpAgent,
  get as httpGet,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from "node:http";
import { Agent as HttpsAgent, get as httpsGet } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { IdempotencyStrategy, Storage } from "@google-cloud/storage";
import { inTime } from "./in-time.js";
import { type Condition, Conflict, type ObjectInfo, type ObjectStore, readAll } from "./object-store.js";
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
    retryOptions: { idempotencyStrategy: IdempotencyStrategy.RetryAlways, maxRetries: 5, maxRetryDelay: 8 },
    ...(emulator ? { apiEndpoint: emulator, projectId: "emulated" } : {}),
  });
  // The library takes the variable of its own process for the whole URL.
  if (emulator) storage.baseUrl = `${emulator}/storage/v1`;
  const bucket = storage.bucket(bucketName);
  const fail = (doing: string, error: unknown) => storeError(url, doing, failureOf(error));

  /**
   * By the library's own way to ask, with its identity, tries and time limit, but as one buffer: `file.save` leads a body through
   * five streams and sums it up in JavaScript, which makes much more garbage and takes twice the time.
   */
  const write = async (key: string, body: Buffer): Promise<void> => {
    const md5 = createHash("md5").update(body).digest("base64");
    const [written] = (await bucket.request({
      method: "POST",
      uri: `${storage.apiEndpoint}/upload/storage/v1/b/${bucketName}/o`,
      qs: { uploadType: "media", name: prefix + key },
      headers: { "content-type": "application/octet-stream", "x-goog-hash": `md5=${md5}` },
      body,
    })) as [{ readonly md5Hash?: string }, unknown];
    if (written.md5Hash !== md5) throw new Error("what arrived differs from what was sent");
  };

  /** What has a condition is small. The emulator heeds one only in the form in which the library writes. */
  const writeIf = (key: string, body: Buffer, condition: Condition): Promise<void> =>
    inTime(timeoutMs, () =>
      bucket.file(prefix + key).save(body, {
        resumable: false,
        preconditionOpts: { ifGenerationMatch: "ifMatch" in condition ? condition.ifMatch : 0 },
      }),
    );

  return {
    url,
    timeoutMs,

    // Not by the library's stream: when its connection breaks in the middle, that one never ends.
    async get(key) {
      const address = `${storage.baseUrl}/b/${bucketName}/o/${encodeURIComponent(prefix + key)}?alt=media`;
      try {
        const headers = emulator ? {} : await storage.authClient.getRequestHeaders(address);
        const answer = await getPatiently(address, headers, timeoutMs);
        const { statusCode = 0, statusMessage = "" } = answer;
        if (statusCode === 404) {
          const message = await textOf(answer);
          if (/bucket does not exist/i.test(message)) throw new Refusal(404, told(message));
          return null;
        }
        if (statusCode !== 200) throw new Refusal(statusCode, told(await textOf(answer)) || statusMessage);
        const etag = answer.headers["x-goog-generation"];
        if (typeof etag !== "string") throw new Error("the answer has no generation");
        return { body: answer, etag };
      } catch (error) {
        throw fail(`read ${key}`, error);
      }
    },

    async put(key, body, condition) {
      try {
        await (condition === undefined ? write(key, body) : writeIf(key, body, condition));
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

/**
 * An answer's head, asked for again when there is none, or when the server is overloaded or down. Not by `fetch`, whose streams
 * leave so much garbage behind that the memory grows with the number of files.
 */
async function getPatiently(
  address: string,
  headers: OutgoingHttpHeaders,
  timeoutMs: number,
): Promise<IncomingMessage> {
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await getHead(address, headers, timeoutMs);
      const { statusCode = 0 } = answer;
      const isBusy = statusCode === 408 || statusCode === 429 || statusCode >= 500;
      if (!isBusy || attempt === tries) return answer;
      answer.resume();
    } catch (error) {
      if (attempt === tries) throw error;
    }
    await sleep(100 * 2 ** attempt);
  }
}

const agents = { "http:": new HttpAgent({ keepAlive: true }), "https:": new HttpsAgent({ keepAlive: true }) };

function getHead(address: string, headers: OutgoingHttpHeaders, timeoutMs: number): Promise<IncomingMessage> {
  const isPlain = address.startsWith("http:");
  return new Promise((resolve, reject) => {
    const ask = isPlain ? httpGet : httpsGet;
    const request = ask(address, { headers, agent: agents[isPlain ? "http:" : "https:"] }, (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    const timer = setTimeout(
      () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    // Also when the connection breaks later on: the answer then fails as well.
    request.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

const textOf = async (answer: IncomingMessage): Promise<string> => (await readAll(answer)).toString();
