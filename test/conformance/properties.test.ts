import { expect } from "chai";
import fc from "fast-check";
import type { DeployPlan } from "../../model/plan-types.js";
import type { Provider } from "../../providers/contract.js";
import type { Rendering } from "../../providers/rendering.js";
import { planFor, type RandomProject, randomProject } from "./arbitrary.js";
import { clouds, providers } from "./clouds.js";
import { physicalNames } from "./physical-names.js";
import {
  leakedSecrets,
  wrongInputs,
  wrongNames,
  wrongReferences,
  wrongStructure,
  wrongTags,
} from "./properties.js";
import { wrongSizes } from "./sizes.js";

const runs = 40;
const seed = 4;
const context = { name: "fx", pulumiProject: "data" };

/** The rendering, where the provider finds no error in the plan. */
function rendered(provider: Provider, plan: DeployPlan): Rendering | null {
  const found = [...plan.diagnostics, ...provider.check(plan)];
  if (found.some(({ severity }) => severity === "error")) return null;
  return provider.render(plan, context);
}

const properties: Readonly<Record<string, (rendering: Rendering, plan: DeployPlan) => readonly string[]>> = {
  structure: wrongStructure,
  inputs: wrongInputs,
  references: wrongReferences,
  names: wrongNames,
  sizes: wrongSizes,
  tags: wrongTags,
  secrets: leakedSecrets,
};

/** Throws what was found for a random project; most of them must be such that the provider renders them. */
function holds(
  provider: Provider,
  property: (rendering: Rendering, plan: DeployPlan, random: RandomProject) => readonly string[],
): void {
  let renderings = 0;
  void fc.assert(
    fc.property(randomProject, (random) => {
      const plan = planFor(random, provider.platform);
      const rendering = rendered(provider, plan);
      if (!rendering) return;
      renderings++;
      const found = property(rendering, plan, random);
      if (found.length > 0) throw new Error(found.join("\n"));
    }),
    { numRuns: runs, seed },
  );
  expect(renderings).to.be.above(runs / 3);
}

/** Names that another deployment of the account chooses as well. */
function sharedNames(rendering: Rendering, other: Rendering): string[] {
  const keys = (one: Rendering): string[] =>
    physicalNames(one)
      .filter(({ rule }) => rule.shared)
      .map(({ key }) => key);
  const taken = new Set(keys(other));
  return keys(rendering).filter((key) => taken.has(key));
}

for (const provider of clouds) {
  describe(`conformance: any valid project on ${provider.title}`, function () {
    this.timeout(600_000);

    it("has names, inputs, references, sizes, tags and secrets as the cloud and the SDK take them", () =>
      holds(provider, (rendering, plan) =>
        Object.entries(properties).flatMap(([what, property]) =>
          property(rendering, plan).map((found) => `${what}: ${found}`),
        ),
      ));

    it("renders the same for the same plan, and nothing by the name of another stack or client", () =>
      holds(provider, (rendering, plan, random) => {
        const again = provider.render(structuredClone(plan), context);
        if (JSON.stringify(again) !== JSON.stringify(rendering))
          return ["another rendering of the same plan"];
        const { client, stack } = plan.settings;
        const others = [
          { stack: `${stack}-2`, client },
          { stack, client: `${client}-2` },
          { stack: swapCase(stack), client },
        ].filter((other) => other.stack !== stack || other.client !== client);
        return others.flatMap((other) => {
          const found = rendered(provider, planFor(random, provider.platform, other));
          if (!found) return [];
          return sharedNames(rendering, found).map((key) => `${key} is also of ${JSON.stringify(other)}`);
        });
      }));
  });
}

describe("conformance: check", () => {
  for (const provider of providers) {
    it(`of ${provider.title} finds words for every valid project`, function () {
      this.timeout(300_000);
      void fc.assert(
        fc.property(randomProject, (random) => {
          for (const { severity, code, message } of provider.check(planFor(random, provider.platform))) {
            expect(["error", "warning", "info"]).to.include(severity);
            expect(code).to.match(/^[a-z0-9]+(-[a-z0-9]+)+$/);
            expect(message).to.have.length.above(10);
            expect(message).not.to.match(/undefined|NaN|\[object/);
          }
        }),
        { numRuns: runs, seed: seed + 1 },
      );
    });
  }
});

function swapCase(text: string): string {
  return text.replace(/[A-Za-z]/g, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );
}
