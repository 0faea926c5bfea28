/** The workspace that all logs go to. */
import type { RenderedLookup, RenderedResource } from "../rendering.js";
import { ref } from "../rendering.js";
import { nameOf } from "./names.js";
import { azure, lookup } from "./resources.js";
import { replaced, type Scope, type Text } from "./scope.js";

/** Days that a workspace keeps logs. Source: "Manage data retention in a Log Analytics workspace", from memory, UNCONFIRMED. */
export const retention = { min: 30, max: 730 } as const;

export interface Logs {
  readonly resources: readonly RenderedResource[];
  readonly lookups: readonly RenderedLookup[];
  readonly workspaceId: Text;
  readonly customerId: Text;
  readonly key: Text;
}

/** Days that logs are kept: what is asked for, within what a workspace has. */
export function retentionDays(days: number): number {
  return Math.min(retention.max, Math.max(retention.min, days));
}

export function logs(scope: Scope): Logs {
  const { plan, parent, location, tags, group } = scope;
  const workspace = azure(
    "azure-native:operationalinsights:Workspace",
    scope.resource("logs"),
    parent,
    {
      workspaceName: nameOf(plan, "workspace"),
      resourceGroupName: group,
      location,
      sku: { name: "PerGB2018" },
      retentionInDays: retentionDays(plan.settings.logRetentionDays),
      tags,
    },
    replaced,
  );
  const keys = lookup(
    "azure-native:operationalinsights:getSharedKeys",
    scope.resource("logkeys"),
    { workspaceName: ref(workspace, "name"), resourceGroupName: group },
    { secret: true },
  );
  return {
    resources: [workspace],
    lookups: [keys],
    workspaceId: ref(workspace, "id"),
    customerId: ref(workspace, "customerId"),
    key: ref(keys, "primarySharedKey"),
  };
}
