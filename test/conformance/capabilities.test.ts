import { expect } from "chai";
import type { DeployPlan, StackSettings } from "../../model/plan-types.js";
import { type CapabilityName, capabilityNames, type Provider } from "../../providers/contract.js";
import { planOf } from "../providers/plans.js";
import { providers } from "./clouds.js";

const task = `version: 1\nname: fx\ntasks: [{name: load, commands: [{command: "echo one"}]}]\n`;
const digest = `@sha256:${"a".repeat(64)}`;

interface Use {
  readonly yaml?: string;
  readonly settings?: Partial<StackSettings>;
  /** What the diagnostic has to speak of. */
  readonly named: RegExp;
}

/** How a plan uses a capability that some platform hasn't. */
const uses: Readonly<Partial<Record<CapabilityName, Use>>> = {
  resources: {
    yaml: task.replace("name: load,", "name: load, resources: {cpu: 1},"),
    named: /cpu|resources/i,
  },
  email: { yaml: `${task}notifications: [{on: [failure], email: team@example.com}]\n`, named: /mail/i },
  command: { yaml: `${task}notifications: [{on: [failure], command: "logger x"}]\n`, named: /command/ },
  "trigger-concurrency": {
    yaml: `${task}triggers: [{name: orders, queue: {}, max_concurrency: 5}]\n`,
    named: /orders.*(concurren|max_)/,
  },
  "network-nat": { settings: { network: { mode: "nat" } }, named: /network/ },
  "network-existing": {
    settings: { network: { mode: "existing", subnets: ["subnet-1"], securityGroups: [] } },
    named: /network/,
  },
  image: { settings: { image: `registry.example.com/runner${digest}` }, named: /image/ },
  spot: { settings: { spot: true }, named: /spot/ },
  arm64: { settings: { architecture: "arm64" }, named: /arm64|architecture|x86_64/ },
};

/** Not supported, and nothing in a plan asks for it. */
const unasked: readonly CapabilityName[] = ["identity"];

function messages(provider: Provider, plan: DeployPlan): string[] {
  return provider.check(plan).map(({ message }) => message);
}

describe("conformance: capabilities", () => {
  for (const provider of providers) {
    it(`${provider.title} has a sentence for each`, () => {
      expect(Object.keys(provider.capabilities).sort()).to.deep.equal([...capabilityNames].sort());
      for (const { how } of Object.values(provider.capabilities)) expect(how).to.have.length.above(4);
    });

    for (const name of capabilityNames.filter((capability) => !provider.capabilities[capability].supported)) {
      if (unasked.includes(name)) continue;
      it(`${provider.title} says it when a plan uses ${name}, which it hasn't`, () => {
        const use = uses[name];
        if (!use) throw new Error(`no plan of the tests uses ${name}`);
        const without = messages(provider, planOf(task, provider.platform));
        const found = messages(provider, planOf(use.yaml ?? task, provider.platform, use.settings));
        expect(
          found.filter((message) => !without.includes(message) && use.named.test(message)),
        ).not.to.have.length(0);
      });
    }
  }
});
