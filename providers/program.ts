/** What runs inside a Pulumi program: a stack's config -> model -> Pipeline. */
import * as pulumi from "@pulumi/pulumi";
import { type Diagnostic, formatLocation, UserError } from "../model/diagnostic.js";
import type { DeployPlan } from "../model/plan-types.js";
import { buildsImage, writeImageContext } from "./image-context.js";
import { Pipeline } from "./pipeline.js";
import { invalidProject, prepare } from "./prepare.js";
import { parseSettings } from "./settings.js";

/**
 * Creates the pipeline of a checked plan; called inside a Pulumi program. Returns the stack's outputs.
 * @param deployed names of the resources that the stack's state has, when that is known.
 */
export function deployPipeline(plan: DeployPlan, deployed?: ReadonlySet<string>): Record<string, unknown> {
  if (buildsImage(plan)) writeImageContext(plan);
  const secrets = new pulumi.Config("handoff").getSecretObject<Record<string, string>>("secrets");
  const pipeline = new Pipeline(plan.spec.project.name, {
    plan,
    secrets: secrets?.apply((values) => values ?? {}) ?? {},
    ...(deployed ? { deployed } : {}),
  });
  return { ...pipeline.outputs };
}

/**
 * The whole Pulumi program, for `index.ts`: `export { program as default } from "handoff";`. A user's mistake is shown by the
 * engine, each problem on a line of its own, without a stack trace.
 */
export async function program(): Promise<Record<string, unknown>> {
  try {
    const { settings, diagnostics } = parseSettings(settingsOfProgram());
    if (!settings) throw invalidProject(diagnostics);
    const checked = prepare(settings, process.cwd(), { needsSecrets: true });
    for (const diagnostic of [...diagnostics, ...checked.diagnostics]) await show(diagnostic);
    return deployPipeline(checked.plan);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    for (const diagnostic of error.diagnostics) await show(diagnostic);
    throw new pulumi.RunError(error.hint ? `${error.message}\n${error.hint}` : error.message);
  }
}

function settingsOfProgram() {
  const config = pulumi.runtime.allConfig();
  const secrets: unknown = JSON.parse(config["handoff:secrets"] ?? "{}");
  const secretKeys = typeof secrets === "object" && secrets !== null ? Object.keys(secrets) : [];
  return { stack: pulumi.getStack(), root: process.cwd(), config, secretKeys, env: process.env };
}

async function show({ severity, message, hint, location }: Diagnostic): Promise<void> {
  const place = formatLocation(location);
  const line = [place, message, hint].filter((part) => part !== undefined && part !== "").join(": ");
  if (severity === "error") await pulumi.log.error(line);
  else if (severity === "warning") await pulumi.log.warn(line);
  else await pulumi.log.info(line);
}
