/**
 * Names on Azure. They are explicit and the same for the same plan, and legal for every input. Names that all of Azure shares,
 * and those of resource groups, hold client, project and stack; what lies in a resource group of the deployment's own is
 * unique there, so jobs and workflows (32 and 43 characters) spend none of them on it. Limits: "Naming rules and
 * restrictions for Azure resources" of Microsoft's documentation, from memory where marked UNCONFIRMED.
 */
import { createHash } from "node:crypto";
import { type NameRule, physicalName, smallDashes } from "../../model/names.js";
import type { DeployPlan } from "../../model/plan-types.js";

/** Azure takes names that differ by their case alone for the same: all are of small letters. */
const dashes = {
  allowed: /[a-z0-9-]/,
  start: /[a-z0-9]/,
  end: /[a-z0-9]/,
  lowercase: true,
  separator: "-",
} as const;

/** Small letters and digits alone. */
const smallLetters = {
  allowed: /[a-z0-9]/,
  start: /[a-z]/,
  lowercase: true,
  separator: "",
} as const;

export const names = {
  /** 1-90; `dev` and `Dev` are the same to Azure. UNCONFIRMED. */
  resourceGroup: { ...smallDashes, max: 90, start: /[a-z0-9]/ },
  /** 2-60, small letters. UNCONFIRMED. */
  environment: { max: 60, ...smallDashes },
  /** 2-32, `^[a-z][a-z0-9]*(-[a-z0-9]+)*$`: the rule of container apps, assumed for jobs (docs/cloud-facts.md). */
  job: { max: 32, ...smallDashes },
  /** 4-63. UNCONFIRMED. */
  workspace: { max: 63, ...dashes },
  /** 3-128. UNCONFIRMED. */
  identity: { max: 128, ...dashes },
  /** 3-24 in all (docs/cloud-facts.md, UNCONFIRMED), less the 8 characters that Pulumi appends (vaultName). */
  vault: { max: 16, ...dashes, start: /[a-z]/, noDoubleSeparator: true },
  /** 1-127 in all, less the 8 characters that Pulumi appends. UNCONFIRMED. */
  vaultSecret: { max: 119, ...dashes },
  /** 1-253, as a key of Kubernetes. UNCONFIRMED. */
  jobSecret: { max: 63, ...smallDashes },
  /** 3-24 (docs/cloud-facts.md, UNCONFIRMED). */
  storageAccount: { max: 24, ...smallLetters },
  /** 3-63. UNCONFIRMED. */
  container: { max: 63, ...smallDashes },
  /** 3-63, letters and digits. UNCONFIRMED. */
  table: { max: 63, ...smallLetters },
  /** 3-63, less `-poison`. UNCONFIRMED. */
  queue: { max: 56, ...smallDashes },
  /** 5-50 (docs/cloud-facts.md, UNCONFIRMED). */
  registry: { max: 50, ...smallLetters },
  repository: { max: 128, ...smallDashes },
  /** 1-43. UNCONFIRMED. */
  workflow: { max: 43, ...dashes },
  /** 1-12: shown in text messages and mail. UNCONFIRMED. */
  actionGroupShort: { max: 12, ...dashes },
  /** 1-260. UNCONFIRMED. */
  alert: { max: 128, ...dashes },
  /** 2-64. UNCONFIRMED. */
  network: { max: 64, ...dashes },
} as const satisfies Readonly<Record<string, NameRule>>;

export type NameKind = keyof typeof names;

/** Name of something of the deployment: client, project and stack, then `parts` that tell it from others of its kind. */
export function nameOf(plan: DeployPlan, kind: NameKind, ...parts: readonly string[]): string {
  return physicalName(names[kind], [...deploymentParts(plan), ...parts]);
}

/** Name of something that is unique by the resource group that it lies in. */
export function nameInGroup(kind: NameKind, ...parts: readonly string[]): string {
  return physicalName(names[kind], parts);
}

/**
 * What Pulumi appends eight random characters to, each time that a vault is made: a deleted vault keeps its name for a week,
 * so a fixed one could not be made again.
 */
export function vaultName(plan: DeployPlan, pipeline: string): string {
  return nameOf(plan, "vault", pipeline);
}

/** A storage account's name. The location is part of it: a stack that moves leaves its kept account in peace. */
export function storageAccountName(plan: DeployPlan, ...parts: readonly string[]): string {
  return nameOf(plan, "storageAccount", ...parts, locationOf(plan));
}

/** Messages that failed for good. */
export function poisonQueueName(queue: string): string {
  return `${queue}-poison`;
}

/** Keys of the artifact store start with it. */
export function artifactPrefix(plan: DeployPlan): string {
  return nameInGroup("container", plan.spec.project.name);
}

/** `West Europe` as Azure answers it: `westeurope`. */
export function locationOf({ settings }: DeployPlan): string {
  return (settings.region ?? "").toLowerCase().replace(/[^a-z0-9]/g, "");
}

/** A GUID that is the same for the same parts (as version 5 makes them, over SHA-256): names of role assignments must be one. */
export function guidOf(plan: DeployPlan, ...parts: readonly string[]): string {
  const digest = createHash("sha256")
    .update(JSON.stringify(["handoff", ...deploymentParts(plan), ...parts]))
    .digest();
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x50;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  const hex = digest.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    "-",
  );
}

/** What tags may hold: keys of 512 characters without `<>%&\?/`, values of 256; keys are the same in any case (Azure Resource Manager; UNCONFIRMED). */
export function legalTags(tags: Readonly<Record<string, string>>): Record<string, string> {
  const legal = Object.entries(tags).map(
    ([key, value]) => [key.replace(/[<>%&\\?/\p{Cc}]/gu, "_").slice(0, 128), value.slice(0, 256)] as const,
  );
  return Object.fromEntries(legal.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function deploymentParts({ settings, spec }: DeployPlan): string[] {
  return [settings.client, spec.project.name, settings.stack];
}
