import { expect } from "chai";
import { aws } from "../../../providers/aws/index.js";
import { retention, retentionDays } from "../../../providers/aws/retention.js";
import { type FullPlanOptions, fullPlan, planOf, samplePlan } from "../plans.js";

const yaml = (rest: string, task = "") =>
  `version: 1\nname: fx\ntasks:\n- {name: a, commands: [{command: ls}]${task}}\n${rest}`;

const found = (plan: Parameters<typeof aws.check>[0]) =>
  aws.check(plan).map(({ severity, code }) => `${severity} ${code}`);

describe("AWS check", function () {
  this.timeout(60_000);

  it("has nothing to say about a small project", () => {
    expect(found(samplePlan("aws"))).to.deep.equal([]);
  });

  it("names what a full project gets otherwise, and no error", () => {
    expect(found(fullPlan("aws"))).to.deep.equal([
      "info aws-clock-change",
      "info aws-cron-or-days",
      "warning aws-trigger-concurrency",
      "warning aws-trigger-concurrency",
      "warning aws-no-command",
    ]);
  });

  const region = (value: string | undefined) => {
    const plan = samplePlan("aws");
    const { region: _, ...settings } = plan.settings;
    return { ...plan, settings: value === undefined ? settings : { ...settings, region: value } };
  };

  it("a stack without a region, and a zone in its place, are errors", () => {
    expect(found(region(undefined))).to.deep.equal(["error aws-no-region"]);
    expect(aws.check(region(undefined))[0]?.hint).to.contain("aws:region");
    expect(found(region("us-east-1a"))).to.deep.equal(["error aws-region"]);
    for (const name of ["us-gov-west-1", "ap-southeast-4", "eusc-de-east-1", "me-central-1"]) {
      expect(found(region(name)), name).to.deep.equal([]);
    }
  });

  it("what no Fargate size has is an error that names the largest; what is rounded is said", () => {
    const big = aws.check(planOf(yaml("", ", resources: {cpu: 32}"), "aws"));
    expect(big.map(({ code }) => code)).to.deep.equal(["aws-size"]);
    expect(big[0]?.message).to.contain("16 vCPU with 120 GiB");
    expect(found(planOf(yaml("", ", resources: {cpu: 0.3}"), "aws"))).to.deep.equal([
      "info aws-size-rounded",
    ]);
  });

  for (const granularity of ["project", "task"] as const) {
    it(`granularity ${granularity}: a schedule's call that is longer than ECS takes is an error`, () => {
      const project = (length: number) =>
        yaml(
          `deploy: {granularity: ${granularity}}\nschedules:\n- {name: long, cron: "0 6 * * *", vars: {v: "${"x".repeat(length)}"}}\n`,
        );
      expect(found(planOf(project(7000), "aws"))).to.deep.equal([]);
      expect(found(planOf(project(8200), "aws"))).to.deep.equal(["error aws-overrides-too-long"]);
    });
  }

  const networks: readonly (readonly [FullPlanOptions["network"], number])[] = [
    [
      {
        mode: "existing",
        vpc: "vpc-0123456789abcdef0",
        subnets: ["subnet-01234567"],
        securityGroups: ["sg-01234567"],
      },
      0,
    ],
    [{ mode: "existing", vpc: "default", subnets: ["default-subnet"], securityGroups: ["web"] }, 3],
    [
      {
        mode: "existing",
        subnets: Array(17).fill("subnet-01234567"),
        securityGroups: Array(6).fill("sg-01234567"),
      },
      2,
    ],
  ];
  for (const [network, errors] of networks) {
    it(`an existing network of AWS's ids: ${errors} errors in ${JSON.stringify(network).slice(0, 60)}`, () => {
      if (!network) throw new Error("a network is given");
      const codes = found(samplePlan("aws", { network }));
      expect(codes).to.deep.equal(Array(errors).fill("error aws-network"));
    });
  }

  it("tags: AWS's own names and too many of them are errors, other characters are replaced", () => {
    const many = Object.fromEntries(Array.from({ length: 48 }, (_, i) => [`t${i}`, "x"]));
    expect(found(samplePlan("aws", { tags: { "aws:x": "1" } }))).to.deep.equal(["error aws-tags"]);
    expect(found(samplePlan("aws", { tags: many }))).to.deep.equal(["error aws-tags"]);
    expect(found(samplePlan("aws", { tags: { team: "r&d" } }))).to.deep.equal(["info aws-tag-changed"]);
  });

  it("webhooks: https alone, and a secret that has a value", () => {
    const hook = (target: string) =>
      yaml(`secrets: [{key: URL}]\nnotifications:\n- {on: [failure], webhook: ${target}}\n`);
    expect(
      found(planOf(hook('{url: "http://example.com/x"}'), "aws", { secretKeys: ["URL"] })),
    ).to.deep.equal(["error aws-webhook-not-https"]);
    expect(found(planOf(hook("{secret: URL}"), "aws"))).to.deep.equal(["warning aws-webhook-not-set"]);
    expect(found(planOf(hook("{secret: URL}"), "aws", { secretKeys: ["URL"] }))).to.deep.equal([]);
  });

  it("retention is rounded up to what CloudWatch Logs has, and said", () => {
    expect(found(samplePlan("aws", { logRetentionDays: 45 }))).to.deep.equal(["info aws-retention-rounded"]);
    for (let days = 1; days <= 3653; days++) {
      const got = retention(days);
      if (got < days || !(retentionDays as readonly number[]).includes(got))
        throw new Error(`${days} -> ${got}`);
    }
  });
});
