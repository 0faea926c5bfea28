/** What this version's runner can't do in a container, on any cloud; each line goes with the issue that makes it possible. */
import type { Diagnostic } from "../model/diagnostic.js";
import type { DeployPlan } from "../model/plan-types.js";

export const runnerLimits = {
  "git-source":
    "this version's runner doesn't clone: the files that are in the project's folder at `handoff up` are put into the image",
  "azure-queue":
    "Azure starts the job, and this version's runner doesn't take the message; with `granularity: task` a Logic App takes it",
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
  if (plan.settings.cloud === "azure" && deploy.granularity === "project") {
    for (const { name } of plan.triggers) {
      found.push({
        severity: "warning",
        code: "no-queue-reader",
        message: `trigger ${name} will not work: ${runnerLimits["azure-queue"]}`,
        hint: "set `deploy.granularity: task`, or use another cloud",
      });
    }
  }
  return found;
}
