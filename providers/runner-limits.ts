/** What this version's runner can't do in a container, on any cloud; each line goes with the issue that makes it possible. */
import type { Diagnostic } from "../model/diagnostic.js";
import type { DeployPlan } from "../model/plan-types.js";

export const runnerLimits = {
  "git-source":
    "this version's runner doesn't clone: the files that are in the project's folder at `handoff up` are put into the image",
} as const;

/** Warnings for what a plan asks of the runner that it can't do yet. @param title the cloud's name */
export function checkRunner(plan: DeployPlan, title: string): Diagnostic[] {
  const { deploy } = plan.spec.project;
  const found: Diagnostic[] = [];
  if (deploy.source.kind === "git") {
    found.push({
      severity: "warning",
      code: "no-git-source",
      message: `deploy.source.git is not used on ${title}: ${runnerLimits["git-source"]}`,
    });
  }
  return found;
}
