/** A simulated Google Cloud project. */
import type { NameRule, SimulatedCloud, TypeRule } from "./cloud.js";
import { isZone, unixProblem } from "./cron.js";
import { parseJson } from "./iam.js";
import { type Failure, isObject, type Props, textAt, textsIn, unknownValue, valuesAt } from "./values.js";
import { digits, hex, type World } from "./world.js";

const account = "gcp:serviceaccount/account:Account";
const job = "gcp:cloudrunv2/job:Job";
const bucket = "gcp:storage/bucket:Bucket";
const secret = "gcp:secretmanager/secret:Secret";
const topic = "gcp:pubsub/topic:Topic";
const workflow = "gcp:workflows/workflow:Workflow";
const network = "gcp:compute/network:Network";
const subnetwork = "gcp:compute/subnetwork:Subnetwork";
const repository = "gcp:artifactregistry/repository:Repository";
const database = "gcp:firestore/database:Database";
const document = "gcp:firestore/document:Document";
const channel = "gcp:monitoring/notificationChannel:NotificationChannel";

const named = (input: string, pattern: RegExp, max: number, min = 1): NameRule => ({
  input,
  pattern,
  min,
  max,
});
/** RFC 1035, as most of Google's resources want it. */
const label = /^[a-z]([a-z0-9-]*[a-z0-9])?$/;

/** `projects/P/locations/L/<collection>/<name>`. */
const inLocation =
  (collection: string, input = "name"): NonNullable<TypeRule["id"]> =>
  (inputs, place) =>
    `projects/${place.account}/locations/${String(inputs.location ?? inputs.region ?? place.region)}/${collection}/${String(inputs[input])}`;

const inProject =
  (collection: string, input = "name"): NonNullable<TypeRule["id"]> =>
  (inputs, place) =>
    `projects/${place.account}/${collection}/${String(inputs[input])}`;

/** One member's role on something: adding it twice changes nothing. */
const member = (input: string, types: readonly string[]): TypeRule => ({
  refs: types.length > 0 ? { [input]: types } : {},
  replaceOn: [input, "role", "member", "location", "project"],
  isSetting: true,
  check: ({ role, member: who }) => [
    ...(typeof role === "string" && !/^(roles\/[\w.]+|projects\/[\w-]+\/roles\/[\w.]+)$/.test(role)
      ? [{ property: "role", reason: `'${role}' is no role` }]
      : []),
    ...(typeof who === "string" && !/^(serviceAccount|user|group):[^\s@]+@[^\s@]+$|^allUsers$/.test(who)
      ? [{ property: "member", reason: `'${who}' is no member` }]
      : []),
  ],
  id: (inputs) => `${String(inputs[input] ?? "project")}/${String(inputs.role)}/${String(inputs.member)}`,
  outputs: (_inputs, _place, id) => ({ etag: hex(id, 8) }),
});

const protectedByDefault: NonNullable<TypeRule["refuseDelete"]> = ({ id, inputs }) =>
  inputs.deletionProtection === false
    ? undefined
    : `cannot destroy ${id} without setting deletion_protection=false and running \`pulumi up\``;

const rules: Readonly<Record<string, TypeRule>> = {
  [account]: {
    name: named("accountId", /^[a-z]([a-z0-9-]*[a-z0-9])$/, 30, 6),
    id: (inputs, place) =>
      `projects/${place.account}/serviceAccounts/${String(inputs.accountId)}@${place.account}.iam.gserviceaccount.com`,
    outputs(inputs, place, id) {
      const email = `${String(inputs.accountId)}@${place.account}.iam.gserviceaccount.com`;
      return { email, member: `serviceAccount:${email}`, name: id, uniqueId: digits(email, 21) };
    },
  },
  [job]: {
    name: named("name", label, 63),
    replaceOn: ["location", "project"],
    refs: { "template.template.serviceAccount": [account] },
    check: checkJob,
    accept: (inputs, world) => [
      ...missing(
        inputs,
        "template.template.containers[].envs[].valueSource.secretKeyRef.secret",
        [secret],
        world,
      ),
      ...readableSecrets(inputs, world),
    ],
    id: inLocation("jobs"),
    outputs: (_inputs, _place, id) => ({ uid: hex(id, 32), generation: "1", etag: hex(id, 8) }),
    refuseDelete: protectedByDefault,
  },
  "gcp:cloudrunv2/jobIamMember:JobIamMember": member("name", [job]),
  "gcp:cloudscheduler/job:Job": {
    name: named("name", /^[\w-]+$/, 500),
    replaceOn: ["region", "project"],
    refs: { "httpTarget.oauthToken.serviceAccountEmail": [account] },
    check: checkSchedulerJob,
    accept: (inputs, world) => runTarget(inputs, world),
    id: inLocation("jobs"),
  },
  [bucket]: {
    name: named("name", /^[a-z0-9](?!.*(goog|\.\.))[a-z0-9._-]*[a-z0-9]$/, 63, 3),
    replaceOn: ["location", "project"],
    id: (inputs) => String(inputs.name),
    outputs: (_inputs, _place, id) => ({
      url: `gs://${id}`,
      selfLink: `https://www.googleapis.com/storage/v1/b/${id}`,
    }),
    refuseDelete: ({ id, inputs, data }) =>
      data && data.length > 0 && inputs.forceDestroy !== true
        ? `Error trying to delete bucket ${id} containing objects without force_destroy set to true`
        : undefined,
    contains: (held, other) => other.type.startsWith("gcp:storage/bucket") && other.inputs.bucket === held.id,
  },
  "gcp:storage/bucketIAMMember:BucketIAMMember": member("bucket", [bucket]),
  [secret]: {
    name: named("secretId", /^[\w-]+$/, 255),
    replaceOn: ["replication", "project"],
    id: inProject("secrets", "secretId"),
    outputs: (_inputs, _place, id) => ({ name: id }),
  },
  "gcp:secretmanager/secretVersion:SecretVersion": {
    replaceOn: ["secret", "secretData"],
    refs: { secret: [secret] },
    id: (inputs) => `${String(inputs.secret)}/versions/${digits(JSON.stringify(inputs), 3)}`,
    outputs: (_inputs, _place, id) => ({ name: id, version: id.split("/").at(-1) }),
  },
  "gcp:secretmanager/secretIamMember:SecretIamMember": member("secretId", [secret]),
  "gcp:projects/iAMMember:IAMMember": member("project", []),
  "gcp:projects/service:Service": {
    replaceOn: ["service", "project"],
    isSetting: true,
    check: ({ service }) =>
      typeof service === "string" && !/^[a-z-]+\.googleapis\.com$/.test(service)
        ? [{ property: "service", reason: `'${service}' is no service` }]
        : [],
    id: (inputs, place) => `${place.account}/${String(inputs.service)}`,
  },
  "gcp:serviceaccount/iAMMember:IAMMember": member("serviceAccountId", [account]),
  [topic]: {
    name: named("name", /^(?!goog)[A-Za-z][\w.~+%-]{2,}$/, 255, 3),
    id: inProject("topics"),
  },
  "gcp:pubsub/topicIAMMember:TopicIAMMember": member("topic", [topic]),
  "gcp:pubsub/subscription:Subscription": {
    name: named("name", /^(?!goog)[A-Za-z][\w.~+%-]{2,}$/, 255, 3),
    replaceOn: ["topic"],
    refs: { topic: [topic], "deadLetterPolicy.deadLetterTopic": [topic] },
    id: inProject("subscriptions"),
  },
  "gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember": member("subscription", [
    "gcp:pubsub/subscription:Subscription",
  ]),
  "gcp:eventarc/trigger:Trigger": {
    name: named("name", label, 63),
    replaceOn: ["location", "matchingCriterias", "transport"],
    refs: {
      serviceAccount: [account],
      "transport.pubsub.topic": [topic],
      "destination.workflow": [workflow],
    },
    id: inLocation("triggers"),
  },
  [workflow]: {
    name: named("name", /^[A-Za-z]([\w-]*[A-Za-z0-9])?$/, 64),
    replaceOn: ["region", "project"],
    refs: { serviceAccount: [account] },
    check: ({ sourceContents: source }) => {
      if (typeof source !== "string") return [];
      if (source.length > 128 * 1024) return [{ property: "sourceContents", reason: "has more than 128 KB" }];
      const parsed = parseJson(source);
      return isObject(parsed) && "main" in parsed
        ? []
        : [{ property: "sourceContents", reason: "parse error: has no main" }];
    },
    id: inLocation("workflows"),
    outputs: (_inputs, _place, id) => ({ state: "ACTIVE", revisionId: `000001-${hex(id, 3)}` }),
    refuseDelete: protectedByDefault,
  },
  [repository]: {
    name: named("repositoryId", label, 63),
    replaceOn: ["location", "format", "project"],
    id: inLocation("repositories", "repositoryId"),
    outputs: (inputs, { account, registry = `${String(inputs.location)}-docker.pkg.dev` }) => ({
      name: inputs.repositoryId,
      registryUri: `${registry}/${String(inputs.project ?? account).replace(":", "/")}/${String(inputs.repositoryId)}`,
    }),
  },
  "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember": member("repository", [repository]),
  [database]: {
    name: named("name", /^(\(default\)|[a-z](?!.*--)[a-z0-9-]*[a-z0-9])$/, 63),
    replaceOn: ["locationId", "type", "project"],
    id: inProject("databases"),
    outputs: (_inputs, _place, id) => ({ uid: hex(id, 32), etag: hex(id, 8) }),
    refuseDelete: ({ id, inputs }) =>
      inputs.deleteProtectionState === "DELETE_PROTECTION_ENABLED"
        ? `Error 400: the database ${id} has delete protection enabled`
        : undefined,
    contains: (held, other) => other.id.startsWith(`${held.id}/`),
  },
  [document]: {
    replaceOn: ["collection", "database", "documentId", "project"],
    refs: { database: [database] },
    id: (inputs, place) =>
      `projects/${place.account}/databases/${String(inputs.database)}/documents/${String(inputs.collection)}/${String(inputs.documentId)}`,
    outputs: (_inputs, _place, id) => ({ name: id, path: id.split("/documents/")[1] }),
  },
  [channel]: {
    id: (_inputs, place, name) => `projects/${place.account}/notificationChannels/${digits(name, 19)}`,
    outputs: (_inputs, _place, id) => ({ name: id }),
  },
  "gcp:monitoring/alertPolicy:AlertPolicy": {
    refs: { "notificationChannels[]": [channel] },
    check: checkAlertPolicy,
    id: (_inputs, place, name) => `projects/${place.account}/alertPolicies/${digits(name, 19)}`,
    outputs: (_inputs, _place, id) => ({ name: id }),
  },
  [network]: {
    name: named("name", label, 63),
    id: inProject("global/networks"),
    outputs: (_inputs, _place, id) => ({ selfLink: `https://www.googleapis.com/compute/v1/${id}` }),
  },
  [subnetwork]: {
    name: named("name", label, 63),
    replaceOn: ["network", "ipCidrRange", "region"],
    refs: { network: [network] },
    id: (inputs, place) =>
      `projects/${place.account}/regions/${String(inputs.region ?? place.region)}/subnetworks/${String(inputs.name)}`,
    outputs: (_inputs, _place, id) => ({ selfLink: `https://www.googleapis.com/compute/v1/${id}` }),
  },
};

export const gcp: SimulatedCloud = {
  packageName: "gcp",
  rules,
  functions: {
    "gcp:organizations/getProject:getProject": (args, _world, place) => ({
      id: `projects/${place.account}`,
      projectId: args.projectId ?? place.account,
      number: digits(place.account, 12),
      name: place.account,
    }),
    "gcp:organizations/getClientConfig:getClientConfig": (_args, _world, place) => ({
      id: `projects/${place.account}`,
      project: place.account,
      region: place.region,
      zone: `${place.region}-a`,
      accessToken: "simulated-gcp-token",
    }),
    "gcp:storage/getBucket:getBucket": (args, world) => {
      const held = world.get(bucket, String(args.name));
      if (!held) throw new Error(`googleapi: Error 404: The specified bucket does not exist., notFound`);
      return { ...held.outputs, id: held.id };
    },
    "gcp:firestore/getDocument:getDocument": (args, world, place) => {
      const id = `projects/${place.account}/databases/${String(args.database)}/documents/${String(args.collection)}/${String(args.documentId)}`;
      const held = world.get(document, id);
      if (!held) throw new Error(`googleapi: Error 404: ${id} not found.`);
      return { ...held.outputs, id };
    },
    "gcp:storage/getProjectServiceAccount:getProjectServiceAccount": (_args, _world, place) => {
      const email = `service-${digits(place.account, 12)}@gs-project-accounts.iam.gserviceaccount.com`;
      return { id: email, emailAddress: email, member: `serviceAccount:${email}` };
    },
  },

  place(config) {
    const project = config["gcp:config:project"];
    if (!project) throw new Error("Cannot determine the project: set gcp:project, or GOOGLE_PROJECT");
    return { account: project, region: config["gcp:config:region"] ?? "" };
  },

  id: (type, inputs, place, name) =>
    `projects/${place.account}/${type.split(":")[2]?.toLowerCase()}s/${textAt(inputs, "name") ?? `${name}-${hex(`${type}${name}${JSON.stringify(inputs)}`, 7)}`}`,

  outputs: (_type, inputs, place) => ({
    project: place.account,
    ...(inputs.labels === undefined ? {} : { effectiveLabels: inputs.labels, pulumiLabels: inputs.labels }),
  }),

  accept(type, inputs, world, place) {
    const emails = new RegExp(`[a-z0-9-]+@${place.account}\\.iam\\.gserviceaccount\\.com`, "g");
    const resources = new RegExp(`^(//[a-z]+\\.googleapis\\.com/)?projects/${place.account}/[^/]+/[^/]+.*`);
    const failures: Failure[] = [...(type === channel ? [] : checkLabels(inputs))];
    for (const { path, text } of textsIn(inputs)) {
      for (const email of text.match(emails) ?? [])
        if (!world.named([account], email))
          failures.push({ property: path, reason: `there is no service account ${email}` });
      if (!resources.test(text) || /\s/.test(text) || path.endsWith("member")) continue;
      const id = text.replace(/^\/\/[a-z]+\.googleapis\.com\//, "");
      if (
        !world
          .all()
          .some((held) => held.id === id || held.outputs.name === id || id.startsWith(`${held.id}/`))
      )
        failures.push({ property: path, reason: `${id} does not exist` });
    }
    return failures;
  },

  autoname: (name, characters) => `${name}-${characters.slice(1)}`,
  duplicate: (type, id) =>
    `googleapi: Error 409: Requested entity already exists: ${type.split(":")[2]} ${id}, alreadyExists`,
  failure: (method, type) =>
    `googleapi: Error 503: The service is currently unavailable (${method} ${type.split(":")[2]}), backendError`,
};

/** Keys and values of labels: lower case, digits, `_` and `-`, 63 characters. */
function checkLabels({ labels }: Props): Failure[] {
  if (!isObject(labels)) return [];
  return Object.entries(labels)
    .filter(
      ([key, value]) => !/^[a-z][a-z0-9_-]{0,62}$/.test(key) || !/^[a-z0-9_-]{0,63}$/.test(String(value)),
    )
    .map(([key, value]) => ({ property: `labels.${key}`, reason: `invalid label ${key}=${String(value)}` }));
}

/** Memory in MiB that goes with each number of cpus. */
const sizes: Readonly<Record<string, readonly [number, number]>> = {
  "1": [512, 4096],
  "2": [512, 8192],
  "4": [2048, 16_384],
  "6": [4096, 24_576],
  "8": [4096, 32_768],
};

function checkJob(inputs: Props): Failure[] {
  const at = "template.template";
  const failures: Failure[] = [];
  for (const limits of valuesAt(inputs, `${at}.containers[].resources.limits`)) {
    if (!isObject(limits)) continue;
    const [from, to] = sizes[String(limits.cpu)] ?? [0, -1];
    const memory = mebibytes(String(limits.memory));
    if (memory < from || memory > to)
      failures.push({
        property: `${at}.containers.resources.limits`,
        reason: `cpu ${String(limits.cpu)} with memory ${String(limits.memory)} is not possible`,
      });
  }
  for (const timeout of valuesAt(inputs, `${at}.timeout`)) {
    const seconds = /^(\d+(?:\.\d+)?)s$/.exec(String(timeout))?.[1];
    if (timeout !== unknownValue && (seconds === undefined || Number(seconds) > 168 * 3600))
      failures.push({ property: `${at}.timeout`, reason: `is ${String(timeout)}: at most 604800s` });
  }
  for (const value of valuesAt(inputs, `${at}.containers[].envs[].value`))
    if (String(value).length > 32_768)
      failures.push({ property: `${at}.containers.envs`, reason: "has a value of more than 32 KiB" });
  const variables = valuesAt(inputs, `${at}.containers[].envs[].name`);
  if (new Set(variables).size !== variables.length)
    failures.push({ property: `${at}.containers.envs`, reason: "has a variable twice" });
  return failures;
}

function mebibytes(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(Mi|Gi)$/.exec(text) ?? [];
  return unit === undefined ? Number.NaN : Number(number) * (unit === "Gi" ? 1024 : 1);
}

/** The job's identity has to be allowed to read its secrets before the job is made. */
function readableSecrets(inputs: Props, world: World): Failure[] {
  const email = textAt(inputs, "template.template.serviceAccount");
  const grants = world.ofType("gcp:secretmanager/secretIamMember:SecretIamMember");
  return valuesAt(inputs, "template.template.containers[].envs[].valueSource.secretKeyRef.secret")
    .map((name) => world.named([secret], String(name)))
    .filter((held) => held !== undefined)
    .filter(
      (held) =>
        !grants.some(
          (grant) =>
            grant.inputs.member === `serviceAccount:${email}` &&
            grant.inputs.role === "roles/secretmanager.secretAccessor" &&
            [held.id, held.inputs.secretId, held.outputs.name].includes(String(grant.inputs.secretId)),
        ),
    )
    .map((held) => ({
      property: "template.template.containers.envs",
      reason: `Permission denied on secret: ${held.id} for Revision service account ${email}`,
    }));
}

function checkSchedulerJob(inputs: Props): Failure[] {
  const failures: Failure[] = [];
  const { schedule, timeZone } = inputs;
  const problem = typeof schedule === "string" ? unixProblem(schedule) : undefined;
  if (problem)
    failures.push({
      property: "schedule",
      reason: `Schedule or time zone is invalid: ${String(schedule)} ${problem}`,
    });
  if (timeZone !== undefined && !isZone(timeZone))
    failures.push({ property: "timeZone", reason: `there is no zone ${String(timeZone)}` });
  const retries = valuesAt(inputs, "retryConfig.retryCount")[0];
  if (typeof retries === "number" && retries > 5)
    failures.push({ property: "retryConfig.retryCount", reason: "is more than 5" });
  const deadline = textAt(inputs, "attemptDeadline");
  const seconds = Number(deadline?.replace(/s$/, ""));
  if (deadline !== undefined && !(seconds >= 15 && seconds <= 1800))
    failures.push({ property: "attemptDeadline", reason: `is ${deadline}: 15s to 30m` });
  const body = textAt(inputs, "httpTarget.body");
  const text = body === undefined ? undefined : Buffer.from(body, "base64").toString();
  if (body !== undefined && Buffer.from(text ?? "").toString("base64") !== body)
    failures.push({ property: "httpTarget.body", reason: "is no base64" });
  if (text && parseJson(text) === undefined)
    failures.push({ property: "httpTarget.body", reason: "holds no JSON" });
  const uri = textAt(inputs, "httpTarget.uri");
  if (uri?.includes(".googleapis.com/") && valuesAt(inputs, "httpTarget.oauthToken").length === 0)
    failures.push({ property: "httpTarget", reason: "Google's APIs want an oauthToken" });
  return failures;
}

/** What a schedule starts is there, and its identity may start it. */
function runTarget(inputs: Props, world: World): Failure[] {
  const uri = textAt(inputs, "httpTarget.uri") ?? "";
  const name = /^https:\/\/run\.googleapis\.com\/v2\/(.+):run$/.exec(uri)?.[1];
  const flow = /^https:\/\/workflowexecutions\.googleapis\.com\/v1\/(.+)\/executions$/.exec(uri)?.[1];
  const target = name ?? flow;
  if (target === undefined)
    return [{ property: "httpTarget.uri", reason: `${uri} starts neither a job nor a workflow` }];
  const held = world.named([job, workflow], target);
  return held ? [] : [{ property: "httpTarget.uri", reason: `${target} does not exist` }];
}

function checkAlertPolicy(inputs: Props): Failure[] {
  const conditions = [inputs.conditions].flat().filter(isObject);
  const failures: Failure[] = [];
  if (conditions.length === 0) failures.push({ property: "conditions", reason: "there is none" });
  const onLogs = conditions.some((condition) => "conditionMatchedLog" in condition);
  if (onLogs && valuesAt(inputs, "alertStrategy.notificationRateLimit").length === 0)
    failures.push({
      property: "alertStrategy.notificationRateLimit",
      reason: "a log-match alert policy must have a rate limit",
    });
  if (!["AND", "OR", "AND_WITH_MATCHING_RESOURCE"].includes(String(inputs.combiner)))
    failures.push({ property: "combiner", reason: `is ${String(inputs.combiner)}` });
  return failures;
}

function missing(inputs: Props, property: string, types: readonly string[], world: World): Failure[] {
  return valuesAt(inputs, property)
    .filter((value) => typeof value === "string" && !world.named(types, value))
    .map((value) => ({ property, reason: `${String(value)} does not exist` }));
}
