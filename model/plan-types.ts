/** The frozen JSON between the model and the platforms: everything a deployment decides, before any resource exists. */
import type { Diagnostic } from "./diagnostic.js";
import type { Notification, Resources, Retries, Schedule, Secret, Store, Trigger } from "./project.js";
import type { RunSpec } from "./run.js";

export type Platform = "local" | "aws" | "gcp" | "azure";
export const platforms = ["local", "aws", "gcp", "azure"] as const satisfies readonly Platform[];

/** A stack's settings, as read from `Pulumi.<stack>.yaml` (keys `handoff:*`). */
export interface StackSettings {
  readonly stack: string;
  readonly cloud: Platform;
  /** Goes into every name and tag; default: the stack's name. */
  readonly client: string;
  /** Folder that holds project.yml, absolute. */
  readonly projectDir: string;
  /** Names of the secrets that the stack's config holds; the values stay in Pulumi. */
  readonly secretKeys: readonly string[];
}

/** What one unit of compute on a platform runs. granularity project: one job; task: one for each top-level task. */
export interface PlannedJob {
  /** Unique in the plan; the project's name, or the task's. */
  readonly name: string;
  /** Names of the top-level tasks that it runs, in order. */
  readonly tasks: readonly string[];
  readonly resources: Resources;
  readonly timeoutSeconds?: number;
  readonly retries?: Retries;
  /** Names of jobs that must have succeeded before. */
  readonly dependsOn: readonly string[];
}

export interface DeployPlan {
  readonly schemaVersion: 1;
  readonly settings: StackSettings;
  /** `handoff-client`, `handoff-project`, `handoff-stack`. */
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
