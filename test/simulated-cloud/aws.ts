/** A simulated AWS account in one region. */
import { awsFunctions } from "./aws-functions.js";
import { awsRules } from "./aws-rules.js";
import type { SimulatedCloud } from "./cloud.js";
import { parseJson } from "./iam.js";
import { type Failure, isObject, textAt, textsIn } from "./values.js";
import { hex, type World } from "./world.js";

/** Never an account's number: AWS uses it in its documentation. */
const account = "123456789012";

export const aws: SimulatedCloud = {
  packageName: "aws",
  rules: awsRules,
  functions: awsFunctions,

  place(config) {
    const region = config["aws:config:region"];
    if (!region) throw new Error("Missing region configuration: set aws:region, or AWS_REGION");
    return { account, region };
  },

  id: (type, inputs, { region }, name) =>
    textAt(inputs, awsRules[type]?.name?.input ?? "name") ??
    `${name}-${hex(`${type} ${name} ${region} ${JSON.stringify(inputs)}`, 7)}`,

  outputs(type, _inputs, { region }, id) {
    const [, module = "", name = ""] = type.split(":");
    const arn = `arn:aws:${module.split("/")[0]}:${region}:${account}:${name.toLowerCase()}/${id}`;
    return { arn, region };
  },

  accept: (_type, inputs, world) => missingArns(inputs, world),

  autoname: (name, characters) => `${name}-${characters.slice(1)}`,
  duplicate: (type, id) => {
    const errors: Readonly<Record<string, string>> = {
      "aws:s3/bucket:Bucket": "BucketAlreadyExists: creating S3 Bucket",
      "aws:iam/role:Role": "EntityAlreadyExists: Role with name",
      "aws:dynamodb/table:Table": "ResourceInUseException: Table already exists:",
    };
    return `${errors[type] ?? "ResourceAlreadyExistsException: the name is taken:"} ${id}`;
  },

  failure: (method, type) =>
    `operation error ${type.split(":")[2]}: ${method}, https response error StatusCode: 400, ThrottlingException: Rate exceeded`,
};

/** ARNs of this account that stand in inputs, also in JSON texts, and are nobody's. Policies may name what isn't there yet. */
function missingArns(inputs: Readonly<Record<string, unknown>>, world: World): Failure[] {
  const known = new Set(world.all().flatMap((held) => Object.values(held.outputs)));
  const failures: Failure[] = [];
  for (const { path, text } of textsIn(inputs)) {
    if (/polic/i.test(path)) continue;
    const parsed = /^\s*[[{]/.test(text) ? parseJson(text) : undefined;
    const inside = isObject(parsed) || Array.isArray(parsed) ? textsIn(parsed) : [{ path: "", text }];
    for (const { text: arn } of inside) {
      if (!/^arn:aws[\w-]*:[\w-]+:[\w-]*:\d{12}:/.test(arn) || /[*?]/.test(arn.replace(/:\*$/, ""))) continue;
      // Secrets are read by key, versions and streams by suffix.
      const base = arn
        .replace(/:\*$/, "")
        .replace(/^(arn:aws:secretsmanager:[^:]*:[^:]*:secret:[^:]+):.*$/, "$1");
      if (!known.has(base)) failures.push({ property: path, reason: `${base} does not exist` });
    }
  }
  return failures;
}
