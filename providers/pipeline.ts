import { resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { type DeployPlan, type StackSettings, stackSettings } from "../model/plan-types.js";
import { components } from "./components.js";
import { createResources, type Transforms } from "./create.js";
import { buildsImage, writeImageContext } from "./image-context.js";
import { prepare } from "./prepare.js";
import { providerOf } from "./registry.js";
import { placeOf } from "./settings.js";

/** What `new Pipeline` is told; all but `cloud` has a default. */
export interface PipelineArgs extends Partial<Omit<StackSettings, "stack" | "projectDir" | "secretKeys">> {
  /** Where to. */
  readonly cloud: StackSettings["cloud"];
  /** Folder that holds project.yml, relative to the Pulumi program's. Default: `.`. */
  readonly project?: string;
  /** Values of the secrets that the project declares, by key. They stay encrypted in the state. */
  readonly secrets?: Readonly<Record<string, pulumi.Input<string>>>;
  /** Changes children by Pulumi type token: `{"aws:ecs/cluster:Cluster": ({args, options}) => ({args: {…args}, options})}`. */
  readonly transform?: Transforms;
}

/** A pipeline that was planned and checked before. */
export interface PlannedPipelineArgs {
  readonly plan: DeployPlan;
  readonly secrets?: pulumi.Input<Readonly<Record<string, string>>>;
  readonly transform?: Transforms;
  /** Names of the resources that the stack's state has, when that is known. */
  readonly deployed?: ReadonlySet<string>;
}

/**
 * A project deployed to a platform: `new Pipeline("client-a", { cloud: "aws", project: "projects/fx", region: "eu-west-1" })`.
 * Its type is the platform's own (`handoff:aws:Pipeline`), its children are those that `handoff plan` shows.
 * @throws UserError with every problem of the project on that platform
 */
export class Pipeline extends pulumi.ComponentResource {
  /** What was made: jobs, schedules, stores, triggers, and where to find them. */
  readonly outputs: Readonly<Record<string, pulumi.Input<unknown>>>;

  constructor(
    name: string,
    args: PipelineArgs | PlannedPipelineArgs,
    options: pulumi.ComponentResourceOptions = {},
  ) {
    const plan = "plan" in args ? args.plan : planned(args);
    const provider = providerOf(plan.settings.cloud);
    super(provider.pipelineType, name, {}, options);
    const rendering = provider.render(plan, { name, pulumiProject: pulumi.getProject() });
    this.outputs = createResources(rendering, components[plan.settings.cloud], {
      parent: this,
      secrets: pulumi.secret(args.secrets ?? {}),
      transforms: args.transform ?? {},
      ...("deployed" in args && args.deployed ? { deployed: args.deployed } : {}),
    });
    this.registerOutputs(this.outputs);
  }
}

function planned({ project = ".", secrets = {}, transform: _, ...given }: PipelineArgs): DeployPlan {
  const settings = stackSettings({
    ...placeOf(given.cloud, { config: pulumi.runtime.allConfig(), env: process.env }),
    ...given,
    stack: pulumi.getStack(),
    projectDir: resolve(project),
    root: process.cwd(),
    secretKeys: Object.keys(secrets).sort(),
  });
  const { plan, diagnostics } = prepare(settings, process.cwd(), { needsSecrets: true });
  for (const { severity, message } of diagnostics) {
    if (severity === "warning") void pulumi.log.warn(message);
  }
  if (buildsImage(plan)) writeImageContext(plan);
  return plan;
}
