import { expect } from "chai";
import { fullPlan } from "../plans.js";
import { createOnMoto } from "./moto/server.js";
import { rendered } from "./support.js";

describe("AWS on moto", function () {
  // The first run installs moto.
  this.timeout(900_000);

  for (const granularity of ["project", "task"] as const) {
    it(`granularity ${granularity}: the AWS SDK creates every resource, in the rendering's order`, () => {
      const rendering = rendered(fullPlan("aws", { granularity }));
      const made = createOnMoto(rendering);
      const expected: Record<string, number> = {};
      for (const { type, parent } of rendering.resources) {
        if (parent !== null) expected[type] = (expected[type] ?? 0) + 1;
      }
      expect(made.created).to.deep.equal(expected);
      expect(made.schedules).to.have.length(6);
      expect(made.queues).to.have.length(5);
      expect(made.machines).to.have.length(granularity === "project" ? 3 : 6);
      expect(made.families).to.have.length(granularity === "project" ? 1 : 4);
      if (granularity === "project") {
        // A task is run as EventBridge Scheduler would: the schedule's input is RunTask's overrides.
        const [run] = made.overrides as { containerOverrides: { name: string; command: string[] }[] }[];
        expect(run?.containerOverrides[0]).to.deep.include({
          name: "runner",
          command: ["run", "extract", "reference", "load", "report"],
        });
      }
    });
  }
});
