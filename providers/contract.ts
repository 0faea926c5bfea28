/** What every platform implements. The pure half needs no Pulumi; the other half is imported when a stack is deployed. */
import type * as pulumi from "@pulumi/pulumi";
import type { Diagnostic } from "../model/diagnostic.js";
import type { DeployPlan, Platform } from "../model/plan-types.js";
import type { Ask } from "./adopt.js";
import type { CostLine, UsageOfPlan } from "./cost.js";
import type { Rendering } from "./rendering.js";

export interface RenderContext {
  /** Name in Pulumi.yaml. */
  readonly pulumiProject: string;
  /** Name of the Pipeline component; default: the project's name. Prefix of its resources' names. */
  readonly name: string;
}

/** A capability of DESIGN.md's table: how this platform has it, or why not. */
export interface Capability {
  readonly supported: boolean;
  readonly how: string;
}

export const capabilityNames = [
  "job",
  "resources",
  "schedule",
  "timezone",
  "cron-or-days",
  "schedule-overrides",
  "scheduled-at",
  "overlap",
  "pause",
  "dag",
  "retries",
  "timeout",
  "trigger",
  "trigger-concurrency",
  "dead-letter",
  "artifacts",
  "bucket",
  "table",
  "secrets",
  "logs",
  "alert-success",
  "alert-failure",
  "alert-timeout",
  "alert-missed",
  "email",
  "webhook",
  "command",
  "network-nat",
  "network-existing",
  "image",
  "identity",
  "spot",
  "arm64",
  "git-source",
] as const;
export type CapabilityName = (typeof capabilityNames)[number];

export type CustomClass = new (
  name: string,
  args: pulumi.Inputs,
  options: pulumi.CustomResourceOptions,
) => pulumi.CustomResource;

/** The half that needs Pulumi: what `render`'s tokens mean. */
export interface ComponentModule {
  classOf(type: string): CustomClass;
  lookup(type: string, inputs: pulumi.Inputs, options: pulumi.InvokeOptions): pulumi.Output<unknown>;
  /** Like `lookup`, and rejects when what is asked for isn't there. Only platforms that don't adopt by themselves have it. */
  readonly ask?: Ask;
}

/** One platform. */
export interface Provider {
  readonly platform: Platform;
  /** As people call it: `AWS`. */
  readonly title: string;
  /** Type token of its Pipeline component, such as `handoff:local:Pipeline`. */
  readonly pipelineType: string;
  readonly capabilities: Readonly<Record<CapabilityName, Capability>>;
  /** What this platform can't do of the plan (errors), and what it does otherwise (warnings, info). */
  check(plan: DeployPlan): Diagnostic[];
  /** Every resource. Pure: the same plan, the same resources. Only for a plan that `check` finds no error in. */
  render(plan: DeployPlan, context: RenderContext): Rendering;
  /** What a month costs, line by line; prices are list prices, of dated tables. Pure. */
  cost(plan: DeployPlan, usage: UsageOfPlan): CostLine[];
  /** Data that a deployment leaves behind when it is destroyed, given the outputs it had; as paths or links. */
  keptData(outputs: Readonly<Record<string, unknown>>): string[];
}
