/** Random valid projects with random stack settings, as YAML that goes through the loader like a user's. */
import fc from "fast-check";
import { stringify } from "yaml";
import type { DeployPlan, Platform, StackSettings } from "../../model/plan-types.js";
import { planOf } from "../providers/plans.js";
import { randomCron } from "./cron-arbitrary.js";
import { testZones } from "./windows.js";

export interface RandomProject {
  readonly yaml: string;
  /** Without what differs from cloud to cloud: `planFor` adds region, network and image. */
  readonly settings: Pick<
    StackSettings,
    "stack" | "client" | "deleteData" | "logRetentionDays" | "artifactRetentionDays" | "tags" | "secretKeys"
  >;
  readonly network: "public" | "nat" | "existing";
  readonly imageGiven: boolean;
  readonly spot: boolean;
  readonly arm64: boolean;
}

/** Names that platforms have to change: long, capitals, digits first, nothing but dashes, words that are reserved. */
const name = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[a-z][a-z0-9-]{0,11}$/) },
  { weight: 2, arbitrary: fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/) },
  { weight: 1, arbitrary: fc.stringMatching(/^[A-Za-z0-9_-]{40,120}$/) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "a",
      "7",
      "_",
      "-",
      "--a--b--",
      "Load_It",
      "google-tap",
      "goog",
      "aws",
      "all",
      "CON",
      "x1".repeat(60),
    ),
  },
);
const names = (max: number): fc.Arbitrary<string[]> => fc.uniqueArray(name, { minLength: 0, maxLength: max });

/** Values that end up in JSON, YAML, expressions and command lines. */
const value = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[a-z0-9 ]{0,12}$/) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      `it's "quoted"`,
      "a\nb\n",
      "$(date) `id` $HOME",
      "@{utcNow()}",
      "@triggerBody()",
      "$.detail",
      "States.Format('{}', 1)",
      "<aws.scheduler.execution-id>",
      "é €  🎉",
      "back\\slash",
      "%7B",
      "- yaml: [",
    ),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 30 }).filter((text) => !/[{}\0\r]/.test(text)) },
);
const variables = (max: number): fc.Arbitrary<Record<string, string>> =>
  fc.dictionary(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,10}$/), value, { maxKeys: max });

const resources = fc.record(
  {
    cpu: fc.oneof(
      { weight: 24, arbitrary: fc.constantFrom(0.1, 0.25, 0.5, "750m", 1, 1.5, 2) },
      { weight: 1, arbitrary: fc.constantFrom(3, 4, 6, 8, 16, 64) },
    ),
    memory: fc.oneof(
      { weight: 24, arbitrary: fc.constantFrom("128Mi", "512Mi", "700Mi", "1Gi", "2Gi", "3Gi", "4G") },
      { weight: 1, arbitrary: fc.constantFrom("7Gi", "16Gi", "31Gi", "100Gi", "500Gi") },
    ),
    disk: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom("1Gi", "500Mi") },
      { weight: 1, arbitrary: fc.constantFrom("21Gi", "30Gi", "200Gi") },
    ),
  },
  { requiredKeys: [] },
);
const retries = fc.record(
  {
    max: fc.integer({ min: 0, max: 5 }),
    delay: fc.constantFrom("1s", "90s", "10m", "0.5"),
    backoff: fc.constantFrom(1, 1.5, 2, 10),
  },
  { requiredKeys: ["max"] },
);
const timeout = fc.constantFrom("30s", "10m", "2h", "26h");

/** Of a list that is known later: positions, taken modulo its length. */
const picks = fc.array(fc.nat(20), { maxLength: 3 });
const pick = (from: readonly string[], positions: readonly number[]): string[] =>
  from.length === 0 ? [] : [...new Set(positions.map((at) => from[at % from.length] ?? ""))];

const task = fc.record({
  active: fc.oneof({ weight: 6, arbitrary: fc.constant(true) }, fc.constant(false)),
  dependsOn: picks,
  extras: fc.record({ resources, retries, timeout, envs: variables(2) }, { requiredKeys: [] }),
  body: fc.constantFrom(
    { pipeline: [{ command: "seq 3" }, { command: "wc -l" }] },
    { commands: [{ command: "echo one" }, { command: "echo two" }] },
    {
      pipeline: [
        { command: "seq 3" },
        { foreach: [{ name: "one", commands: [{ command: "echo {{ _line }}" }] }] },
      ],
    },
  ),
});

const events = fc.subarray(["success", "failure", "timeout", "missed"], { minLength: 1 });
const notification = fc.record({
  on: events,
  kind: fc.constantFrom("email", "secret", "url", "command"),
  which: fc.nat(20),
});

const shape = fc.record({
  name,
  tasks: fc.array(fc.tuple(name, task), { minLength: 1, maxLength: 5 }),
  description: fc.option(value, { nil: undefined }),
  vars: variables(3),
  envs: variables(3),
  secrets: fc.uniqueArray(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,14}$/), {
    maxLength: 4,
    selector: (key) => key.toUpperCase(),
  }),
  secretFiles: fc.boolean(),
  stores: fc.uniqueArray(fc.tuple(name, fc.constantFrom("bucket", "table")), {
    maxLength: 3,
    selector: ([store]) => store.toUpperCase().replaceAll("-", "_"),
  }),
  granularity: fc.constantFrom("project", "task"),
  deploy: fc.record({ resources, retries, timeout }, { requiredKeys: [] }),
  git: fc.oneof({ weight: 7, arbitrary: fc.constant(false) }, fc.constant(true)),
  schedules: fc.array(
    fc.record({
      cron: randomCron,
      timezone: fc.constantFrom(...testZones),
      tasks: picks,
      envs: variables(2),
      vars: variables(2),
      enabled: fc.boolean(),
      overlap: fc.constantFrom("skip", "allow"),
      description: fc.option(value, { nil: undefined }),
    }),
    { maxLength: 4 },
  ),
  scheduleNames: names(4),
  triggers: fc.array(fc.record({ tasks: picks, max_concurrency: fc.integer({ min: 1, max: 50 }) }), {
    maxLength: 2,
  }),
  triggerNames: names(2),
  notifications: fc.array(notification, { maxLength: 4 }),
});

type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never;

function document(random: Shape): Record<string, unknown> {
  const unique = [...new Map(random.tasks).entries()];
  const taskNames = unique.map(([taskName]) => taskName);
  const [webhookSecret] = random.secrets;
  return {
    version: 1,
    name: random.name,
    description: random.description,
    vars: random.vars,
    envs: random.envs,
    secrets: random.secrets.map((key) => ({ key, ...(random.secretFiles ? { file: `files/${key}` } : {}) })),
    stores: random.stores.map(([store, kind]) => ({ name: store, kind })),
    tasks: unique.map(([taskName, { active, dependsOn, extras, body }], index) => ({
      name: taskName,
      // A project without an active task is not valid.
      active: active || index === 0,
      depends_on: pick(taskNames.slice(0, index), dependsOn),
      ...extras,
      ...body,
    })),
    deploy: {
      granularity: random.granularity,
      ...random.deploy,
      ...(random.git ? { source: { git: { url: "https://example.com/team/pipelines", ref: "main" } } } : {}),
    },
    schedules: random.scheduleNames.flatMap((schedule, index) => {
      const found = random.schedules[index];
      if (!found) return [];
      const { cron, tasks, ...rest } = found;
      return [{ name: schedule, cron: cron.expression, tasks: pick(taskNames, tasks), ...rest }];
    }),
    triggers: random.triggerNames.flatMap((trigger, index) => {
      const found = random.triggers[index];
      return found ? [{ name: trigger, queue: {}, ...found, tasks: pick(taskNames, found.tasks) }] : [];
    }),
    notifications: random.notifications.map(({ on, kind, which }) => {
      if (kind === "email") return { on, email: `team-${which}@example.com` };
      if (kind === "command") return { on, command: "logger done" };
      if (kind === "secret" && webhookSecret !== undefined) return { on, webhook: { secret: webhookSecret } };
      return { on, webhook: { url: `https://hooks.example.com/${which}?a=1&b=%20` } };
    }),
  };
}

/** What people call their clients and stacks. */
const label = fc.oneof(
  { weight: 5, arbitrary: fc.stringMatching(/^[a-z][a-z0-9-]{0,11}$/) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "Acme Inc.",
      "Müller & Söhne",
      "株式会社",
      "42",
      "client_a",
      "google",
      "A".repeat(70),
    ),
  },
);
const stack = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom("dev", "prod", "client-a", "client-b") },
  { weight: 1, arbitrary: fc.stringMatching(/^[A-Za-z0-9_.-]{1,60}$/) },
);

export const randomProject: fc.Arbitrary<RandomProject> = fc
  .record({
    shape,
    stack,
    client: label,
    deleteData: fc.boolean(),
    logRetentionDays: fc.integer({ min: 1, max: 3653 }),
    artifactRetentionDays: fc.integer({ min: 1, max: 3653 }),
    tags: fc.dictionary(fc.stringMatching(/^[A-Za-z][A-Za-z0-9_:.-]{0,12}$/), value, { maxKeys: 3 }),
    network: fc.constantFrom("public" as const, "nat" as const, "existing" as const),
    imageGiven: fc.boolean(),
    spot: fc.boolean(),
    arm64: fc.boolean(),
  })
  .map(({ shape: random, network, imageGiven, spot, arm64, ...settings }) => ({
    yaml: stringify(JSON.parse(JSON.stringify(document(random)))),
    settings: { ...settings, secretKeys: random.secrets },
    network,
    imageGiven,
    spot,
    arm64,
  }));

/** Existing networks, as each cloud names them. */
const existing: Readonly<Record<Platform, StackSettings["network"]>> = {
  local: { mode: "public" },
  aws: {
    mode: "existing",
    vpc: "vpc-0123456789abcdef0",
    subnets: ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    securityGroups: ["sg-0123456789abcdef0"],
  },
  gcp: { mode: "existing", vpc: "team-network", subnets: ["jobs"], securityGroups: [] },
  azure: {
    mode: "existing",
    subnets: [
      "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/team/subnets/jobs",
    ],
    securityGroups: [],
  },
};

const images: Readonly<Record<Platform, string>> = {
  local: "runner",
  aws: "123456789012.dkr.ecr.us-east-1.amazonaws.com/runner",
  gcp: "us-central1-docker.pkg.dev/my-project/runner/runner",
  azure: "team.azurecr.io/runner",
};

/** The plan for one cloud. @throws Error when the loader finds the project invalid */
export function planFor(
  { yaml, settings, network, imageGiven, spot, arm64 }: RandomProject,
  cloud: Platform,
  overrides: Partial<StackSettings> = {},
): DeployPlan {
  return planOf(yaml, cloud, {
    ...settings,
    network: network === "existing" ? existing[cloud] : { mode: network },
    ...(imageGiven ? { image: `${images[cloud]}@sha256:${"0".repeat(64)}` } : {}),
    spot,
    architecture: arm64 && cloud === "aws" ? "arm64" : "x86_64",
    ...overrides,
  });
}
