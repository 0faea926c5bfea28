import { expect } from "chai";
import type { StackSettings } from "../../../model/plan-types.js";
import { capabilities } from "../../../providers/azure/capabilities.js";
import { azure } from "../../../providers/azure/index.js";
import { capabilityNames } from "../../../providers/contract.js";
import { fullPlan, planOf, samplePlan } from "../plans.js";

const task = '- {name: a, pipeline: [{command: "true"}]}';
const project = (more: string, tasks = task) => `version: 1\nname: fx\ntasks:\n${tasks}\n${more}`;

function found(yaml: string, settings: Partial<StackSettings> = {}): string[] {
  return azure.check(planOf(yaml, "azure", settings)).map(({ severity, code }) => `${severity} ${code}`);
}

const settingsFound = (settings: Partial<StackSettings>) => found(project(""), settings);

describe("checks for Azure", () => {
  it("has nothing to say about a small project", () => {
    expect(azure.check(samplePlan("azure"))).to.deep.equal([]);
  });

  it("has no error for the full project, and a hint for each warning", () => {
    for (const granularity of ["project", "task"] as const) {
      for (const { severity, hint, code } of azure.check(fullPlan("azure", { granularity }))) {
        expect(severity, code).not.to.equal("error");
        if (severity === "warning") expect(hint, code).to.be.a("string");
      }
    }
  });

  it("wants a location", () => {
    const { region: _, ...settings } = samplePlan("azure").settings;
    const [diagnostic, ...others] = azure.check({ ...samplePlan("azure"), settings });
    expect(others).to.deep.equal([]);
    expect(diagnostic?.code).to.equal("azure-no-region");
    expect(diagnostic?.hint).to.include("azure-native:location");
    expect(settingsFound({ region: " " })).to.deep.equal(["error azure-no-region"]);
  });

  it("knows what Azure doesn't have", () => {
    expect(settingsFound({ architecture: "arm64" })).to.deep.equal(["error azure-arm64"]);
    expect(settingsFound({ spot: true })).to.deep.equal(["warning azure-spot"]);
    expect(found(project('notifications:\n- {on: [failure], command: "true"}\n'))).to.deep.equal([
      "warning azure-no-command",
    ]);
  });

  it("finds what is too big, and says what is rounded up", () => {
    expect(found(project("deploy: {resources: {cpu: 8}}\n"))).to.deep.equal(["error azure-size"]);
    expect(found(project("deploy: {resources: {disk: 20Gi}}\n"))).to.deep.equal(["error azure-size"]);
    expect(found(project("deploy: {resources: {cpu: 0.3}}\n"))).to.deep.equal(["info azure-size-rounded"]);
    expect(found(project("deploy: {timeout: 100d}\n"))).to.deep.equal(["error azure-timeout"]);
  });

  it("wants exactly one subnet, by its id", () => {
    const id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/jobs";
    const existing = (subnets: string[], more: { vpc?: string } = {}) =>
      settingsFound({ network: { mode: "existing", subnets, securityGroups: [], ...more } });
    expect(existing([id])).to.deep.equal([]);
    expect(existing([id, id])).to.deep.equal(["error azure-network"]);
    expect(existing(["subnet-1"])).to.deep.equal(["error azure-network"]);
    expect(existing([id], { vpc: "v" })).to.deep.equal(["warning azure-network-ignored"]);
  });

  it("bounds logs and concurrency", () => {
    expect(settingsFound({ logRetentionDays: 7 })).to.deep.equal(["info azure-log-retention"]);
    expect(settingsFound({ logRetentionDays: 1000 })).to.deep.equal(["warning azure-log-retention"]);
    expect(found(project("triggers:\n- {name: q, queue: {}, max_concurrency: 101}\n"))).to.deep.equal([
      "error azure-concurrency",
    ]);
  });

  it("finds tags that are too many", () => {
    const tags = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`t${i}`, "x"]));
    expect(settingsFound({ tags })).to.deep.equal(["error azure-tags"]);
  });

  it("says what the owner of a given registry has to do", () => {
    const image = `acme.azurecr.io/fx@sha256:${"0".repeat(64)}`;
    expect(settingsFound({ image })).to.deep.equal(["info azure-image-registry"]);
  });

  it("reports everything at once", () => {
    const all = found(project("deploy: {resources: {cpu: 8}}\n"), { architecture: "arm64", region: "" });
    expect(all).to.deep.equal(["error azure-no-region", "error azure-arm64", "error azure-size"]);
  });
});

describe("capabilities of Azure", () => {
  it("has a clear sentence for each row", () => {
    expect(Object.keys(capabilities).toSorted()).to.deep.equal([...capabilityNames].toSorted());
    for (const [name, { how }] of Object.entries(capabilities)) {
      expect(how, name).to.match(/^\S.{10,}[^.\s]$/);
    }
    const missing = Object.entries(capabilities).filter(([, { supported }]) => !supported);
    expect(missing.map(([name]) => name)).to.deep.equal(["command", "spot", "arm64"]);
  });
});
