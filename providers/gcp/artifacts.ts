/** Buckets: the one for artifacts, and what they all have in common. */
import { ref, text } from "../rendering.js";
import { artifactPrefix, nameOf } from "./names.js";
import { gcp, type Made } from "./resources.js";
import type { Scope, Text } from "./scope.js";

/** As the SDK has it, as far as it is used. */
interface LifecycleRule {
  readonly action: { readonly type: string };
  readonly condition: {
    readonly age?: number;
    readonly daysSinceNoncurrentTime?: number;
    readonly matchesPrefixes?: readonly string[];
    readonly withState?: string;
  };
}

export type Bucket = Made<"gcp:storage/bucket:Bucket">;

/** What survives from run to run, and for a while an archive and a record of each run. */
export function artifacts(scope: Scope): Bucket {
  const age = scope.plan.settings.artifactRetentionDays;
  const matchesPrefixes = ["runs", "records"].map((of) => `${artifactPrefix(scope.plan)}/${of}/`);
  return bucket(scope, scope.name("artifacts"), "artifacts", [
    {
      action: { type: "Delete" },
      condition: { age, matchesPrefixes, withState: "LIVE" },
    },
  ]);
}

/** A private, versioned bucket, encrypted as all are; kept when it is no longer wanted, unless the stack says otherwise. */
export function bucket(
  { plan, parent, project, region, labels }: Scope,
  name: string,
  purpose: string,
  rules: readonly LifecycleRule[] = [],
): Bucket {
  const { deleteData } = plan.settings;
  return gcp(
    "gcp:storage/bucket:Bucket",
    name,
    parent,
    {
      name: nameOf(plan, "bucket", purpose),
      project,
      // As the API answers it: small letters would be a difference.
      location: region.toUpperCase(),
      uniformBucketLevelAccess: true,
      publicAccessPrevention: "enforced",
      versioning: { enabled: true },
      softDeletePolicy: { retentionDurationSeconds: 7 * 86_400 },
      lifecycleRules: [
        { action: { type: "Delete" }, condition: { daysSinceNoncurrentTime: 30, withState: "ARCHIVED" } },
        { action: { type: "AbortIncompleteMultipartUpload" }, condition: { age: 7 } },
        ...rules,
      ],
      forceDestroy: deleteData,
      labels,
    },
    { retainOnDelete: !deleteData },
  );
}

/** Where the runner finds the state of the last run and archives each. */
export function artifactsUrl({ plan }: Pick<Scope, "plan">, made: Bucket): Text {
  return text`gs://${ref(made, "name")}/${artifactPrefix(plan)}`;
}
