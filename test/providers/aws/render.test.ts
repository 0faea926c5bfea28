import { expect } from "chai";
import type { DeployPlan } from "../../../model/plan-types.js";
import { wildcards } from "../../../providers/aws/identity.js";
import { aws } from "../../../providers/aws/index.js";
import { capabilityNames } from "../../../providers/contract.js";
import {
  isSecretReference,
  printable,
  type RenderedValue,
  referencesIn,
} from "../../../providers/rendering.js";
import { fullPlan, planOf, samplePlan } from "../plans.js";
import { ofType, parsed, rendered } from "./support.js";

const networks = {
  public: { mode: "public" },
  nat: { mode: "nat" },
  existing: { mode: "existing", subnets: ["subnet-0123456789abcdef0"], securityGroups: [] },
} as const;

const plans: Readonly<Record<string, DeployPlan>> = {
  sample: samplePlan("aws"),
  ...Object.fromEntries(
    (["project", "task"] as const).flatMap((granularity) =>
      Object.entries(networks).map(([mode, network]) => [
        `full, granularity ${granularity}, network ${mode}`,
        fullPlan("aws", { granularity, network }),
      ]),
    ),
  ),
  "full, spot, arm64, image and data deleted": fullPlan("aws", {
    spot: true,
    architecture: "arm64",
    image: `123456789012.dkr.ecr.us-east-1.amazonaws.com/runner@sha256:${"0".repeat(64)}`,
    deleteData: true,
  }),
};

interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource?: unknown;
  readonly Condition?: unknown;
  readonly Principal?: unknown;
}

/** Every statement of every policy, with the resource that it is in. */
function statements(plan: DeployPlan): (Statement & { readonly of: string })[] {
  return rendered(plan).resources.flatMap(({ name, inputs }) =>
    inputs.policy === undefined || name.includes("imageexpiry")
      ? []
      : (parsed(inputs.policy).Statement as Statement[]).map((statement) => ({ ...statement, of: name })),
  );
}

describe("AWS rendering", function () {
  this.timeout(60_000);

  for (const [what, plan] of Object.entries(plans)) {
    it(`${what}: every reference is to something before it; names are unique`, () => {
      const { resources, lookups, outputs } = rendered(plan);
      const known = new Set<string>();
      const see = (name: string, value: RenderedValue, dependsOn: readonly string[] = []) => {
        for (const { $ref } of referencesIn(value))
          expect(known.has($ref[0]), `${name} -> ${$ref[0]}`).to.equal(true);
        for (const other of dependsOn) expect(known.has(other), `${name} -> ${other}`).to.equal(true);
      };
      for (const { name, inputs } of lookups) {
        see(name, inputs);
        expect(known.has(name), name).to.equal(false);
        known.add(name);
      }
      resources.forEach(({ type, name, parent, inputs, dependsOn }, index) => {
        see(name, inputs, dependsOn);
        expect(known.has(name), name).to.equal(false);
        known.add(name);
        if (index === 0)
          expect({ type, parent }).to.deep.equal({ type: "handoff:aws:Pipeline", parent: null });
        else expect(parent).to.equal(resources[0]?.name);
      });
      see("outputs", outputs);
    });

    it(`${what}: the same plan, the same text; no nulls in JSON`, () => {
      const one = JSON.stringify(printable(rendered(plan) as unknown as RenderedValue));
      const two = JSON.stringify(printable(rendered(structuredClone(plan)) as unknown as RenderedValue));
      expect(one).to.equal(two);
      expect(one.replaceAll('\\"ResultPath\\":null', "").replaceAll('error\\":[null]', "")).not.to.match(
        /\\":null/,
      );
    });

    it(`${what}: a secret's value goes to Secrets Manager and to webhooks, nowhere else`, () => {
      const holders = rendered(plan).resources.flatMap(({ type, inputs }) =>
        secretsIn(inputs).map((key) => [type, key]),
      );
      for (const [type] of holders) {
        expect(type).to.be.oneOf([
          "aws:secretsmanager/secretVersion:SecretVersion",
          "aws:cloudwatch/eventApiDestination:EventApiDestination",
        ]);
      }
      expect(secretsIn(rendered(plan).outputs)).to.deep.equal([]);
    });

    it(`${what}: each \`*\` in a policy has its reason`, () => {
      for (const statement of statements(plan)) {
        const { Sid = "", of, Principal: _, ...rest } = statement;
        if (JSON.stringify(rest).includes("*"))
          expect(Object.keys(wildcards), `${of} ${Sid}`).to.include(Sid);
      }
    });

    it(`${what}: actions are named one by one, and nothing is allowed to everybody`, () => {
      for (const { Effect, Action, Principal, of } of statements(plan)) {
        if (Effect === "Deny") continue;
        for (const action of [Action].flat()) expect(action, of).to.match(/^[a-z0-9]+:[A-Z][A-Za-z]+$/);
        expect(JSON.stringify(Principal ?? {}), of).not.to.contain("*");
      }
    });
  }

  it("each reason for a `*` is of a statement that is rendered", () => {
    const used = new Set(
      Object.values(plans).flatMap((plan) =>
        statements(plan)
          .filter(({ Principal: _, ...rest }) => JSON.stringify(rest).includes("*"))
          .map(({ Sid }) => Sid ?? ""),
      ),
    );
    expect([...used].sort()).to.deep.equal(Object.keys(wildcards).sort());
  });

  it("iam:PassRole passes the jobs' roles to ECS alone", () => {
    const passes = Object.values(plans).flatMap((plan) =>
      statements(plan).filter(({ Action }) => [Action].flat().includes("iam:PassRole")),
    );
    expect(passes).not.to.be.empty;
    for (const { Condition, Resource } of passes) {
      expect(Condition).to.deep.equal({ StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } });
      for (const arn of [Resource].flat())
        expect(arn).to.match(/(start|run)role-[\w-]+\.arn}$|role\/handoff\/[\w-]+\/\*$/);
    }
  });

  it("each job has two roles of its own, below the deployment's path", () => {
    const rendering = rendered(fullPlan("aws", { granularity: "task" }));
    const roles = ofType(rendering, "TaskDefinition").flatMap(({ inputs }) => [
      printable(inputs.executionRoleArn ?? ""),
      printable(inputs.taskRoleArn ?? ""),
    ]);
    expect(roles).to.have.length(8);
    expect(new Set(roles).size).to.equal(8);
    for (const { inputs } of ofType(rendering, "Role")) {
      const service = JSON.stringify(parsed(inputs.assumeRolePolicy));
      const expected = service.includes("ecs-tasks") ? /^\/handoff\/.+\/$/ : /^\/$/;
      expect(inputs.path).to.match(expected);
    }
  });

  it("container definitions are what AWS answers with: sorted, defaults there, secrets by reference", () => {
    const [definition] = ofType(rendered(fullPlan("aws")), "TaskDefinition");
    const text = printable(definition?.inputs.containerDefinitions ?? "");
    const [container] = JSON.parse(String(text));
    expect(container).to.include({ name: "runner", cpu: 0, essential: true, stopTimeout: 120 });
    for (const list of ["mountPoints", "portMappings", "systemControls", "volumesFrom"]) {
      expect(container[list], list).to.deep.equal([]);
    }
    expect(container.logConfiguration.options.mode).to.equal("blocking");
    const names = container.environment.map(({ name }: { name: string }) => name);
    expect(names)
      .to.deep.equal([...names].sort())
      .and.to.include.members(["HANDOFF_ARTIFACTS", "HANDOFF_STORE_RATES"]);
    expect(container.secrets.map(({ name }: { name: string }) => name)).to.deep.equal([
      "HANDOFF_SECRET_API_KEY",
      "HANDOFF_SECRET_DB_URL",
      "HANDOFF_SECRET_SLACK_URL",
    ]);
  });

  it("a secret without a value is left out: a container that refers to an empty one doesn't start", () => {
    const rendering = rendered(fullPlan("aws", { secretKeys: ["API_KEY"] }));
    expect(ofType(rendering, "Secret")).to.have.length(1);
    expect(ofType(rendering, "EventApiDestination")).to.have.length(1);
  });

  it("schedules: two for OR-days, DISABLED for a pause, the zone, no window, a dead-letter queue", () => {
    const schedules = ofType(rendered(fullPlan("aws")), "Schedule").map(
      ({ inputs }) => printable(inputs) as Record<string, unknown>,
    );
    expect(schedules.map(({ scheduleExpression }) => scheduleExpression)).to.deep.equal([
      "cron(0 2 * * ? *)",
      "cron(30 6 ? * MON-FRI *)",
      "cron(15 6 1 * ? *)",
      "cron(15 6 ? * MON *)",
      "cron(0/10 8-18 ? * MON-FRI *)",
      "cron(0 12 1 1/3 ? *)",
    ]);
    expect(schedules.map(({ state }) => state)).to.deep.equal([...Array(5).fill("ENABLED"), "DISABLED"]);
    expect(schedules[1]?.scheduleExpressionTimezone).to.equal("America/New_York");
    for (const { flexibleTimeWindow, target } of schedules) {
      expect(flexibleTimeWindow).to.deep.equal({ mode: "OFF" });
      expect(target).to.have.keys([
        "arn",
        "input",
        "ecsParameters",
        "roleArn",
        "retryPolicy",
        "deadLetterConfig",
      ]);
    }
  });

  it("granularity task: schedules start the state machine of their selection", () => {
    const rendering = rendered(fullPlan("aws", { granularity: "task" }));
    const targets = ofType(rendering, "Schedule").map(({ inputs }) =>
      printable((inputs.target as { arn: RenderedValue }).arn),
    );
    expect(targets).to.deep.equal(
      ["all", "for-weekdays", "for-first-or-monday", "for-first-or-monday", "for-weekdays", "all"].map(
        (flow) => `\${fx-rates-flow-${flow}.arn}`,
      ),
    );
  });

  it("spot is a capacity provider's strategy, and then there is no launch type", () => {
    const all = JSON.stringify(
      printable(rendered(fullPlan("aws", { spot: true })) as unknown as RenderedValue),
    );
    expect(all).to.contain("FARGATE_SPOT");
    expect(all).not.to.match(/launchType|LaunchType/);
    const without = JSON.stringify(printable(rendered(fullPlan("aws")) as unknown as RenderedValue));
    expect(without).not.to.match(/capacityProviderStrateg|CapacityProviderStrateg/);
  });

  it("an image that exists is used as it is: nothing is built, its ECR repository may be pulled", () => {
    const image = `123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/runner@sha256:${"0".repeat(64)}`;
    const plan = samplePlan("aws", { image });
    expect(rendered(plan).resources.filter(({ type }) => /ecr|docker-build/.test(type))).to.deep.equal([]);
    const pull = statements(plan).find(({ Sid }) => Sid === "PullImage");
    expect(pull?.Resource).to.equal("arn:aws:ecr:eu-west-1:123456789012:repository/team/runner");
    const elsewhere = samplePlan("aws", { image: `ghcr.example.com/runner@sha256:${"0".repeat(64)}` });
    expect(statements(elsewhere).some(({ Sid }) => Sid === "PullImage")).to.equal(false);
  });

  it("data stays with all that protects it, unless the stack says deleteData", () => {
    const data = /^aws:(s3|dynamodb)\//;
    for (const deleteData of [false, true]) {
      const { resources, outputs } = rendered(fullPlan("aws", { deleteData }));
      const found = resources.filter(({ type }) => data.test(type));
      expect(found).to.have.length(15);
      for (const resource of found)
        expect(resource.retainOnDelete ?? false, resource.name).to.equal(!deleteData);
      const kept = printable(outputs) as Record<string, unknown>;
      expect(aws.keptData(kept)).to.have.length(deleteData ? 0 : 3);
    }
  });

  it("tags are everywhere that the type has them", () => {
    const untagged =
      /bucket[A-Z]|Policy|Target|Subscription|SecretVersion|CapacityProviders|ApiDestination|Connection|Association|:Schedule$|:Image$|Pipeline/;
    for (const { type, name, inputs } of rendered(fullPlan("aws", { network: { mode: "nat" } })).resources) {
      if (untagged.test(type)) continue;
      expect(inputs.tags, `${type} ${name}`).to.include({
        "handoff-client": "client-a",
        "handoff-stack": "prod",
      });
    }
  });

  it("partitions: China and GovCloud have ARNs of their own", () => {
    const text = (region: string) =>
      JSON.stringify(
        printable(rendered(fullPlan("aws", { region, granularity: "task" })) as unknown as RenderedValue),
      );
    expect(text("cn-north-1")).not.to.contain("arn:aws:");
    expect(text("cn-north-1")).to.contain("arn:aws-cn:states:::ecs:runTask.sync");
    expect(text("us-gov-west-1")).not.to.contain("arn:aws:");
  });

  it("a project with nothing but a task has no schedules, queues or alerts", () => {
    const plan = planOf("version: 1\nname: bare\ntasks:\n- {name: a, commands: [{command: ls}]}\n", "aws");
    const types = new Set(rendered(plan).resources.map(({ type }) => type.split("/")[0]));
    expect([...types].sort()).to.deep.equal([
      ...["aws:cloudwatch", "aws:ec2", "aws:ecr", "aws:ecs", "aws:iam", "aws:s3"],
      ...["docker-build:index:Image", "handoff:aws:Pipeline"],
    ]);
  });

  it("has a row for each capability, and a reason for what it can't do", () => {
    expect(Object.keys(aws.capabilities).sort()).to.deep.equal([...capabilityNames].sort());
    for (const { how } of Object.values(aws.capabilities)) expect(how.length).to.be.greaterThan(3);
  });
});

function secretsIn(value: RenderedValue): string[] {
  if (typeof value !== "object" || value === null) return [];
  if (isSecretReference(value)) return [value.$secret];
  return Object.values(value).flatMap((item) => secretsIn(item as RenderedValue));
}
