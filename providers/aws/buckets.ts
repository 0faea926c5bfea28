/** An S3 bucket with everything that keeps what is in it: artifacts and declared stores. */
import { type RenderedOptions, type RenderedResource, type RenderedValue, ref, text } from "../rendering.js";
import { policyDocument } from "./identity.js";
import { aws } from "./resources.js";
import type { Scope } from "./scope.js";

export interface BucketSpec {
  /** One word: prefix of the resources' names in Pulumi. */
  readonly kind: string;
  readonly name?: string;
  /** Physical name without the account's number. */
  readonly base: string;
  /** Objects below these prefixes are removed after so many days; a rule for each, by its name. */
  readonly expire?: { readonly prefixes: Readonly<Record<string, string>>; readonly days: number };
}

/** Data stays when a deployment goes, unless the stack says `deleteData`. */
export function keep(scope: Scope): RenderedOptions {
  return scope.plan.settings.deleteData ? {} : { retainOnDelete: true };
}

/** Private, encrypted, versioned, reached through TLS alone. Its settings stay with a bucket that stays. */
export function bucket(scope: Scope, { kind, name, base, expire }: BucketSpec) {
  const { parent, plan, tags } = scope;
  const nameFor = (part: string) => scope.resource(`${kind}${part}`, name);
  const options = keep(scope);
  const made = aws(
    "aws:s3/bucket:Bucket",
    scope.resource(kind, name),
    parent,
    {
      // The world's accounts share the names of buckets; the account's number makes this one its own.
      bucket: text`${base}-${scope.account}`,
      ...(plan.settings.deleteData ? { forceDestroy: true } : {}),
      tags,
    },
    options,
  );
  const id = ref(made, "bucket");
  const versioning = aws(
    "aws:s3/bucketVersioning:BucketVersioning",
    nameFor("versioning"),
    parent,
    { bucket: id, versioningConfiguration: { status: "Enabled" } },
    options,
  );
  const encryption = aws(
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    nameFor("encryption"),
    parent,
    {
      bucket: id,
      rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" }, bucketKeyEnabled: true }],
    },
    options,
  );
  const access = aws(
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    nameFor("access"),
    parent,
    {
      bucket: id,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
    options,
  );
  const ownership = aws(
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    nameFor("ownership"),
    parent,
    { bucket: id, rule: { objectOwnership: "BucketOwnerEnforced" } },
    options,
  );
  const lifecycle = aws(
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    nameFor("lifecycle"),
    parent,
    { bucket: id, rules: rules(expire) },
    // Rules for old versions need versions.
    { ...options, dependsOn: [versioning.name] },
  );
  const policy = aws(
    "aws:s3/bucketPolicy:BucketPolicy",
    nameFor("policy"),
    parent,
    {
      bucket: id,
      policy: policyDocument([
        {
          Sid: "TlsOnly",
          Effect: "Deny",
          Principal: "*",
          Action: "s3:*",
          Resource: [ref(made, "arn"), text`${ref(made, "arn")}/*`],
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ]),
    },
    // Two writers of a bucket's policy and its public access at a time: S3 refuses one of them.
    { ...options, dependsOn: [access.name] },
  );
  const resources: RenderedResource[] = [made, versioning, encryption, access, ownership, lifecycle, policy];
  return { bucket: made, arn: ref(made, "arn"), id, resources };
}

/** Old versions go after 30 days, uploads that were never finished after 7. */
function rules(expire: BucketSpec["expire"]) {
  return [
    {
      id: "old-versions",
      status: "Enabled",
      filter: { prefix: "" },
      noncurrentVersionExpiration: { noncurrentDays: 30 },
      abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
    },
    ...(expire
      ? Object.entries(expire.prefixes).map(([id, prefix]) => ({
          id,
          status: "Enabled",
          filter: { prefix },
          expiration: { days: expire.days },
        }))
      : []),
  ];
}

/** What a job does with objects. */
export const objectActions = [
  "s3:AbortMultipartUpload",
  "s3:DeleteObject",
  "s3:GetObject",
  "s3:PutObject",
] as const;

/** `s3://bucket`, with a prefix below it. */
export const s3Url = (id: RenderedValue, prefix?: string) =>
  prefix === undefined ? text`s3://${id}` : text`s3://${id}/${prefix}`;
