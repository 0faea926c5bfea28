/** The form of IAM policies, which AWS checks when it is given one. */
import { type Failure, isObject } from "./values.js";
import type { World } from "./world.js";

const statementKeys = [
  "Sid",
  "Effect",
  "Principal",
  "NotPrincipal",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
];

/** Problems of a policy's JSON text. `kind`: who may come in (trust), what may be done (identity), or both (resource). */
export function checkPolicy(
  text: unknown,
  property: string,
  kind: "trust" | "identity" | "resource",
): Failure[] {
  if (typeof text !== "string") return [];
  const malformed = (reason: string) => ({ property, reason: `MalformedPolicyDocument: ${reason}` });
  const policy = parseJson(text);
  if (!isObject(policy)) return [malformed("is no JSON object")];
  if (policy.Version !== "2012-10-17") return [malformed("Version must be 2012-10-17")];
  const statements = Array.isArray(policy.Statement) ? policy.Statement : [policy.Statement];
  if (statements.length === 0) return [malformed("has no Statement")];
  if (text.length > 10_240) return [malformed(`has ${text.length} characters, 10240 are allowed`)];
  return statements.flatMap((statement: unknown) => {
    if (!isObject(statement)) return [malformed("a Statement is no object")];
    const found: Failure[] = [];
    const unknown = Object.keys(statement).filter((key) => !statementKeys.includes(key));
    if (unknown.length > 0) found.push(malformed(`a statement has ${unknown.join(", ")}`));
    if (statement.Effect !== "Allow" && statement.Effect !== "Deny")
      found.push(malformed("Effect is neither Allow nor Deny"));
    const actions = texts(statement.Action);
    if (actions.length === 0 || actions.some((action) => !/^(\*|[a-z0-9-]+:[A-Za-z0-9*]+)$/.test(action)))
      found.push(malformed(`Action is ${JSON.stringify(statement.Action)}`));
    if (kind !== "identity" && !("Principal" in statement)) found.push(malformed("has no Principal"));
    if (kind === "identity" && "Principal" in statement) found.push(malformed("has a Principal"));
    if (kind === "trust" && "Resource" in statement) found.push(malformed("has a Resource"));
    const resources = texts(statement.Resource);
    if (kind !== "trust" && (resources.length === 0 || resources.some((one) => !/^(\*|arn:aws)/.test(one))))
      found.push(malformed(`Resource is ${JSON.stringify(statement.Resource)}`));
    if (/undefined|\[object/.test(JSON.stringify(statement)))
      found.push(malformed("holds something undefined"));
    return found;
  });
}

/** Fails when a role that a service is handed doesn't let that service in. */
export function checkTrust(
  property: string,
  arn: string | undefined,
  service: string,
  world: World,
): Failure[] {
  const role = arn === undefined ? undefined : world.named(["aws:iam/role:Role"], arn);
  // One that isn't there at all is found as a missing reference.
  if (!role) return [];
  const policy = parseJson(String(role.inputs.assumeRolePolicy));
  const statements = isObject(policy) ? [policy.Statement].flat() : [];
  const services = statements.flatMap((statement) =>
    isObject(statement) && isObject(statement.Principal) ? texts(statement.Principal.Service) : [],
  );
  if (services.includes(service)) return [];
  return [{ property, reason: `the role ${role.id} does not allow ${service} to assume it` }];
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function texts(value: unknown): string[] {
  return [value].flat().filter((item): item is string => typeof item === "string");
}

/** Every resource that a policy names, for tests that look for what isn't there. */
export function resourcesOfPolicy(text: string): string[] {
  const policy = parseJson(text);
  const statements = isObject(policy) ? [policy.Statement].flat() : [];
  return statements.flatMap((statement) => (isObject(statement) ? texts(statement.Resource) : []));
}
