/** The artifact store: state and archives of runs. */
import { type RenderedValue, text } from "../rendering.js";
import { bucket, objectActions, s3Url } from "./buckets.js";
import type { Statement } from "./identity.js";
import { artifactPrefix, bucketBaseName } from "./names.js";
import type { Scope } from "./scope.js";

/** Where runs leave how they ended, for the notifications (runner-image/src/ending.ts). */
export interface Endings {
  readonly bucket: RenderedValue;
  /** Before `<name>/end`. */
  readonly prefix: string;
  readonly read: Statement;
}

export function artifacts(scope: Scope) {
  const { plan } = scope;
  const prefix = artifactPrefix(plan);
  const made = bucket(scope, {
    kind: "artifacts",
    base: bucketBaseName(plan, "artifacts"),
    expire: {
      prefixes: { archives: `${prefix}/runs/`, records: `${prefix}/records/` },
      days: plan.settings.artifactRetentionDays,
    },
  });
  const statements: Statement[] = [
    {
      Sid: "ListArtifacts",
      Effect: "Allow",
      Action: "s3:ListBucket",
      Resource: made.arn,
      Condition: { StringLike: { "s3:prefix": `${prefix}/*` } },
    },
    {
      Sid: "UseArtifacts",
      Effect: "Allow",
      Action: [...objectActions],
      Resource: text`${made.arn}/${prefix}/*`,
    },
  ];
  const endings: Endings = {
    bucket: made.id,
    prefix: `${prefix}/records/`,
    read: {
      Sid: "ReadEndings",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: text`${made.arn}/${prefix}/records/*/end`,
    },
  };
  return { url: s3Url(made.id, prefix), statements, endings, resources: made.resources };
}
