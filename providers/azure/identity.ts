/** Managed identities: who may do what, on which resource. */
import { type RenderedResource, ref, text } from "../rendering.js";
import { guidOf, nameOf } from "./names.js";
import { azure } from "./resources.js";
import { replaced, type Scope, type Text } from "./scope.js";

/**
 * Azure's built-in roles that are used, and what for. Source: "Azure built-in roles" and docs/cloud-facts.md. A test compares the list
 * with every assignment that is rendered.
 */
export const roles = {
  pullImages: { id: "7f951dda-4ed3-4680-a7ca-43fe172d538d", title: "AcrPull", reason: "the runner image" },
  readSecret: {
    id: "4633458b-17de-408a-b874-0445c86b69e6",
    title: "Key Vault Secrets User",
    reason: "one secret of the project",
  },
  useBlobs: {
    id: "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    title: "Storage Blob Data Contributor",
    reason: "artifacts, or one declared bucket",
  },
  useTable: {
    id: "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    title: "Storage Table Data Contributor",
    reason: "one declared table",
  },
  countMessages: {
    id: "19e7f393-937e-4f77-808e-94535e297925",
    title: "Storage Queue Data Reader",
    reason: "the scale rule asks how long the queue is",
  },
  takeMessages: {
    id: "8a0f0c08-91a1-4084-bc3d-661d67233fed",
    title: "Storage Queue Data Message Processor",
    reason: "takes and deletes messages of one trigger's queue",
  },
  sendMessages: {
    id: "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
    title: "Storage Queue Data Message Sender",
    reason: "puts what failed for good into the trigger's dead-letter queue",
  },
  // That it may read executions is UNCONFIRMED (docs/cloud-facts.md).
  runJob: {
    id: "b9a307c4-5aa3-4b52-ba60-2b17c136cd7b",
    title: "Container Apps Jobs Operator",
    reason: "a Logic App starts the job and looks at its executions",
  },
} as const;

/** A role on exactly one resource. */
export interface Grant {
  readonly role: keyof typeof roles;
  /** What it is for, in one word or two: unique among the grants of an identity. */
  readonly of: string;
  /** Full id of the resource. */
  readonly scope: Text;
}

/** An identity with its roles. Who uses it should depend on `ready`, so that the roles are there. */
export interface Identity {
  readonly id: Text;
  readonly clientId: Text;
  readonly resources: readonly RenderedResource[];
  readonly ready: readonly string[];
  /** A further role, of something that is made later. */
  grant(grant: Grant): RenderedResource;
}

export function identity(scope: Scope, name: string, grants: readonly Grant[]): Identity {
  const { plan, parent, location, tags, group } = scope;
  const made = azure(
    "azure-native:managedidentity:UserAssignedIdentity",
    scope.resource("identity", name),
    parent,
    { resourceName: nameOf(plan, "identity", name), resourceGroupName: group, location, tags },
    replaced,
  );
  const grant = ({ role, of, scope: target }: Grant): RenderedResource =>
    azure(
      "azure-native:authorization:RoleAssignment",
      scope.resource("role", `${name}-${role}-${of}`),
      parent,
      {
        // Must be a GUID; explicit, so that the same plan makes the same.
        roleAssignmentName: guidOf(plan, parent, name, role, of),
        principalId: ref(made, "principalId"),
        // Without it Azure looks the new identity up in the directory, where it may not be yet.
        principalType: "ServicePrincipal",
        roleDefinitionId: text`/subscriptions/${scope.subscription}/providers/Microsoft.Authorization/roleDefinitions/${roles[role].id}`,
        scope: target,
        description: `${roles[role].title}: ${roles[role].reason}`,
      },
      replaced,
    );
  const assignments = grants.map(grant);
  return {
    id: ref(made, "id"),
    clientId: ref(made, "clientId"),
    resources: [made, ...assignments],
    ready: assignments.map((assignment) => assignment.name),
    grant,
  };
}
