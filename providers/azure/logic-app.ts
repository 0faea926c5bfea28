/** Logic Apps (Consumption): workflow definitions as data. Expressions in them start with `@`; everything else is a literal. */

import { physicalName } from "../../model/names.js";
import type { RenderedValue } from "../rendering.js";
import { names } from "./names.js";
import { azure } from "./resources.js";
import { replaced, type Scope, type Text } from "./scope.js";

export type Actions = Readonly<Record<string, RenderedValue>>;

/** API of the jobs. Source: "Jobs - Start" of the REST reference, read 2026-11-21. */
export const jobsApi = "2024-03-01";

export interface WorkflowSpec {
  /** Name in Pulumi. */
  readonly name: string;
  /** Parts of its name on Azure. */
  readonly parts: readonly string[];
  readonly identity: Text;
  readonly enabled: boolean;
  readonly triggers: Readonly<Record<string, RenderedValue>>;
  readonly actions: Actions;
  /** Only other Logic Apps, and who may call Azure's own API, can start it: its URL alone is not enough. */
  readonly internal?: boolean;
  readonly dependsOn: readonly string[];
}

export function workflow(scope: Scope, spec: WorkflowSpec) {
  const { parent, location, tags, group } = scope;
  return azure(
    "azure-native:logic:Workflow",
    spec.name,
    parent,
    {
      workflowName: physicalName(names.workflow, spec.parts),
      resourceGroupName: group,
      location,
      state: spec.enabled ? "Enabled" : "Disabled",
      identity: { type: "UserAssigned", userAssignedIdentities: [spec.identity] },
      ...(spec.internal ? { accessControl: { triggers: { allowedCallerIpAddresses: [] } } } : {}),
      definition: {
        $schema:
          "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#",
        contentVersion: "1.0.0.0",
        parameters: {},
        triggers: spec.triggers,
        actions: spec.actions,
        outputs: {},
      },
      tags,
    },
    { ...replaced, dependsOn: spec.dependsOn },
  );
}

/** A text of somebody else's as it is: what would be read as an expression is escaped. */
export function literal(text: string): string {
  const escaped = text.replace(/(?!^)@\{/g, "@@{");
  return escaped.startsWith("@") ? `@${escaped}` : escaped;
}

/** A text within an expression. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Part of an action's name: letters, digits and `_`, unique by its parts. */
export function actionName(...parts: readonly string[]): string {
  return physicalName({ max: 60, allowed: /[A-Za-z0-9_]/, start: /[A-Za-z]/, separator: "_" }, parts);
}

/** ISO 8601, as limits are written. */
export function duration(seconds: number): string {
  return `PT${Math.ceil(seconds)}S`;
}

/** Sign-in of a request with a managed identity. */
export function signIn(
  identity: Text,
  audience: "https://management.azure.com/" | "https://storage.azure.com/",
) {
  return { type: "ManagedServiceIdentity", identity, audience };
}

export const management = "https://management.azure.com/";

/** `runAfter` of an action: after others that succeeded; none: at once. */
export function after(...actions: readonly string[]): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(actions.map((action) => [action, ["Succeeded"]]));
}

/** After an action, however it ended. */
export function whatever(action: string): Readonly<Record<string, readonly string[]>> {
  return { [action]: ["Succeeded", "Failed", "Skipped", "TimedOut"] };
}

/** All actions of a definition, inner ones too. Azure allows 500 in a workflow (limits of Logic Apps; from memory, UNCONFIRMED). */
export function actionsIn(actions: Actions): { name: string; action: Readonly<Record<string, unknown>> }[] {
  return Object.entries(actions).flatMap(([name, value]) => {
    const action = value as Readonly<Record<string, unknown>>;
    const otherwise = action.else as { actions?: Actions } | undefined;
    return [
      { name, action },
      ...actionsIn((action.actions as Actions | undefined) ?? {}),
      ...actionsIn(otherwise?.actions ?? {}),
    ];
  });
}

export const maxActions = 500;
