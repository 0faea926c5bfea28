/** All that can be known before a deployment, without Pulumi. */
import { contentHash } from "../model/content.js";
import { type Diagnostic, UserError } from "../model/diagnostic.js";
import { loadProject } from "../model/load.js";
import { planDeployment } from "../model/plan.js";
import type { DeployPlan, StackSettings } from "../model/plan-types.js";
import { neededSecrets } from "../model/secrets.js";
import { checkPolicies } from "./policies.js";
import { providerOf } from "./registry.js";

/** A plan without errors. */
export interface CheckedPlan {
  readonly plan: DeployPlan;
  /** Warnings and notes: of the project, the plan and the platform. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface PrepareOptions {
  /** Plan as if each secret that the project needs had a value: for a stack that isn't there. Default false. */
  readonly withAllSecrets?: boolean;
  /** A secret without a value is an error: what is going to be made can't be made without it. Default false: a warning. */
  readonly needsSecrets?: boolean;
}

/**
 * Loads, plans and checks the project of a stack.
 * @param cwd what places in diagnostics are relative to
 * @throws UserError `invalid-project` with every diagnostic, when one of them is an error.
 */
export function prepare(given: StackSettings, cwd: string, options: PrepareOptions = {}): CheckedPlan {
  const provider = providerOf(given.cloud);
  const { project, diagnostics } = loadProject(given.projectDir, { cwd });
  if (!project) throw invalidProject(diagnostics);
  const settings = options.withAllSecrets ? { ...given, secretKeys: neededSecrets(project) } : given;
  const plan = planDeployment(project, settings, contentHash(settings.projectDir));
  const ofPlan = options.needsSecrets ? plan.diagnostics.map(unsetIsError) : plan.diagnostics;
  const found = [...diagnostics, ...ofPlan, ...provider.check(plan)];
  // Only what can be deployed has a cost.
  const all = hasErrors(found) ? found : [...found, ...checkPolicies(plan, provider)];
  if (hasErrors(all)) throw invalidProject(all);
  return { plan, diagnostics: all };
}

function unsetIsError(diagnostic: Diagnostic): Diagnostic {
  return diagnostic.code === "secret-not-set" ? { ...diagnostic, severity: "error" } : diagnostic;
}

/** A project that can't be deployed, with all that is wrong with it. */
export function invalidProject(diagnostics: readonly Diagnostic[]): UserError {
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  return new UserError(`the stack can't be deployed: ${errors === 1 ? "1 problem" : `${errors} problems`}`, {
    code: "invalid-project",
    diagnostics,
  });
}

function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity }) => severity === "error");
}
