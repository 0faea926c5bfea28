/** JSON Schema of a stack's file, so that an editor completes its keys. What `parseSettings` accepts, this does. */
import { engines, platforms, policyLevels } from "../model/plan-types.js";
import { type SettingKey, settingKeys } from "./settings.js";

interface Schema {
  readonly description?: string;
  readonly [keyword: string]: unknown;
}

const text = { type: ["string", "number"] };
/** `pulumi config set` writes every value as a text, and maps as JSON. */
const flag = { enum: [true, false, "true", "false"], default: false };
const days = { type: ["integer", "string"], minimum: 1, maximum: 3653, pattern: "^[0-9]+$", default: 90 };
const level = { enum: [...policyLevels, false] };
const names = { type: "array", items: { type: "string", minLength: 1 } };

function map(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: ["object", "string"], properties, additionalProperties: false };
}

const settings: Readonly<Record<SettingKey, Schema>> = {
  cloud: {
    description: "Where the stack runs. Changing it moves the pipeline with the next `up`.",
    enum: platforms,
    default: "local",
  },
  project: { description: "Folder that holds project.yml, relative to Pulumi.yaml.", ...text, default: "." },
  client: { description: "Goes into every name and tag. Default: the stack's name.", ...text },
  secrets: {
    description: "Encrypted values by key; `handoff secrets set` writes them.",
    type: "object",
    additionalProperties: {
      type: "object",
      properties: { secure: { type: "string" } },
      required: ["secure"],
      additionalProperties: false,
    },
  },
  deleteData: { description: "`destroy` also deletes artifacts and declared stores.", ...flag },
  network: {
    description: "How jobs reach the internet: public, nat, or existing with `subnets`.",
    ...map({
      mode: { enum: ["public", "nat", "existing"], default: "public" },
      vpc: { type: "string", description: "AWS: id; Google Cloud: name." },
      subnets: {
        ...names,
        minItems: 1,
        description: "AWS: ids; Google Cloud: names; Azure: one resource id.",
      },
      securityGroups: { ...names, description: "AWS: ids." },
    }),
    if: { type: "object", properties: { mode: { const: "existing" } }, required: ["mode"] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { required: ["subnets"] },
    else: { properties: { vpc: false, subnets: false } },
  },
  image: {
    description: "A runner image that exists, with its digest: nothing is built.",
    type: "string",
    pattern: "@sha256:[0-9a-f]{64}$",
  },
  imageBase: { description: "What the stack's image is built from.", ...text },
  imageNode: { description: "An image that the stack's image has its Node from.", ...text },
  logRetentionDays: { description: "Days that logs are kept.", ...days },
  artifactRetentionDays: { description: "Days that archived runs are kept in the artifact store.", ...days },
  tags: {
    description: "Further tags (labels on Google Cloud) of every resource.",
    type: ["object", "string"],
    propertyNames: { not: { pattern: "^handoff-" } },
    additionalProperties: { type: ["string", "number", "boolean"] },
  },
  spot: { description: "AWS: capacity that may be taken away, for less money.", ...flag },
  architecture: { description: "Processor; arm64 on AWS.", enum: ["x86_64", "arm64"], default: "x86_64" },
  engine: {
    description: "The local platform's: runs as processes, or in containers.",
    enum: engines,
    default: "process",
  },
  policies: {
    description: "What is demanded of the deployment: docs/policies.md.",
    ...map({
      publicNetwork: { description: "Jobs with public addresses.", ...level },
      missingAlerts: { description: "A failed or missed run of which nobody is told.", ...level },
      plainSecrets: { description: "A value in project.yml that looks like a secret.", ...level },
      budget: {
        description: "Highest estimate of a month, in US dollars.",
        anyOf: [
          { type: "number", minimum: 0 },
          {
            type: "object",
            properties: { monthlyUsd: { type: "number", minimum: 0 }, level },
            required: ["monthlyUsd"],
            additionalProperties: false,
          },
        ],
      },
    }),
  },
};

/** JSON Schema (draft 2020-12) of `Pulumi.<stack>.yaml`. Keys of other packages may hold anything. */
export function settingsJsonSchema(): object {
  const own = Object.entries(settings).map(([key, schema]) => [`handoff:${key}`, schema] as const);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: "urn:handoff:settings:1",
    title: "Settings of a handoff stack: Pulumi.<stack>.yaml",
    type: "object",
    properties: {
      config: {
        type: ["object", "null"],
        properties: {
          ...Object.fromEntries(own),
          "aws:region": { description: "Region on AWS.", type: "string" },
          "gcp:project": { description: "Project on Google Cloud.", type: "string" },
          "gcp:region": { description: "Region on Google Cloud.", type: "string" },
          "azure-native:location": { description: "Location on Azure.", type: "string" },
        },
        // handoff's own are known: another one is a slip.
        patternProperties: { [`^handoff:(?!(${settingKeys.join("|")})$)`]: false },
      },
      secretsprovider: { description: "What encrypts the secrets, such as awskms://….", type: "string" },
      encryptedkey: { description: "Written by Pulumi: the data key, encrypted.", type: "string" },
      encryptionsalt: { description: "Written by Pulumi: the passphrase's salt.", type: "string" },
      environment: { description: "Pulumi's environments, on Pulumi Cloud." },
    },
  };
}
