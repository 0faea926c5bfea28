/** The storage account, and the artifact store in it: state and archives of runs. */
import { type RenderedResource, ref, text } from "../rendering.js";
import type { Grant } from "./identity.js";
import { artifactPrefix, storageAccountName } from "./names.js";
import { azure } from "./resources.js";
import { kept, type Scope, type Text } from "./scope.js";

/** Days that overwritten and deleted blobs can be brought back. */
const oldVersionDays = 30;

export interface Storage {
  readonly resources: readonly RenderedResource[];
  readonly account: Text;
  readonly accountId: Text;
  /** Where artifacts are. */
  readonly url: Text;
  readonly grants: readonly Grant[];
}

/** One account for the artifacts, the declared stores and the queues: rights are given on what is in it. */
export function artifacts(scope: Scope): Storage {
  const { plan, parent, location, tags, dataGroup } = scope;
  const options = kept(plan);
  const account = azure(
    "azure-native:storage:StorageAccount",
    scope.resource("storage"),
    parent,
    {
      accountName: storageAccountName(plan),
      resourceGroupName: dataGroup,
      location,
      kind: "StorageV2",
      sku: { name: "Standard_LRS" },
      accessTier: "Hot",
      minimumTlsVersion: "TLS1_2",
      enableHttpsTrafficOnly: true,
      allowBlobPublicAccess: false,
      // Everything that reads or writes has an identity: there is no key to lose.
      allowSharedKeyAccess: false,
      defaultToOAuthAuthentication: true,
      allowCrossTenantReplication: false,
      tags,
    },
    options,
  );
  const of = { accountName: ref(account, "name"), resourceGroupName: dataGroup };
  const service = azure(
    "azure-native:storage:BlobServiceProperties",
    scope.resource("blobservice"),
    parent,
    {
      ...of,
      blobServicesName: "default",
      isVersioningEnabled: true,
      deleteRetentionPolicy: { enabled: true, days: oldVersionDays },
      containerDeleteRetentionPolicy: { enabled: true, days: oldVersionDays },
    },
    options,
  );
  const container = azure(
    "azure-native:storage:BlobContainer",
    scope.resource("artifacts"),
    parent,
    { ...of, containerName: artifactContainer, publicAccess: "None" },
    { ...options, dependsOn: [service.name] },
  );
  const prefix = artifactPrefix(plan);
  const policy = azure(
    "azure-native:storage:ManagementPolicy",
    scope.resource("lifecycle"),
    parent,
    { ...of, managementPolicyName: "default", policy: { rules: lifecycle(plan.settings, prefix) } },
    { ...options, dependsOn: [service.name] },
  );
  return {
    resources: [account, service, container, policy],
    account: ref(account, "name"),
    accountId: ref(account, "id"),
    url: text`${blobUrl(ref(account, "name"), artifactContainer)}/${prefix}`,
    grants: [{ role: "useBlobs", of: "artifacts", scope: ref(container, "id") }],
  };
}

const artifactContainer = "artifacts";

export function blobUrl(account: Text, container: Text) {
  return text`https://${account}.blob.core.windows.net/${container}`;
}

/** Uploads that were never finished are deleted by Azure after a week: blocks without a commit. */
function lifecycle({ artifactRetentionDays }: Scope["plan"]["settings"], prefix: string) {
  return [
    {
      name: "old-versions",
      type: "Lifecycle",
      enabled: true,
      definition: {
        actions: { version: { delete: { daysAfterCreationGreaterThan: oldVersionDays } } },
        filters: { blobTypes: ["blockBlob"] },
      },
    },
    {
      name: "archived-runs",
      type: "Lifecycle",
      enabled: true,
      definition: {
        actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: artifactRetentionDays } } },
        filters: {
          blobTypes: ["blockBlob"],
          prefixMatch: ["runs", "records"].map((of) => `${artifactContainer}/${prefix}/${of}/`),
        },
      },
    },
  ];
}
