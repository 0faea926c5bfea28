/** Roles: who may do what, on which resource. */
import type { RenderedResource, RenderedValue } from "../rendering.js";
import { json, ref, text } from "../rendering.js";
import { nameOf, rolePath } from "./names.js";
import { aws } from "./resources.js";
import type { Scope } from "./scope.js";

export interface Statement {
  /** Says what it is for; names the reason in `wildcards` where there is a `*`. */
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: RenderedValue;
  readonly Action: string | readonly string[];
  readonly Resource: RenderedValue;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, RenderedValue>>>>;
}

/** Why a statement holds a `*`, by its Sid. A test compares this list with every policy that is rendered. */
export const wildcards = {
  RegistryLogin: "ecr:GetAuthorizationToken has no resource: it signs in to the account's registry",
  WriteLog: "the streams of the job's own log group: each run makes one",
  ListArtifacts: "the condition's `*` stands for keys below the project's prefix",
  UseArtifacts: "objects below the project's prefix",
  ReadEndings: "the objects in which the deployment's own runs tell how they ended: each run leaves one",
  UseStores: "objects of the declared bucket",
  RunJob: "the revisions of the job's own task definition",
  RunJobs: "families that start with the deployment's name and `_`: no other deployment has any",
  PassJobRoles: "roles under the deployment's own IAM path: only its jobs' roles are there",
  TagRuns: "tasks of the deployment's own cluster: each run makes one, with a new id",
  WatchRuns: "tasks of the deployment's own cluster: each run makes one, with a new id",
  WatchFlows: "executions of the deployment's own state machines: each run makes one",
  DeliverLogs: "CloudWatch Logs' delivery API knows no resources (AWS's own policy for Step Functions)",
  TlsOnly: "denies: every action on the bucket and all in it, when it isn't encrypted on the way",
} as const;

export const policyDocument = (statements: readonly Statement[]) =>
  json({ Version: "2012-10-17", Statement: statements as unknown as RenderedValue });

export interface RoleSpec {
  /** One word: prefix of the role's name in Pulumi. */
  readonly kind: string;
  /** Of a job; none for a role of the deployment's. */
  readonly job?: string;
  /** Service that takes the role on. */
  readonly service: string;
  /** Only on behalf of this account: nobody else can make the service use the role. */
  readonly confined: boolean;
  readonly statements: readonly Statement[];
}

/** A role with its policy. Who uses the role should depend on `ready`, so that the permissions are there. */
export function role(scope: Scope, { kind, job, service, confined, statements }: RoleSpec) {
  const made = aws("aws:iam/role:Role", scope.resource(`${kind}role`, job), scope.parent, {
    name: nameOf(scope.plan, "role", ...(job === undefined ? [kind] : [job, kind])),
    // Containers' roles have a path of their own: who may pass them is told so.
    path: service === ecsTasks ? rolePath(scope.plan) : "/",
    assumeRolePolicy: json({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { Service: service },
          Action: "sts:AssumeRole",
          ...(confined ? { Condition: { StringEquals: { "aws:SourceAccount": scope.account } } } : {}),
        },
      ],
    }),
    tags: scope.tags,
  });
  const policy = aws("aws:iam/rolePolicy:RolePolicy", scope.resource(`${kind}policy`, job), scope.parent, {
    name: "access",
    role: ref(made, "name"),
    policy: policyDocument(statements),
  });
  const resources: RenderedResource[] = [made, policy];
  return { role: made, arn: ref(made, "arn"), ready: policy.name, resources };
}

export type Role = ReturnType<typeof role>;

export const ecsTasks = "ecs-tasks.amazonaws.com";

/** An ARN of the deployment's region and account. */
export function arn(scope: Scope, service: string, resource: RenderedValue) {
  return text`arn:${scope.partition}:${service}:${scope.region}:${scope.account}:${resource}`;
}
