/** What every area of the rendering is given. */
import type { DeployPlan } from "../../model/plan-types.js";
import type { RenderContext } from "../contract.js";
import type { Expression, RenderedResource } from "../rendering.js";
import { labelsOf } from "./names.js";

/** A text, or what will be one at deployment. */
export type Text = string | Expression;

export interface Scope {
  readonly plan: DeployPlan;
  /** Name of the pipeline, which all resources belong to. */
  readonly parent: string;
  /** Pulumi name of a resource of it. */
  name(...parts: readonly string[]): string;
  readonly project: string;
  readonly region: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Project, client and stack as people read them. */
  readonly title: string;
}

/** @throws Error for a plan that `check` finds an error in */
export function scopeOf(plan: DeployPlan, { name }: RenderContext): Scope {
  const { gcpProject, region, client, stack } = plan.settings;
  if (gcpProject === undefined || region === undefined)
    throw new Error("gcp:project and gcp:region are not set");
  return {
    plan,
    parent: name,
    name: (...parts) => [name, ...parts].join("-"),
    project: gcpProject,
    region,
    labels: labelsOf(plan),
    title: `${plan.spec.project.name} (${client}, ${stack})`,
  };
}

/** Names of resources, for `dependsOn`. */
export function namesOf(resources: readonly RenderedResource[]): string[] {
  return resources.map(({ name }) => name);
}
