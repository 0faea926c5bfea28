/** Amazon S3, or a server that speaks its protocol. */
import type { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from "@aws-sdk/client-s3";
import { type Condition, Conflict, type ObjectInfo, type ObjectStore } from "./object-store.js";
import { failureOf, storeError } from "./store-error.js";

export interface S3Options {
  readonly bucket: string;
  /** "" or with a `/` at its end. */
  readonly prefix: string;
  readonly url: string;
  /** AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL; credentials are found as every AWS SDK does. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A request over which nothing comes for so long is made again. Milliseconds; default 60,000. */
  readonly timeoutMs?: number;
}

export function openS3({ bucket, prefix, url, env, timeoutMs = 60_000 }: S3Options): ObjectStore {
  const client = new S3Client(configuration(env, timeoutMs));
  const at = (key: string) => ({ Bucket: bucket, Key: prefix + key });
  const fail = (doing: string, error: unknown) => storeError(url, doing, failureOf(error));

  async function* list(start: string): AsyncGenerator<ObjectInfo> {
    let token: string | undefined;
    do {
      const page = await client
        .send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix + start, ContinuationToken: token }))
        .catch((error: unknown) => {
          throw fail(`list ${start}`, error);
        });
      for (const { Key = "", Size = 0, LastModified = new Date(0) } of page.Contents ?? []) {
        yield { key: Key.slice(prefix.length), size: Size, modifiedAt: LastModified };
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  const isListed = async (key: string): Promise<boolean> => {
    for await (const found of list(key)) if (found.key === key) return true;
    return false;
  };

  return {
    url,
    timeoutMs,
    list,

    async get(key) {
      try {
        const { Body, ETag } = await client.send(new GetObjectCommand(at(key)));
        if (Body === undefined || ETag === undefined) throw new Error("the answer has no body or no ETag");
        return { body: Body as Readable, etag: ETag };
      } catch (error) {
        const { status, code } = failureOf(error);
        if (code === "NoSuchKey") return null;
        // S3 says 403 for what isn't there to who may list only a part of the bucket, as the job's identity.
        if (status === 403 && !(await isListed(key))) return null;
        throw fail(`read ${key}`, error);
      }
    },

    async put(key, body, condition) {
      try {
        await client.send(new PutObjectCommand({ ...at(key), Body: body, ...headersOf(condition) }));
      } catch (error) {
        const { status, code } = failureOf(error);
        // 409: two conditional writes at the same time, of which the other was first.
        if (
          condition !== undefined &&
          (status === 412 || status === 409 || (status === 404 && code === "NoSuchKey"))
        )
          throw new Conflict(key);
        throw fail(`write ${key}`, error);
      }
    },

    async delete(key) {
      await client.send(new DeleteObjectCommand(at(key))).catch((error: unknown) => {
        throw fail(`delete ${key}`, error);
      });
    },
  };
}

function headersOf(condition: Condition | undefined) {
  if (condition === undefined) return {};
  return "ifMatch" in condition ? { IfMatch: condition.ifMatch } : { IfNoneMatch: "*" };
}

function configuration(env: S3Options["env"], timeoutMs: number): S3ClientConfig {
  const endpoint = env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL;
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION;
  return {
    maxAttempts: 5,
    requestHandler: { connectionTimeout: Math.min(timeoutMs, 10_000), socketTimeout: timeoutMs },
    // Who is at another place than the bucket is told where it is.
    followRegionRedirects: true,
    ...(region ? { region } : {}),
    ...(env.AWS_PROFILE ? { profile: env.AWS_PROFILE } : {}),
    // Other servers seldom have a name for each bucket.
    ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
  };
}
