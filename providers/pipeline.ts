import * as pulumi from "@pulumi/pulumi";
import type { DeployPlan } from "../model/plan-types.js";
import type { ComponentModule, Provider, RenderContext } from "./contract.js";

export interface PipelineArgs {
  /** What to deploy: `planDeployment`'s result. */
  readonly plan: DeployPlan;
  /** Values of the secrets that the project declares, by key. They stay encrypted in the state. */
  readonly secrets?: pulumi.Input<Readonly<Record<string, string>>>;
  /** Delete declared stores and artifacts with the pipeline. Default false: they are kept, and adopted by a later update. */
  readonly deleteData?: boolean;
}

/** A platform with its Pulumi code imported: `await loadPlatform("local")`. */
export interface LoadedPlatform {
  readonly provider: Provider;
  readonly component: ComponentModule;
}

/**
 * A deployed pipeline on any platform; made by `createPipeline`, which imports the platform first.
 * Its type is the platform's own (`handoff:local:Pipeline`), its children come from the platform's `render`.
 */
export class Pipeline extends pulumi.ComponentResource {
  /** What was made: jobs, schedules, stores, triggers, and where to find them. */
  readonly outputs: Readonly<Record<string, pulumi.Input<unknown>>>;

  constructor(
    name: string,
    { provider, component }: LoadedPlatform,
    args: PipelineArgs,
    options: pulumi.ComponentResourceOptions = {},
  ) {
    super(provider.pipelineType, name, {}, options);
    const context: RenderContext = {
      name,
      pulumiProject: pulumi.getProject(),
      deleteData: args.deleteData ?? false,
    };
    const secrets = pulumi.secret(args.secrets ?? {});
    this.outputs = component.createResources(provider.render(args.plan, context), this, { secrets });
    this.registerOutputs(this.outputs);
  }
}
