import type { Diagnostic } from "../../model/diagnostic.js";
import type { DeployPlan } from "../../model/plan-types.js";
import { capabilities } from "./capabilities.js";

/** Sizes aren't enforced here; who asked for one is told. */
export function checkSizes(plan: DeployPlan): Diagnostic[] {
  return plan.jobs
    .filter(({ resources }) => Object.values(resources).some((size) => size !== undefined))
    .map(({ name }) => ({
      severity: "info",
      code: "local-size-ignored",
      message: `job ${name}: ${capabilities.resources.how}`,
    }));
}
