/** Who does what: an account for each job and for each kind of caller, with roles on exactly what it needs. */
import { type RenderedResource, ref } from "../rendering.js";
import { nameOf } from "./names.js";
import { gcp, type Made } from "./resources.js";
import { namesOf, type Scope, type Text } from "./scope.js";
import type { Stores } from "./stores.js";

export type Account = Made<"gcp:serviceaccount/account:Account">;

/** An account and what it may do; `grants` have to be there before it does anything. */
export interface Identity {
  readonly account: Account;
  readonly grants: readonly RenderedResource[];
}

/** Roles that are given on the whole project, because the service has nothing smaller; each with its reason. */
export const projectRoles = {
  "roles/run.viewer":
    "the workflows' connector polls executions of jobs, which are not found under the job in the API that it uses (UNCONFIRMED); read only",
  "roles/workflows.invoker":
    "a workflow has no policy of its own, so starting one can't be granted on it alone",
  "roles/eventarc.eventReceiver":
    "events have no resource that a policy could be on; it allows to receive them, nothing else",
  "roles/datastore.user": "a Firestore database has no policy of its own: a condition names the one database",
} as const;
export type ProjectRole = keyof typeof projectRoles;

/** A role on all of the project, with the condition that narrows it where there can be one. */
export function grantOnProject(
  scope: Scope,
  holder: string,
  account: Account,
  role: ProjectRole,
  condition?: { readonly title: string; readonly expression: Text },
): RenderedResource {
  return gcp(
    "gcp:projects/iAMMember:IAMMember",
    scope.name("grant", role.replace(/^roles\//, ""), holder),
    scope.parent,
    {
      project: scope.project,
      role,
      member: ref(account, "member"),
      ...(condition === undefined ? {} : { condition }),
    },
  );
}

export function accountOf(scope: Scope, kind: string, parts: readonly string[], what: string): Account {
  return gcp("gcp:serviceaccount/account:Account", scope.name("account", kind, ...parts), scope.parent, {
    accountId: nameOf(scope.plan, "serviceAccount", kind, ...parts),
    project: scope.project,
    displayName: `handoff: ${what} of ${scope.title}`.slice(0, 100),
  });
}

/**
 * A job's own account: it reads its secrets, and works with the artifacts and declared stores. What it logs is collected by
 * Cloud Run, and the image is pulled by Cloud Run's own agent: it needs no role for these.
 */
export function jobIdentity(scope: Scope, job: string, { secrets, artifacts, stores }: JobAccess): Identity {
  const account = accountOf(scope, "job", [job], `job ${job}`);
  const member = ref(account, "member");
  const buckets = [artifacts, ...stores.buckets];
  const grants: RenderedResource[] = [
    ...secrets.map((secret) => grantOnSecret(scope, secret, job, account)),
    ...buckets.map((bucket) =>
      gcp("gcp:storage/bucketIAMMember:BucketIAMMember", `${bucket.name}.${job}`, scope.parent, {
        bucket: ref(bucket, "name"),
        role: "roles/storage.objectUser",
        member,
      }),
    ),
  ];
  if (stores.database) {
    const database = stores.database;
    grants.push(
      grantOnProject(scope, `job-${job}`, account, "roles/datastore.user", {
        title: "one database",
        expression: {
          $join: [`resource.name == "projects/${scope.project}/databases/`, ref(database, "name"), '"'],
        },
      }),
    );
  }
  return { account, grants };
}

export interface JobAccess {
  readonly secrets: readonly Made<"gcp:secretmanager/secret:Secret">[];
  readonly artifacts: Made<"gcp:storage/bucket:Bucket">;
  readonly stores: Stores;
}

export function grantOnSecret(
  { parent, project }: Scope,
  secret: Made<"gcp:secretmanager/secret:Secret">,
  holder: string,
  account: Account,
): RenderedResource {
  return gcp("gcp:secretmanager/secretIamMember:SecretIamMember", `${secret.name}.${holder}`, parent, {
    project,
    secretId: ref(secret, "secretId"),
    role: "roles/secretmanager.secretAccessor",
    member: ref(account, "member"),
  });
}

/** Leave to start a job with arguments and environment of one's own. */
export function grantOnJob(
  { parent, project, region }: Scope,
  job: Made<"gcp:cloudrunv2/job:Job">,
  holder: string,
  account: Account,
): RenderedResource {
  return gcp("gcp:cloudrunv2/jobIamMember:JobIamMember", `${job.name}.${holder}`, parent, {
    project,
    location: region,
    name: ref(job, "name"),
    role: "roles/run.jobsExecutorWithOverrides",
    member: ref(account, "member"),
  });
}

/** Leave to publish to a topic. */
export function grantOnTopic(
  { parent, project }: Scope,
  topic: Made<"gcp:pubsub/topic:Topic">,
  holder: string,
  member: Text,
): RenderedResource {
  return gcp("gcp:pubsub/topicIAMMember:TopicIAMMember", `${topic.name}.${holder}`, parent, {
    project,
    topic: ref(topic, "name"),
    role: "roles/pubsub.publisher",
    member,
  });
}

/** What must be there before an identity is used. */
export function readyWith({ grants }: Identity): string[] {
  return namesOf(grants);
}
