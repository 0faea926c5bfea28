/** What runs inside a Pulumi program: a stack's config -> model -> Pipeline. */
import * as pulumi from "@pulumi/pulumi";
import { contentHash } from "../model/content.js";
import { type Diagnostic, formatLocation, UserError } from "../model/diagnostic.js";
import { loadProject } from "../model/load.js";
import { planDeployment } from "../model/plan.js";
import type { DeployPlan, StackSettings } from "../model/plan-types.js";
import type { Provider } from "./contract.js";
import { Pipeline } from "./pipeline.js";
import { loadProvider } from "./registry.js";
import { parseSettings } from "./settings.js";

/** A checked plan with the platform that it goes to. */
export interface Deployable {
  readonly plan: DeployPlan;
  readonly provider: Provider;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads and checks all that can be known before a deployment.
 * @throws UserError with every diagnostic, when one of them is an error.
 */
export async function prepare(settings: StackSettings, cwd: string): Promise<Deployable> {
  const provider = await loadProvider(settings.cloud);
  const { project, diagnostics } = loadProject(settings.projectDir, { cwd });
  if (!project) throw invalid(diagnostics);
  const plan = planDeployment(project, settings, contentHash(settings.projectDir));
  const all = [...diagnostics, ...plan.diagnostics, ...provider.check(plan)];
  if (all.some(({ severity }) => severity === "error")) throw invalid(all);
  return { plan, provider, diagnostics: all };
}

/** Creates the pipeline of a prepared stack; called inside a Pulumi program. Returns the stack's outputs. */
export async function deployPipeline(
  { plan, provider }: Deployable,
  deleteData: boolean,
): Promise<Record<string, unknown>> {
  const component = await provider.component();
  const secrets = new pulumi.Config("handoff").getSecretObject<Record<string, string>>("secrets");
  const name = plan.spec.project.name;
  const pipeline = new Pipeline(
    name,
    { provider, component },
    { plan, deleteData, secrets: secrets?.apply((s) => s ?? {}) ?? {} },
  );
  return { ...pipeline.outputs };
}

/**
 * The whole Pulumi program, for `index.ts`: `export { program as default } from "handoff";`. A user's mistake is shown by the
 * engine, each problem on a line of its own, without a stack trace.
 */
export async function program(): Promise<Record<string, unknown>> {
  try {
    const { settings, deleteData, diagnostics } = parseSettings(settingsOfProgram());
    if (!settings) throw invalid(diagnostics);
    const deployable = await prepare(settings, process.cwd());
    for (const diagnostic of deployable.diagnostics) await show(diagnostic);
    return await deployPipeline(deployable, deleteData);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    for (const diagnostic of error.diagnostics) await show(diagnostic);
    throw new pulumi.RunError(error.hint ? `${error.message}\n${error.hint}` : error.message);
  }
}

function settingsOfProgram() {
  const values: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(pulumi.runtime.allConfig())) {
    if (key.startsWith("handoff:")) values[key.slice("handoff:".length)] = value;
  }
  const secrets: unknown = typeof values.secrets === "string" ? JSON.parse(values.secrets) : {};
  const secretKeys = typeof secrets === "object" && secrets !== null ? Object.keys(secrets) : [];
  return { stack: pulumi.getStack(), root: process.cwd(), values, secretKeys };
}

function invalid(diagnostics: readonly Diagnostic[]): UserError {
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  return new UserError(`the stack can't be deployed: ${errors === 1 ? "1 problem" : `${errors} problems`}`, {
    code: "invalid-project",
    diagnostics,
  });
}

async function show({ severity, message, hint, location }: Diagnostic): Promise<void> {
  const place = formatLocation(location);
  const line = [place, message, hint].filter((part) => part !== undefined && part !== "").join(": ");
  if (severity === "error") await pulumi.log.error(line);
  else if (severity === "warning") await pulumi.log.warn(line);
  else await pulumi.log.info(line);
}
