import { expect } from "chai";
import { type DeployPlan, platforms } from "../../model/plan-types.js";
import { previewPlan } from "../../providers/plan-preview.js";
import { providerOf } from "../../providers/registry.js";
import { printable } from "../../providers/rendering.js";
import { fullPlan, samplePlan } from "./plans.js";

/** What the compiler's types and Pulumi's wire format drop: undefined. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** Constants that the SDKs' classes add by themselves, whatever they are given. */
const sdkDefaults: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "docker-build:index:Image": { network: "default" },
  "azure-native:containerregistry:Registry": {
    networkRuleBypassOptions: "AzureServices",
    publicNetworkAccess: "Enabled",
    zoneRedundancy: "Disabled",
  },
  "azure-native:containerregistry:Task": { isSystemTask: false },
  "azure-native:keyvault:Vault": { properties: { publicNetworkAccess: "enabled" } },
};

/** `rendered` beats what the SDK adds. */
function withDefaults(defaults: unknown, rendered: unknown): unknown {
  if (!isMap(defaults) || !isMap(rendered)) return rendered === undefined ? defaults : rendered;
  const keys = new Set([...Object.keys(defaults), ...Object.keys(rendered)]);
  return Object.fromEntries([...keys].map((key) => [key, withDefaults(defaults[key], rendered[key])]));
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function expectAsRendered(plan: DeployPlan): Promise<void> {
  const { resources, lookups, outputs } = await previewPlan(plan, "pipelines");
  const rendering = providerOf(plan.settings.cloud).render(plan, {
    name: plan.spec.project.name,
    pulumiProject: "pipelines",
  });
  expect(resources.map(({ name }) => name)).to.deep.equal(rendering.resources.map(({ name }) => name));
  for (const { type, name, parent, inputs } of rendering.resources) {
    const seen = resources.find((resource) => resource.name === name);
    expect(seen, name).to.deep.include({ type, name, parent });
    // The pipeline itself is a component: no plugin receives anything.
    if (parent === null) continue;
    const expected = withDefaults(sdkDefaults[type] ?? {}, asJson(printable(inputs)));
    expect(seen?.inputs, name).to.deep.equal(expected);
  }
  expect(lookups).to.deep.equal(
    asJson(rendering.lookups.map(({ type, name, inputs }) => ({ type, name, inputs: printable(inputs) }))),
  );
  expect(outputs).to.deep.equal(asJson(printable(rendering.outputs)));
}

describe("plan preview: what the plugin would receive is what was rendered", function () {
  this.timeout(120_000);
  for (const cloud of platforms) {
    it(`${cloud}: a small project`, () => expectAsRendered(samplePlan(cloud)));
    for (const granularity of ["project", "task"] as const) {
      it(`${cloud}: every feature, granularity ${granularity}`, () =>
        expectAsRendered(fullPlan(cloud, { granularity })));
    }
  }

  it("shows no secret, and says where one would be", async () => {
    const { resources } = await previewPlan(fullPlan("local"), "pipelines");
    const secrets = resources.filter(({ type }) => type === "handoff:local:Secret");
    expect(secrets.map(({ inputs }) => inputs.value)).to.deep.equal(["[secret]", "[secret]", "[secret]"]);
  });
});
