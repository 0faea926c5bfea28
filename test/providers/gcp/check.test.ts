// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references as they are printed, and Workflows' expressions
import { expect } from "chai";
import type { StackSettings } from "../../../model/plan-types.js";
import { capabilityNames } from "../../../providers/contract.js";
import { capabilities } from "../../../providers/gcp/capabilities.js";
import { check } from "../../../providers/gcp/check.js";
import { fullPlan, planOf, samplePlan } from "../plans.js";

const codes = (diagnostics: ReturnType<typeof check>, severity: string) =>
  diagnostics.filter((found) => found.severity === severity).map(({ code }) => code);

const settings = (overrides: Partial<StackSettings>) => check(samplePlan("gcp", overrides));

function project(rest: string, overrides: Partial<StackSettings> = {}) {
  return check(planOf(`version: 1\nname: fx\n${rest}`, "gcp", overrides));
}
const task = 'tasks: [{name: fetch, pipeline: [{command: "true"}]}]\n';

describe("what Google Cloud can't do", () => {
  it("is nothing for a small project, and no error for one with every feature", () => {
    expect(settings({})).to.deep.equal([]);
    for (const granularity of ["project", "task"] as const) {
      const found = check(fullPlan("gcp", { granularity }));
      expect(codes(found, "error")).to.deep.equal([]);
      expect(new Set(codes(found, "warning"))).to.deep.equal(
        new Set(["gcp-disk", "gcp-trigger-concurrency", "gcp-no-command"]),
      );
      expect(codes(found, "info")).to.include("gcp-timeout-is-failure");
    }
  });

  it("says where there is no project and no region, or none that can be", () => {
    const plan = samplePlan("gcp");
    const { gcpProject: _project, region: _region, ...without } = plan.settings;
    expect(codes(check({ ...plan, settings: without }), "error")).to.deep.equal([
      "gcp-no-project",
      "gcp-no-region",
    ]);
    expect(codes(settings({ gcpProject: "My Project", region: "us-central1-a" }), "error")).to.deep.equal([
      "gcp-project",
      "gcp-region",
    ]);
  });

  it("names what is too large, and what is rounded up", () => {
    const large = project('tasks: [{name: fetch, resources: {cpu: 12}, pipeline: [{command: "true"}]}]');
    expect(codes(large, "error")).to.deep.equal(["gcp-size"]);
    expect(large[0]?.message).to.equal(
      "job fx: no Cloud Run size has 12 vCPU: the largest is 8 vCPU with 32 GiB",
    );
    const rounded = project('tasks: [{name: fetch, resources: {cpu: 3}, pipeline: [{command: "true"}]}]');
    expect(rounded.map(({ message }) => message)).to.deep.equal([
      "job fx gets the next size that Cloud Run has: cpu 3 -> 4",
    ]);
  });

  it("names what takes too long, with the retries that the runner makes", () => {
    const retried = (granularity: string) =>
      project(
        `tasks: [{name: fetch, timeout: 60h, retries: {max: 3}, pipeline: [{command: "true"}]}]\ndeploy: {granularity: ${granularity}}`,
      );
    expect(codes(retried("project"), "error")).to.deep.equal(["gcp-timeout"]);
    expect(codes(retried("task"), "error")).to.deep.equal([]);
  });

  it("names schedules with years, and calls that are too long", () => {
    const found = project(`${task}schedules:
- {name: once, cron: "0 6 1 1 ? 2030"}
- {name: long, cron: "0 6 * * *", vars: {text: ${"x".repeat(40_000)}}}
`);
    expect(codes(found, "error")).to.deep.equal(["gcp-cron-year", "gcp-override"]);
    expect(found[0]?.message).to.include("once");
    expect(found[1]?.message).to.include("long");
  });

  it("names networks of other clouds, and more than one subnet", () => {
    const existing = (vpc: string, ...subnets: string[]) =>
      codes(settings({ network: { mode: "existing", vpc, subnets, securityGroups: [] } }), "error");
    expect(existing("main", "jobs")).to.deep.equal([]);
    expect(existing("main", "a", "b")).to.deep.equal(["gcp-network"]);
    expect(existing("vpc-0123456789abcdef0", "jobs")).to.deep.equal(["gcp-network"]);
  });

  it("warns of what only other clouds have", () => {
    expect(codes(settings({ spot: true, architecture: "arm64" }), "warning")).to.deep.equal([
      "gcp-no-spot",
      "gcp-no-arm64",
    ]);
    expect(codes(settings({ tags: { Team: "Data & AI" } }), "info")).to.deep.equal(["gcp-label"]);
    expect(codes(settings({ logRetentionDays: 7 }), "info")).to.deep.equal(["gcp-retention-rounded"]);
  });

  it("warns of a webhook without an address, and of a time-out that nobody hears of", () => {
    const yaml = `${task}secrets: [{key: HOOK}]
deploy: {granularity: task}
notifications:
- {on: [failure], webhook: {secret: HOOK}}
- {on: [timeout], email: a@example.com}
`;
    expect(codes(project(yaml), "warning")).to.deep.equal(["gcp-webhook-not-set", "gcp-timeout-not-told"]);
    expect(codes(project(yaml, { secretKeys: ["HOOK"] }), "warning")).to.deep.equal(["gcp-timeout-not-told"]);
  });

  it("names a flow that is too wide for Workflows", function () {
    this.timeout(60_000);
    const tasks = Array.from(
      { length: 101 },
      (_, index) => `- {name: t${index}, pipeline: [{command: "true"}]}`,
    );
    const found = project(`tasks:\n${tasks.join("\n")}\ndeploy: {granularity: task}`);
    expect(codes(found, "error")).to.deep.equal(["gcp-flow-size"]);
  });

  it("gives each error and warning something to do", () => {
    const all = [
      ...check(fullPlan("gcp", { granularity: "task", spot: true, architecture: "arm64" })),
      ...settings({ gcpProject: "X", region: "x" }),
    ];
    for (const { severity, hint, code } of all) {
      expect(code).to.match(/^gcp-/);
      if (severity !== "info") expect(hint, code).to.be.a("string").that.is.not.empty;
    }
  });
});

describe("capabilities of Google Cloud", () => {
  it("have a row each, in one clear sentence", () => {
    expect(Object.keys(capabilities).sort()).to.deep.equal([...capabilityNames].sort());
    for (const { how } of Object.values(capabilities)) {
      expect(how.length).to.be.within(10, 220);
      expect(how).not.to.match(/[.]$|^[A-Z][a-z]+ing /);
    }
  });
});
