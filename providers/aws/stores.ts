/** Declared stores and what jobs may do with them. */
import { storeVariable } from "../container.js";
import { type RenderedResource, type RenderedValue, ref, text } from "../rendering.js";
import { bucket, keep, objectActions, s3Url } from "./buckets.js";
import type { Statement } from "./identity.js";
import { bucketBaseName, nameOf } from "./names.js";
import { aws } from "./resources.js";
import type { Scope } from "./scope.js";

export interface Stores {
  readonly resources: readonly RenderedResource[];
  readonly statements: readonly Statement[];
  /** Variable to URL: `s3://bucket`, `dynamodb://table`. */
  readonly env: Readonly<Record<string, RenderedValue>>;
  /** Declared name to URL. */
  readonly urls: Readonly<Record<string, RenderedValue>>;
}

/** Key of every table: one text. What else an item has is the project's to say. */
export const tableKey = "id";

export function stores(scope: Scope): Stores {
  const { plan, parent, tags } = scope;
  const resources: RenderedResource[] = [];
  const buckets: RenderedValue[] = [];
  const tables: RenderedValue[] = [];
  const urls: Record<string, RenderedValue> = {};
  for (const { name, kind } of plan.stores) {
    if (kind === "bucket") {
      const made = bucket(scope, { kind: "bucket", name, base: bucketBaseName(plan, "store", name) });
      resources.push(...made.resources);
      buckets.push(made.arn);
      urls[name] = s3Url(made.id);
    } else {
      const made = aws(
        "aws:dynamodb/table:Table",
        scope.resource("table", name),
        parent,
        {
          name: nameOf(plan, "table", name),
          billingMode: "PAY_PER_REQUEST",
          hashKey: tableKey,
          attributes: [{ name: tableKey, type: "S" }],
          pointInTimeRecovery: { enabled: true },
          deletionProtectionEnabled: !plan.settings.deleteData,
          tags,
        },
        keep(scope),
      );
      resources.push(made);
      tables.push(ref(made, "arn"));
      urls[name] = text`dynamodb://${ref(made, "name")}`;
    }
  }
  const env = Object.fromEntries(Object.entries(urls).map(([name, url]) => [storeVariable(name), url]));
  return { resources, statements: [...bucketStatements(buckets), ...tableStatements(tables)], env, urls };
}

function bucketStatements(arns: readonly RenderedValue[]): Statement[] {
  if (arns.length === 0) return [];
  return [
    { Sid: "ListStores", Effect: "Allow", Action: "s3:ListBucket", Resource: arns },
    {
      Sid: "UseStores",
      Effect: "Allow",
      Action: [...objectActions],
      Resource: arns.map((arn) => text`${arn}/*`),
    },
  ];
}

function tableStatements(arns: readonly RenderedValue[]): Statement[] {
  if (arns.length === 0) return [];
  return [
    {
      Sid: "UseTables",
      Effect: "Allow",
      Action: [
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:DescribeTable",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
      ],
      Resource: arns,
    },
  ];
}
