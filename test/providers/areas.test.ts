import { expect } from "chai";
import { platforms } from "../../model/plan-types.js";
import { hasPurpose, purposeOf } from "../../providers/areas.js";
import { providerOf } from "../../providers/registry.js";
import { fullPlan } from "./plans.js";

describe("areas: what a resource is for", () => {
  it("is known of every type that a platform renders", () => {
    const unknown = new Set<string>();
    for (const cloud of platforms) {
      for (const granularity of ["project", "task"] as const) {
        for (const mode of ["public", "nat"] as const) {
          const plan = fullPlan(cloud, { granularity, network: { mode } });
          const { resources } = providerOf(cloud).render(plan, { name: "fx", pulumiProject: "p" });
          for (const { type } of resources) if (!hasPurpose(type)) unknown.add(type);
        }
      }
    }
    expect([...unknown].sort()).to.deep.equal([]);
  });

  it("of a type that a transform brings is its name", () => {
    expect(purposeOf("random:index/randomId:RandomId")).to.deep.equal({ area: "Other", text: "RandomId" });
  });
});
