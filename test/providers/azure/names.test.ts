import { expect } from "chai";
import fc from "fast-check";
import {
  artifactPrefix,
  guidOf,
  legalTags,
  locationOf,
  type NameKind,
  nameInGroup,
  nameOf,
  names,
  poisonQueueName,
  storageAccountName,
  vaultName,
} from "../../../providers/azure/names.js";
import { samplePlan } from "../plans.js";

/** As the services' own patterns, written without the table. */
const patterns: Readonly<Record<NameKind, RegExp>> = {
  resourceGroup: /^[A-Za-z0-9_().-]{0,89}[A-Za-z0-9_()-]$/,
  environment: /^[a-z][a-z0-9-]{0,58}[a-z0-9]$/,
  job: /^(?=.{2,32}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
  workspace: /^[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]$/,
  identity: /^[A-Za-z0-9][A-Za-z0-9_-]{2,127}$/,
  vault: /^(?!.*--)[A-Za-z][A-Za-z0-9-]{1,14}[A-Za-z0-9]$/,
  vaultSecret: /^[A-Za-z0-9-]{1,119}$/,
  jobSecret: /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/,
  storageAccount: /^[a-z0-9]{3,24}$/,
  container: /^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
  table: /^[A-Za-z][A-Za-z0-9]{2,62}$/,
  queue: /^(?!.*--)[a-z0-9][a-z0-9-]{1,54}[a-z0-9]$/,
  registry: /^[A-Za-z0-9]{5,50}$/,
  repository: /^[a-z0-9]+(-[a-z0-9]+)*$/,
  workflow: /^[A-Za-z0-9][A-Za-z0-9_.()-]{0,42}$/,
  actionGroupShort: /^[A-Za-z0-9-]{1,12}$/,
  alert: /^[A-Za-z0-9-]{1,260}$/,
  network: /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}[A-Za-z0-9_]$/,
};
const kinds = Object.keys(patterns) as NameKind[];

const part = fc.oneof(
  fc.string({ minLength: 1, maxLength: 80, unit: "grapheme" }),
  fc.constantFrom("a", "A", "dev", "DEV", "a-b", "a--b", "1", "--", "dev", "Straße", "x".repeat(90)),
);

function planWith(client: string, stack: string) {
  const plan = samplePlan("azure");
  return { ...plan, settings: { ...plan.settings, client, stack } };
}

describe("names on Azure", () => {
  const plan = samplePlan("azure");

  it("has a pattern here for each kind", () => {
    expect(kinds.toSorted()).to.deep.equal(Object.keys(names).toSorted());
  });

  it("are legal for every client, stack and part", () => {
    void fc.assert(
      fc.property(part, part, part, fc.constantFrom(...kinds), (client, stack, last, kind) => {
        const given = { ...plan, settings: { ...plan.settings, client, stack } };
        expect(nameOf(given, kind, last)).to.match(patterns[kind]);
        expect(nameInGroup(kind, last, "job")).to.match(patterns[kind]);
      }),
      { numRuns: 1000 },
    );
  });

  it("differ when client, stack or part do", () => {
    const triple = fc.tuple(part, part, part);
    void fc.assert(
      fc.property(triple, triple, fc.constantFrom(...kinds), (a, b, kind) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b));
        const [first, second] = [a, b].map(([client, stack, last]) =>
          nameOf({ ...plan, settings: { ...plan.settings, client, stack } }, kind, last),
        );
        // Azure takes names that differ by their case alone for the same.
        expect(first?.toLowerCase()).not.to.equal(second?.toLowerCase());
      }),
      { numRuns: 1000 },
    );
  });

  it("hold client, project and stack where all of Azure or a subscription shares the name", () => {
    expect(nameOf(planWith("acme", "prod"), "resourceGroup", "data")).to.equal("acme-fx-prod-data");
    expect(storageAccountName(planWith("acme", "prod"))).to.match(/^acmefxprod/);
    expect(storageAccountName(planWith("acme", "prod"))).not.to.equal(
      storageAccountName(planWith("acme", "test")),
    );
  });

  it("tell places apart for what is kept", () => {
    expect(storageAccountName(samplePlan("azure", { region: "westeurope" }))).not.to.equal(
      storageAccountName(samplePlan("azure", { region: "eastus" })),
    );
    expect(storageAccountName(samplePlan("azure", { region: "West Europe" }))).to.equal(
      storageAccountName(samplePlan("azure", { region: "westeurope" })),
    );
    expect(locationOf(samplePlan("azure", { region: "West US 2" }))).to.equal("westus2");
  });

  it("leave room for what is appended", () => {
    void fc.assert(
      fc.property(part, part, (client, pipeline) => {
        expect(`${vaultName(planWith(client, "prod"), pipeline)}0a1b2c3d`).to.match(
          /^(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]$/,
        );
        const poison = poisonQueueName(nameInGroup("queue", "on", pipeline));
        expect(poison).to.match(/^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/);
      }),
    );
    expect(artifactPrefix(plan)).to.equal("fx");
  });

  it("are GUIDs for role assignments, the same for the same parts", () => {
    const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    void fc.assert(
      fc.property(part, part, (a, b) => {
        expect(guidOf(plan, a, b)).to.match(guid);
        expect(guidOf(plan, a, b)).to.equal(guidOf(plan, a, b));
        if (a !== b) expect(guidOf(plan, a)).not.to.equal(guidOf(plan, b));
      }),
    );
    expect(guidOf(planWith("a", "x"), "p")).not.to.equal(guidOf(planWith("b", "x"), "p"));
  });

  it("keeps tags as they are where they are legal", () => {
    expect(legalTags({ team: "data", "handoff-client": "a b" })).to.deep.equal({
      "handoff-client": "a b",
      team: "data",
    });
    expect(Object.keys(legalTags({ "a/b?c": "x" }))).to.deep.equal(["a_b_c"]);
    expect(legalTags({ long: "v".repeat(300) }).long).to.have.length(256);
  });
});
