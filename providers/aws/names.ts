/** Names in an AWS account. Limits: botocore 1.44.5's API models, read 2026-11-21 (docs/cloud-facts.md), unless noted. */
import { type NameRule, physicalName, smallDashes } from "../../model/names.js";
import type { DeployPlan } from "../../model/plan-types.js";

const dashed = { allowed: /[A-Za-z0-9_-]/, separator: "-" } as const;
const pathLike = { allowed: /[A-Za-z0-9_./-]/, separator: "/" } as const;

export const names = {
  cluster: { max: 255, ...dashed },
  /** `dev` and `Dev` are the same to IAM. */
  role: { max: 64, allowed: /[a-z0-9_-]/, lowercase: true, separator: "-" },
  scheduleGroup: { max: 64, ...dashed },
  schedule: { max: 64, ...dashed },
  rule: { max: 64, ...dashed },
  apiDestination: { max: 64, ...dashed },
  connection: { max: 64, ...dashed },
  alarm: { max: 255, ...dashed },
  pipe: { max: 64, ...dashed },
  stateMachine: { max: 80, ...dashed },
  queue: { max: 80, ...dashed },
  topic: { max: 256, ...dashed },
  table: { max: 255, ...dashed },
  /** VPC, subnets and what else is only shown by its `Name` tag (256), and security groups (255, not starting with `sg-`). */
  network: { max: 255, ...dashed },
  /** 512 with the leading `/handoff/` or `/aws/vendedlogs/states/`. */
  logGroup: { max: 480, ...pathLike },
  /** 512; must not end with `-` and six characters: `secretName` ends all of them alike. */
  secret: { max: 512, ...pathLike },
  /** 2 to 256, small letters, each separator between two of them. */
  repository: { max: 256, ...smallDashes },
  /** 63, less the account's number and a dash: bucket names are shared by all accounts of the world. */
  bucket: { max: 50, ...smallDashes },
  /** Half of a family's name (255): without `_`, which stands between the deployment and the job. */
  familyPart: { max: 120, allowed: /[A-Za-z0-9-]/, separator: "-" },
  /** Prefix of keys in the artifact bucket. */
  keyPrefix: { max: 128, ...dashed },
  /** Execution's and state's names: 80, with room for what happened to a job. */
  state: { max: 60, ...dashed },
} as const satisfies Readonly<Record<string, NameRule>>;

/** Name of something of the deployment: client, project and stack make it unique in the account and region. */
export function nameOf(plan: DeployPlan, rule: keyof typeof names, ...parts: readonly string[]): string {
  return physicalName(names[rule], [...deploymentParts(plan), ...parts]);
}

/** What all families of the deployment start with, and the path of its jobs' roles. */
export function deploymentName(plan: DeployPlan): string {
  return physicalName(names.familyPart, deploymentParts(plan));
}

/** Family of a job's task definitions. No other deployment has a family with the same text before the `_`. */
export function familyName(plan: DeployPlan, job: string): string {
  return `${deploymentName(plan)}_${physicalName(names.familyPart, [job])}`;
}

/** IAM path of the roles that the deployment's containers have; nothing else is under it. */
export function rolePath(plan: DeployPlan): string {
  return `/handoff/${deploymentName(plan)}/`;
}

export function logGroupName(plan: DeployPlan, job: string): string {
  return `/handoff/${nameOf(plan, "logGroup", job)}`;
}

/** Step Functions' log groups: resource policies for this prefix are managed by AWS. */
export function flowLogGroupName(plan: DeployPlan, flow: string): string {
  return `/aws/vendedlogs/states/${nameOf(plan, "logGroup", flow)}`;
}

export function secretName(plan: DeployPlan, key: string): string {
  return nameOf(plan, "secret", key, "secret");
}

/** A bucket's name without the account's number at its end. */
export function bucketBaseName(plan: DeployPlan, ...parts: readonly string[]): string {
  // The region is part of it, so that a stack that moves to another one leaves its kept bucket in peace.
  const all = ["handoff", ...deploymentParts(plan), ...parts, plan.settings.region ?? ""];
  return physicalName(names.bucket, all);
}

/** Keys of the artifact store start with it. */
export function artifactPrefix(plan: DeployPlan): string {
  return physicalName(names.keyPrefix, [plan.spec.project.name]);
}

function deploymentParts({ settings, spec }: DeployPlan): string[] {
  return [settings.client, spec.project.name, settings.stack];
}

/** What tags may hold: letters, spaces, numbers and `_.:/=+-@`, 128 and 256 characters (EC2 user guide; UNCONFIRMED for each service). */
export function legalTags(tags: Readonly<Record<string, string>>): Record<string, string> {
  const legal = (text: string) => text.replace(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, "_");
  return Object.fromEntries(
    Object.entries(tags)
      .map(([key, value]) => [legal(key).slice(0, 128), legal(value).slice(0, 256)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
