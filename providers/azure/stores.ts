/** Declared stores and what jobs may do with them. */
import { storeVariable } from "../container.js";
import { type RenderedResource, ref, text } from "../rendering.js";
import { blobUrl, type Storage } from "./artifacts.js";
import type { Grant } from "./identity.js";
import { nameInGroup } from "./names.js";
import { azure } from "./resources.js";
import { kept, type Scope, type Text } from "./scope.js";

export interface Stores {
  readonly resources: readonly RenderedResource[];
  readonly grants: readonly Grant[];
  /** Variable to URL. */
  readonly env: Readonly<Record<string, Text>>;
  /** Declared name to URL. */
  readonly urls: Readonly<Record<string, Text>>;
}

export function stores(scope: Scope, { account }: Storage): Stores {
  const { plan, parent, dataGroup } = scope;
  const of = { accountName: account, resourceGroupName: dataGroup };
  const resources: RenderedResource[] = [];
  const grants: Grant[] = [];
  const urls: Record<string, Text> = {};
  for (const { name, kind } of plan.stores) {
    if (kind === "bucket") {
      const container = azure(
        "azure-native:storage:BlobContainer",
        scope.resource("bucket", name),
        parent,
        { ...of, containerName: nameInGroup("container", "store", name), publicAccess: "None" },
        kept(plan),
      );
      resources.push(container);
      grants.push({ role: "useBlobs", of: `store-${name}`, scope: ref(container, "id") });
      urls[name] = blobUrl(account, ref(container, "name"));
    } else {
      const table = azure(
        "azure-native:storage:Table",
        scope.resource("table", name),
        parent,
        { ...of, tableName: nameInGroup("table", "store", name) },
        kept(plan),
      );
      resources.push(table);
      grants.push({ role: "useTable", of: `store-${name}`, scope: ref(table, "id") });
      urls[name] = text`https://${account}.table.core.windows.net/${ref(table, "tableName")}`;
    }
  }
  const env = Object.fromEntries(Object.entries(urls).map(([name, url]) => [storeVariable(name), url]));
  return { resources, grants, env, urls };
}
