/** What tests of AWS renderings share. */
import type { DeployPlan } from "../../../model/plan-types.js";
import { aws } from "../../../providers/aws/index.js";
import {
  evaluate,
  printable,
  type RenderedResource,
  type RenderedValue,
  type Rendering,
} from "../../../providers/rendering.js";

export function rendered(plan: DeployPlan): Rendering {
  return aws.render(plan, { name: plan.spec.project.name, pulumiProject: "test" });
}

export function ofType({ resources }: Rendering, type: string): RenderedResource[] {
  return resources.filter((resource) => resource.type.endsWith(`:${type}`));
}

/** A JSON input, with references as `${name.output}`. */
export function parsed(value: RenderedValue): Record<string, unknown> {
  const text = printable(value);
  if (typeof text !== "string") throw new Error("no JSON text");
  return JSON.parse(text);
}

/** The same with every reference answered, as after a deployment. */
export function answered(value: RenderedValue): Record<string, unknown> {
  const text = evaluate(value, {
    reference: (resource, output) => `${output}-of-${resource}`,
    secret: () => "secret",
  });
  return typeof text === "string" ? JSON.parse(text) : (text as Record<string, unknown>);
}
