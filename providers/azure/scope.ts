/** What the parts of a rendering share. */
import type { DeployPlan } from "../../model/plan-types.js";
import type { RenderContext } from "../contract.js";
import {
  type Expression,
  type Reference,
  type RenderedLookup,
  type RenderedOptions,
  type RenderedResource,
  ref,
} from "../rendering.js";
import { legalTags, locationOf, nameOf } from "./names.js";
import { azure, lookup } from "./resources.js";

export interface Scope {
  readonly plan: DeployPlan;
  /** Name of the pipeline, which everything belongs to. */
  readonly parent: string;
  readonly location: string;
  /** Id of the subscription. */
  readonly subscription: Reference;
  /** Id of the tenant. */
  readonly tenant: Reference;
  /** Resource group of all that runs; it goes with the deployment. */
  readonly group: Reference;
  /** Resource group of data alone: the other one can be deleted without it. */
  readonly dataGroup: Reference;
  readonly tags: Readonly<Record<string, string>>;
  /** Name in Pulumi. `kind` is one word without a dash, so that no two are the same. */
  resource(kind: string, name?: string): string;
}

/** A text that may be known only at deployment. */
export type Text = string | Expression;

/** For what has a fixed name and no data: Azure can't have two of them at a time. */
export const replaced = { deleteBeforeReplace: true } as const satisfies RenderedOptions;

export function scopeOf(
  plan: DeployPlan,
  context: RenderContext,
): { scope: Scope; resources: RenderedResource[]; lookups: RenderedLookup[] } {
  const location = locationOf(plan);
  if (location === "") throw new Error("check finds a stack without a location before it is rendered");
  const parent = context.name;
  const resource = (kind: string, name?: string) =>
    [parent, kind, ...(name === undefined ? [] : [name])].join("-");
  const tags = legalTags(plan.tags);
  const account = lookup("azure-native:authorization:getClientConfig", resource("account"), {});
  const group = azure(
    "azure-native:resources:ResourceGroup",
    resource("group"),
    parent,
    { resourceGroupName: nameOf(plan, "resourceGroup"), location, tags },
    replaced,
  );
  const dataGroup = azure(
    "azure-native:resources:ResourceGroup",
    resource("datagroup"),
    parent,
    // The location is in its name: a stack that moves gets a new one beside the kept.
    { resourceGroupName: nameOf(plan, "resourceGroup", "data", location), location, tags },
    kept(plan),
  );
  const scope: Scope = {
    plan,
    parent,
    location,
    subscription: ref(account, "subscriptionId"),
    tenant: ref(account, "tenantId"),
    group: ref(group, "name"),
    dataGroup: ref(dataGroup, "name"),
    tags,
    resource,
  };
  return { scope, resources: [group, dataGroup], lookups: [account] };
}

/** For data: it is left where it is, unless the stack says otherwise. */
export function kept(plan: DeployPlan): RenderedOptions {
  return plan.settings.deleteData ? {} : { retainOnDelete: true };
}

/** Names of resources, for `dependsOn`. */
export function namesOf(resources: readonly RenderedResource[]): string[] {
  return resources.map(({ name }) => name);
}
