/** What the parts of a rendering share. */
import type { DeployPlan } from "../../model/plan-types.js";
import type { RenderContext } from "../contract.js";
import { type Reference, type RenderedLookup, ref } from "../rendering.js";
import { legalTags } from "./names.js";
import { lookup } from "./resources.js";

export interface Scope {
  readonly plan: DeployPlan;
  /** Name of the pipeline, which everything belongs to. */
  readonly parent: string;
  readonly region: string;
  /** Second part of every ARN. */
  readonly partition: string;
  /** The account's number. */
  readonly account: Reference;
  readonly tags: Readonly<Record<string, string>>;
  /** Name in Pulumi. `kind` is one word without a dash, so that no two are the same. */
  resource(kind: string, name?: string): string;
}

export function scopeOf(
  plan: DeployPlan,
  context: RenderContext,
): { scope: Scope; lookups: RenderedLookup[] } {
  const { region } = plan.settings;
  if (region === undefined) throw new Error("check finds a stack without a region before it is rendered");
  const resource = (kind: string, name?: string) =>
    [context.name, kind, ...(name === undefined ? [] : [name])].join("-");
  const caller = lookup("aws:index/getCallerIdentity:getCallerIdentity", resource("caller"), {});
  const scope: Scope = {
    plan,
    parent: context.name,
    region,
    partition: partitionOf(region),
    account: ref(caller, "accountId"),
    tags: legalTags(plan.tags),
    resource,
  };
  return { scope, lookups: [caller] };
}

/** China and GovCloud are worlds of their own. */
export function partitionOf(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  if (region.startsWith("us-gov-")) return "aws-us-gov";
  return "aws";
}

/** Tags with the name that AWS's console shows. */
export function namedTags(scope: Scope, name: string): Record<string, string> {
  return { ...scope.tags, Name: name };
}
