/** Declared stores: a bucket each; all tables are collections of one Firestore database. */
import { type RenderedValue, ref, text } from "../rendering.js";
import { type Bucket, bucket } from "./artifacts.js";
import { nameOf } from "./names.js";
import { gcp, type Made } from "./resources.js";
import type { Scope } from "./scope.js";

export interface Stores {
  readonly buckets: readonly Bucket[];
  readonly database: Made<"gcp:firestore/database:Database"> | undefined;
  /** Store's name to its URL: `gs://bucket` or `firestore://database/collection`. */
  readonly urls: Readonly<Record<string, RenderedValue>>;
}

export function stores(scope: Scope): Stores {
  const { stores } = scope.plan;
  const buckets = new Map<string, Bucket>();
  for (const { name, kind } of stores) {
    if (kind === "bucket") buckets.set(name, bucket(scope, scope.name("store", name), `store-${name}`));
  }
  const database = stores.some(({ kind }) => kind === "table") ? renderDatabase(scope) : undefined;
  const urls: Record<string, RenderedValue> = {};
  for (const { name } of stores) {
    const bucket = buckets.get(name);
    if (bucket) urls[name] = text`gs://${ref(bucket, "name")}`;
    else if (database) urls[name] = text`firestore://${ref(database, "name")}/${name}`;
  }
  return { buckets: [...buckets.values()], database, urls };
}

function renderDatabase({
  plan,
  name,
  parent,
  project,
  region,
}: Scope): Made<"gcp:firestore/database:Database"> {
  const { deleteData } = plan.settings;
  return gcp(
    "gcp:firestore/database:Database",
    name("tables"),
    parent,
    {
      name: nameOf(plan, "database"),
      project,
      locationId: region,
      type: "FIRESTORE_NATIVE",
      deleteProtectionState: deleteData ? "DELETE_PROTECTION_DISABLED" : "DELETE_PROTECTION_ENABLED",
      deletionPolicy: deleteData ? "DELETE" : "ABANDON",
    },
    { retainOnDelete: !deleteData },
  );
}
