/** What every platform implements. The pure half needs no Pulumi; the other half is imported when a stack is deployed. */
import type * as pulumi from "@pulumi/pulumi";
import type { Diagnostic } from "../model/diagnostic.js";
import type { DeployPlan, Platform } from "../model/plan-types.js";

/** An output of another resource of the same rendering: `{ $ref: ["fx-code", "codeDir"] }`. */
export interface Reference {
  readonly $ref: readonly [resource: string, output: string];
}

/** The value of a secret of the stack; only its key is ever written down. */
export interface SecretReference {
  readonly $secret: string;
}

export type RenderedValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | Reference
  | SecretReference
  | readonly RenderedValue[]
  | { readonly [key: string]: RenderedValue };

/** One resource as plain data: everything that a deployment decides about it. */
export interface RenderedResource {
  /** Pulumi type token, such as `handoff:local:Job`. */
  readonly type: string;
  /** Unique among the resources of the same type in the stack. */
  readonly name: string;
  /** Name of the resource it belongs to; null for the pipeline itself. */
  readonly parent: string | null;
  readonly inputs: Readonly<Record<string, RenderedValue>>;
  /** Names of resources that have to exist before, beside those that inputs refer to. */
  readonly dependsOn?: readonly string[];
}

export interface RenderContext {
  /** Name in Pulumi.yaml. */
  readonly pulumiProject: string;
  /** Name of the Pipeline component; default: the project's name. Prefix of its resources' names. */
  readonly name: string;
  /** Declared stores and artifacts are deleted with the deployment. Default false: they are kept. */
  readonly deleteData: boolean;
}

/** A capability of DESIGN.md's table: how this platform has it, or why not. */
export interface Capability {
  readonly supported: boolean;
  readonly how: string;
}

export const capabilityNames = [
  "job",
  "schedule",
  "pause",
  "dag",
  "trigger",
  "artifacts",
  "bucket",
  "table",
  "secrets",
  "logs",
  "email",
  "webhook",
  "command",
  "git-source",
  "resources",
] as const;
export type CapabilityName = (typeof capabilityNames)[number];

/** What a component needs that a plan must not hold. */
export interface ComponentInputs {
  /** Values of the stack's secrets, by key. */
  readonly secrets: pulumi.Output<Readonly<Record<string, string>>>;
}

/** The half that creates Pulumi resources; decides nothing. */
export interface ComponentModule {
  /** Creates the resources below `parent`, and returns what the stack shows: jobs, schedules, stores, … */
  createResources(
    resources: readonly RenderedResource[],
    parent: pulumi.ComponentResource,
    inputs: ComponentInputs,
  ): Record<string, pulumi.Input<unknown>>;
}

/** One platform. */
export interface Provider {
  readonly platform: Platform;
  /** Type token of its Pipeline component, such as `handoff:local:Pipeline`. */
  readonly pipelineType: string;
  readonly capabilities: Readonly<Record<CapabilityName, Capability>>;
  /** What this platform can't do of the plan (errors), and what it does otherwise (warnings, info). */
  check(plan: DeployPlan): Diagnostic[];
  /** Every resource, parents first; the first is the pipeline. Pure: the same plan, the same resources. */
  render(plan: DeployPlan, context: RenderContext): RenderedResource[];
  /** Imports the platform's Pulumi code. */
  component(): Promise<ComponentModule>;
  /** Data that a deployment leaves behind when it is destroyed, given the outputs it had; as paths or links. */
  keptData(outputs: Readonly<Record<string, unknown>>): string[];
}

export function isReference(value: unknown): value is Reference {
  return typeof value === "object" && value !== null && "$ref" in value;
}

export function isSecretReference(value: unknown): value is SecretReference {
  return typeof value === "object" && value !== null && "$secret" in value;
}

/** A rendering as `plan --json` prints it: references as `${name.output}`, secrets as `[secret]`. */
export function printable(value: RenderedValue): unknown {
  if (isReference(value)) return `\${${value.$ref.join(".")}}`;
  if (isSecretReference(value)) return "[secret]";
  if (Array.isArray(value)) return value.map(printable);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, printable(item)]));
  }
  return value;
}
