/** The frozen JSON between the model and the platforms: everything a deployment decides, before any resource exists. */
import type { Diagnostic } from "./diagnostic.js";
import type { Notification, Resources, Retries, Schedule, Secret, Store, Trigger } from "./project.js";
import type { RunSpec } from "./run.js";

export type Platform = "local" | "aws" | "gcp" | "azure";
export const platforms = ["local", "aws", "gcp", "azure"] as const satisfies readonly Platform[];

/** How the local platform runs jobs. */
export const engines = ["process", "docker"] as const;
export type Engine = (typeof engines)[number];

/** How jobs reach the internet. */
export type NetworkSettings =
  /** A public address for each job, no inbound traffic: nothing to pay for but the address. */
  | { readonly mode: "public" }
  /** A network of its own with a NAT gateway: one fixed address to the outside; costs by the hour. */
  | { readonly mode: "nat" }
  /** A network that exists. AWS: ids; GCP: names; Azure: the subnet's resource id. */
  | {
      readonly mode: "existing";
      readonly vpc?: string;
      readonly subnets: readonly string[];
      readonly securityGroups: readonly string[];
    };

/** Whether a policy's violation is looked for, and whether it keeps a deployment from being made. */
export const policyLevels = ["off", "warning", "error"] as const;
export type PolicyLevel = (typeof policyLevels)[number];

/** What an operator demands of the stack (docs/policies.md). */
export interface PolicySettings {
  /** Jobs with public addresses. Default off. */
  readonly publicNetwork: PolicyLevel;
  /** A failed, timed out or missed run of which nobody is told. Default off. */
  readonly missingAlerts: PolicyLevel;
  /** A value in project.yml that looks like a secret. Default warning. */
  readonly plainSecrets: PolicyLevel;
  /** Highest estimate of a month, in US dollars. Default: none. */
  readonly budget?: { readonly monthlyUsd: number; readonly level: PolicyLevel };
}

export const defaultPolicies: PolicySettings = {
  publicNetwork: "off",
  missingAlerts: "off",
  plainSecrets: "warning",
};

/** A stack's settings, as read from `Pulumi.<stack>.yaml` (keys `handoff:*`; docs/stack-settings.md). */
export interface StackSettings {
  readonly stack: string;
  readonly cloud: Platform;
  /** Goes into every name and tag; default: the stack's name. */
  readonly client: string;
  /** Folder that holds project.yml, absolute. */
  readonly projectDir: string;
  /** Folder of Pulumi.yaml, absolute; what is written into a state is relative to it. Default: projectDir. */
  readonly root: string;
  /** Names of the secrets that the stack's config holds; the values stay in Pulumi. */
  readonly secretKeys: readonly string[];
  /** Delete declared stores and artifacts with the deployment. Default false: they are kept, and adopted by a later one. */
  readonly deleteData: boolean;
  /** Default: public. */
  readonly network: NetworkSettings;
  /** `aws:region`, `gcp:region` or `azure-native:location`, else the SDKs' environment variables; undefined where none is set. */
  readonly region?: string;
  /** `gcp:project`. */
  readonly gcpProject?: string;
  /** A runner image that exists, with its digest: nothing is built. Default: one is built and pushed. */
  readonly image?: string;
  /** What the runner image is built from, such as a company's Debian with Python. Default: the Dockerfile's. */
  readonly imageBase?: string;
  /** Where the image's Node is taken from: for the C library of `imageBase`. Default: the Dockerfile's. */
  readonly imageNode?: string;
  /** Days that logs are kept; each platform rounds it up to what it has. Default 90. */
  readonly logRetentionDays: number;
  /** Days that archived runs' artifacts are kept in the store; the latest state is kept always. Default 90. */
  readonly artifactRetentionDays: number;
  /** Further tags (AWS, Azure) or labels (GCP) of every resource. */
  readonly tags: Readonly<Record<string, string>>;
  /** AWS: interrupted, cheaper capacity (Fargate Spot). Default false. */
  readonly spot: boolean;
  /** Default `x86_64`; `arm64` on AWS only. */
  readonly architecture: "x86_64" | "arm64";
  readonly policies: PolicySettings;
  /** Local platform: jobs as processes of this machine, or as containers of the project's image. Default `process`. */
  readonly engine: Engine;
}

/** Settings with the defaults for all that is not given. */
export function stackSettings(
  given: Pick<StackSettings, "stack" | "cloud" | "projectDir"> & Partial<StackSettings>,
): StackSettings {
  return {
    client: given.stack,
    root: given.projectDir,
    secretKeys: [],
    deleteData: false,
    network: { mode: "public" },
    logRetentionDays: 90,
    artifactRetentionDays: 90,
    tags: {},
    spot: false,
    architecture: "x86_64",
    policies: defaultPolicies,
    engine: "process",
    ...given,
  };
}

/** What one unit of compute on a platform runs. granularity project: one job; task: one for each top-level task. */
export interface PlannedJob {
  /** Unique in the plan; the project's name, or the task's. */
  readonly name: string;
  /** Names of the top-level tasks that it runs, in order. */
  readonly tasks: readonly string[];
  readonly resources: Resources;
  /** Seconds that it may take with all the retries that the runner makes in it. */
  readonly timeoutSeconds?: number;
  /** granularity task: seconds of one attempt, where the platform's orchestrator retries. */
  readonly attemptSeconds?: number;
  /** granularity task: who orders the jobs retries them, and the runner doesn't. */
  readonly retries?: Retries;
  /** Names of jobs that must have succeeded before. */
  readonly dependsOn: readonly string[];
}

export interface DeployPlan {
  readonly schemaVersion: 1;
  readonly settings: StackSettings;
  /** `handoff-client`, `handoff-project`, `handoff-stack`, and the stack's own. */
  readonly tags: Readonly<Record<string, string>>;
  /** SHA-256 (hex) over the paths, modes and contents of the project's files: the same content, the same hash. */
  readonly contentHash: string;
  readonly jobs: readonly PlannedJob[];
  readonly schedules: readonly Schedule[];
  readonly triggers: readonly Trigger[];
  readonly stores: readonly Store[];
  readonly secrets: readonly Secret[];
  readonly notifications: readonly Notification[];
  readonly spec: RunSpec;
  readonly diagnostics: readonly Diagnostic[];
}
