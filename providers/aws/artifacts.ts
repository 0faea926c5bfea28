/** The artifact store: state and archives of runs. */
import { text } from "../rendering.js";
import { bucket, objectActions, s3Url } from "./buckets.js";
import type { Statement } from "./identity.js";
import { artifactPrefix, bucketBaseName } from "./names.js";
import type { Scope } from "./scope.js";

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
  return { url: s3Url(made.id, prefix), statements, resources: made.resources };
}
