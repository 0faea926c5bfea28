/** Secrets in a Key Vault; containers get them by reference. */

import { physicalName } from "../../model/names.js";
import { secretVariable } from "../container.js";
import { type RenderedResource, ref, secret } from "../rendering.js";
import type { Grant } from "./identity.js";
import { nameInGroup, names, vaultName } from "./names.js";
import { azure } from "./resources.js";
import { replaced, type Scope, type Text } from "./scope.js";

export interface JobSecret {
  /** Of the job's secret. */
  readonly name: string;
  /** Environment variable that the container finds it in. */
  readonly variable: string;
  /** URL without a version: the newest counts. */
  readonly url: Text;
}

export interface Secrets {
  readonly resources: readonly RenderedResource[];
  readonly grants: readonly Grant[];
  /** Sorted by variable. */
  readonly secrets: readonly JobSecret[];
}

/** Those that the stack has a value for. A job that refers to an empty secret can't be made; the runner names what is missing. */
export function secrets(scope: Scope): Secrets {
  const { plan, parent, location, tags, group } = scope;
  const known = new Set(plan.settings.secretKeys);
  const keys = plan.secrets.map(({ key }) => key).filter((key) => known.has(key));
  if (keys.length === 0) return { resources: [], grants: [], secrets: [] };
  const vault = azure(
    "azure-native:keyvault:Vault",
    // Pulumi appends random characters to this name for the vault's: a deleted vault keeps its own for a week. Purge
    // protection is off, as it could never be switched off again; the values' home is the stack's encrypted config.
    vaultName(plan, parent),
    parent,
    {
      resourceGroupName: group,
      location,
      properties: {
        tenantId: scope.tenant,
        sku: { family: "A", name: "standard" },
        enableRbacAuthorization: true,
        enableSoftDelete: true,
        softDeleteRetentionInDays: 7,
        enabledForDeployment: false,
        enabledForDiskEncryption: false,
        enabledForTemplateDeployment: false,
      },
      tags,
    },
    replaced,
  );
  const made = keys.map((key) => {
    // Written through Azure Resource Manager: who deploys needs no right to read secrets. To delete one would need it;
    // so it goes with its vault, and a key that is set again gets a new name, by the characters that Pulumi appends.
    const value = azure(
      "azure-native:keyvault:Secret",
      physicalName(names.vaultSecret, [parent, "secret", key]),
      parent,
      {
        vaultName: ref(vault, "name"),
        resourceGroupName: group,
        properties: { value: secret(key), contentType: "text/plain" },
        tags,
      },
      { retainOnDelete: true },
    );
    return {
      key,
      value,
      secret: {
        name: nameInGroup("jobSecret", key),
        variable: secretVariable(key),
        url: ref(value, "properties.secretUri"),
      },
    };
  });
  return {
    resources: [vault, ...made.map(({ value }) => value)],
    grants: made.map(({ key, value }) => ({ role: "readSecret", of: key, scope: ref(value, "id") })),
    secrets: made.map((one) => one.secret).sort((a, b) => (a.variable < b.variable ? -1 : 1)),
  };
}
