/** Declared stores: a bucket each; all tables are collections of one Firestore database. */
import { type RenderedResource, ref, text } from "../rendering.js";
import { type Bucket, bucket } from "./artifacts.js";
import { firestoreMark } from "./firestore-mark.js";
import { nameOf } from "./names.js";
import { gcp, type Made } from "./resources.js";
import type { Scope, Text } from "./scope.js";

export interface Stores {
  readonly buckets: readonly Bucket[];
  readonly database: Made<"gcp:firestore/database:Database"> | undefined;
  /** With what marks it. */
  readonly databaseResources: readonly RenderedResource[];
  /** Store's name to its URL: `gs://bucket` or `firestore://database/collection`. */
  readonly urls: Readonly<Record<string, Text>>;
}

export function stores(scope: Scope): Stores {
  const { stores } = scope.plan;
  const buckets = new Map<string, Bucket>();
  for (const { name, kind } of stores) {
    if (kind === "bucket") buckets.set(name, bucket(scope, scope.name("store", name), `store-${name}`));
  }
  const database = stores.some(({ kind }) => kind === "table") ? renderDatabase(scope) : undefined;
  const urls: Record<string, Text> = {};
  for (const { name } of stores) {
    const bucket = buckets.get(name);
    if (bucket) urls[name] = text`gs://${ref(bucket, "name")}`;
    else if (database) urls[name] = text`firestore://${ref(database, "name")}/${name}`;
  }
  const databaseResources = database ? [database, mark(scope, database)] : [];
  return { buckets: [...buckets.values()], database, databaseResources, urls };
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

/** A document by which a later deployment finds the database, when this one leaves it behind (adopt.ts). */
function mark(
  { plan, name, parent, project }: Scope,
  database: Made<"gcp:firestore/database:Database">,
): RenderedResource {
  return gcp(
    "gcp:firestore/document:Document",
    name("tables", "mark"),
    parent,
    {
      ...firestoreMark,
      project,
      database: ref(database, "name"),
      fields: JSON.stringify({ madeBy: { stringValue: "handoff" } }),
    },
    { retainOnDelete: !plan.settings.deleteData },
  );
}
