import type { Diagnostic } from "../../model/diagnostic.js";
import type { DeployPlan } from "../../model/plan-types.js";
import { capabilities } from "./capabilities.js";
import { checkSizes } from "./size.js";

/** What the local platform can't do of a plan, and what it does in another way. */
export function check(plan: DeployPlan): Diagnostic[] {
  const diagnostics = checkSizes(plan);
  if (plan.spec.project.deploy.source.kind === "git") {
    diagnostics.push({
      severity: "warning",
      code: "local-git-source",
      message: `deploy.source.git is not used by the local platform: ${capabilities["git-source"].how}`,
    });
  }
  for (const { target } of plan.notifications) {
    if (target.kind !== "email") continue;
    diagnostics.push({
      severity: "warning",
      code: "local-no-email",
      message: `no mail will be sent to ${target.address}: ${capabilities.email.how}`,
      hint: "add a notification with webhook or command for this stack",
    });
  }
  return diagnostics;
}
