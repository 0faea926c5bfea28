/**
 * Data that an earlier deployment left behind has to be taken over by the next one: a bucket can't be made twice. The cloud
 * itself is asked whether it is there, by the name that it would be given: that works from every machine, with every kind of
 * state, and after a state was lost. What is there is imported, and then changed to what the project says.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import * as pulumi from "@pulumi/pulumi";
import { firestoreMark } from "./gcp/firestore-mark.js";

/** Asks a cloud's SDK; rejects when what was asked for is not there. */
export type Ask = (
  token: string,
  args: Readonly<Record<string, string>>,
  options: pulumi.InvokeOptions,
) => Promise<unknown>;

interface Question {
  /** Token of the SDK's function. */
  readonly token: string;
  /** The function's arguments, and the inputs of the resource that they are. */
  readonly args: Readonly<Record<string, string>>;
  /** Arguments that are the same for every resource. */
  readonly fixed?: Readonly<Record<string, string>>;
  /** What an import wants, from the arguments; default: the answer's `id`. */
  readonly importId?: (args: Readonly<Record<string, string>>) => string;
}

const named = (token: string, ...inputs: string[]): Question => ({
  token,
  args: Object.fromEntries(inputs.map((input) => [input, input])),
});

/** Types that hold data, or that data is in. The answer's `id` is what an import of the type wants. */
const questions: Readonly<Record<string, Question>> = {
  "aws:s3/bucket:Bucket": named("aws:s3/getBucket:getBucket", "bucket"),
  "aws:dynamodb/table:Table": named("aws:dynamodb/getTable:getTable", "name"),
  "gcp:storage/bucket:Bucket": named("gcp:storage/getBucket:getBucket", "name"),
  "gcp:firestore/database:Database": {
    token: "gcp:firestore/getDocument:getDocument",
    args: { project: "project", database: "name" },
    fixed: firestoreMark,
    importId: ({ project, database }) => `projects/${project}/databases/${database}`,
  },
  "gcp:firestore/document:Document": {
    ...named("gcp:firestore/getDocument:getDocument", "project", "database", "collection", "documentId"),
    importId: ({ project, database, collection, documentId }) =>
      `projects/${project}/databases/${database}/documents/${collection}/${documentId}`,
  },
  "azure-native:resources:ResourceGroup": named(
    "azure-native:resources:getResourceGroup",
    "resourceGroupName",
  ),
  "azure-native:storage:StorageAccount": named(
    "azure-native:storage:getStorageAccount",
    "accountName",
    "resourceGroupName",
  ),
  "azure-native:storage:BlobContainer": named(
    "azure-native:storage:getBlobContainer",
    "accountName",
    "containerName",
    "resourceGroupName",
  ),
  "azure-native:storage:BlobServiceProperties": named(
    "azure-native:storage:getBlobServiceProperties",
    "accountName",
    "blobServicesName",
    "resourceGroupName",
  ),
  "azure-native:storage:ManagementPolicy": named(
    "azure-native:storage:getManagementPolicy",
    "accountName",
    "managementPolicyName",
    "resourceGroupName",
  ),
  "azure-native:storage:Table": named(
    "azure-native:storage:getTable",
    "accountName",
    "resourceGroupName",
    "tableName",
  ),
};

/**
 * A transform that imports the resource when the cloud has it already; undefined for types that hold no data.
 * Not for resources that the stack's state has: an import of those would be a replacement where ids are written differently.
 */
export function adopting(type: string, ask: Ask): pulumi.ResourceTransform | undefined {
  const question = questions[type];
  if (!question) return undefined;
  const transform: pulumi.ResourceTransform = async ({ props, opts }) => {
    const args: Record<string, string> = { ...question.fixed };
    for (const [argument, input] of Object.entries(question.args)) {
      const value = await knownText(props[input]);
      // A preview doesn't know the name of what it is in, which then isn't there yet either.
      if (value === undefined) return undefined;
      args[argument] = value;
    }
    const id = await ask(question.token, args, askOptions(opts)).then(idOf, () => undefined);
    if (id === undefined) return undefined;
    return { props, opts: { ...opts, import: question.importId?.(args) ?? id } };
  };
  // The engine calls back from outside of the program; Pulumi's runtime is found through the program's asynchronous context.
  const inProgram = AsyncLocalStorage.bind(transform);
  return (args) => inProgram(args);
}

/** With the provider of the resource, and so its region and credentials. */
function askOptions({ provider, parent }: pulumi.ResourceOptions): pulumi.InvokeOptions {
  if (provider) return { provider };
  return parent ? { parent } : {};
}

function idOf(answer: unknown): string | undefined {
  if (typeof answer !== "object" || answer === null || !("id" in answer)) return undefined;
  return typeof answer.id === "string" && answer.id !== "" ? answer.id : undefined;
}

async function knownText(value: unknown): Promise<string | undefined> {
  if (!pulumi.Output.isInstance(value)) return typeof value === "string" ? value : undefined;
  // Both are there, but not in the SDK's public types.
  const output = value as unknown as { isKnown: Promise<boolean>; promise(): Promise<unknown> };
  return (await output.isKnown) ? await knownText(await output.promise()) : undefined;
}
