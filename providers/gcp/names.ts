/**
 * Names on Google Cloud. They are explicit and the same for the same plan, hold client, project and stack, and are legal for
 * every input. Limits marked UNCONFIRMED are from memory of the APIs' error messages.
 */
import { createHash } from "node:crypto";
import { type NameRule, physicalName } from "../../model/names.js";
import type { DeployPlan } from "../../model/plan-types.js";
import { isOrchestrated } from "../flows.js";

const dashes = {
  allowed: /[a-z0-9-]/,
  start: /[a-z]/,
  end: /[a-z0-9]/,
  lowercase: true,
  separator: "-",
} as const;

/** What each kind of name may be; `source` says where that is from. */
export const names = {
  /** 63 is the limit of the API; 14 are left for what Cloud Run appends to an execution's name. Source: docs/cloud-facts.md. */
  job: { ...dashes, max: 49 },
  /** 6-30. Source: IAM's service account page; UNCONFIRMED. */
  serviceAccount: { ...dashes, max: 30 },
  /** Up to 500 of `[A-Za-z0-9_-]`. Source: Google's discovery document of Cloud Scheduler. 100 can still be read. */
  schedulerJob: { ...dashes, max: 100 },
  /** 1-64. Source: Google's discovery document of Workflows. */
  workflow: { ...dashes, max: 63 },
  /** Source: Eventarc; UNCONFIRMED. */
  eventarcTrigger: { ...dashes, max: 63 },
  /** 3-255, not starting with `goog`. Source: Pub/Sub; UNCONFIRMED. */
  topic: { ...dashes, max: 100 },
  subscription: { ...dashes, max: 100 },
  /** 3-63, one name space for all of Google Cloud, without `google`. Source: Cloud Storage's naming guidelines. */
  bucket: { ...dashes, max: 63 },
  /** 4-63, not like a UUID. Source: Firestore's page on databases; UNCONFIRMED. */
  database: { ...dashes, max: 63, noDoubleSeparator: true },
  /** Up to 255 of `[A-Za-z0-9_-]`. Source: docs/cloud-facts.md; UNCONFIRMED. */
  secret: { allowed: /[A-Za-z0-9_-]/, max: 255, separator: "-" },
  /** Source: Artifact Registry; UNCONFIRMED. */
  repository: { ...dashes, max: 63 },
  /** RFC 1035 labels, as all of Compute Engine. */
  network: { ...dashes, max: 63 },
  /** Up to 100 of `[A-Za-z0-9_.-]`. Source: Cloud Logging; UNCONFIRMED. */
  logBucket: { ...dashes, max: 100 },
  sink: { ...dashes, max: 100 },
  /** Prefix of objects in the artifact bucket. */
  keyPrefix: { allowed: /[A-Za-z0-9_-]/, max: 128, separator: "-" },
} as const satisfies Readonly<Record<string, NameRule>>;

export type NameKind = keyof typeof names;

/** Name of a thing of the plan: client, project and stack, then `parts` that tell it from others of its kind. */
export function nameOf(plan: DeployPlan, kind: NameKind, ...parts: readonly string[]): string {
  const { settings, spec } = plan;
  const all = [settings.client, spec.project.name, settings.stack, ...parts];
  // The account's project makes names unique that are shared by everybody in the world.
  return legalName(names[kind], kind === "bucket" ? [...all, settings.gcpProject ?? ""] : all);
}

/** What the artifact bucket's objects start with, before the `/`. */
export function artifactPrefix(plan: DeployPlan): string {
  return physicalName(names.keyPrefix, [plan.spec.project.name]);
}

/** Names of jobs: a project of one job needs no name for it. */
export function jobName(plan: DeployPlan, job: string): string {
  return nameOf(plan, "job", ...(isOrchestrated(plan) ? [job] : []));
}

/** Google's own name, and what looks like it, is refused in many names: it is left out, and a hash tells the difference. */
function legalName(rule: NameRule, parts: readonly string[]): string {
  const forbidden = /g[o0]+g/i;
  const name = physicalName(rule, parts);
  if (!forbidden.test(name)) return name;
  const digest = createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 10);
  const without = parts.map((part) => part.replace(/g[o0]+g/gi, "gg")).concat(`x${digest}`);
  const changed = physicalName(rule, without);
  // Parts that only together read so (`go`, `og` have a dash between them) or a hash that does: the digest alone is legal.
  return forbidden.test(changed) ? physicalName(rule, [`x${digest}`]) : changed;
}

/** Longest key or value of a label. Source: Resource Manager's page on labels. */
const labelLength = 63;

/** A label's value: small letters, digits, `_` and `-`. */
export function labelValue(text: string): string {
  return labelText(text);
}

/** A label's key: as a value, starting with a letter. */
export function labelKey(text: string): string {
  const key = labelText(text);
  return /^[a-z]/.test(key) ? key : `t${key}`.slice(0, labelLength);
}

function labelText(text: string): string {
  const plain = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return plain.replace(/[^a-z0-9_-]/g, "-").slice(0, labelLength);
}

/** The plan's tags as labels, keys sorted. */
export function labelsOf(plan: DeployPlan): Record<string, string> {
  const labels = Object.entries(plan.tags).map(([key, value]) => [labelKey(key), labelValue(value)] as const);
  return Object.fromEntries(labels.sort(([a], [b]) => (a < b ? -1 : 1)));
}
