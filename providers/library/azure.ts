/** `import { Pipeline } from "handoff/azure"`: pipelines on Azure, for another Pulumi program. */
import type * as pulumi from "@pulumi/pulumi";
import { Pipeline as AnyPipeline, type PipelineArgs } from "../pipeline.js";

export { UserError } from "../../model/diagnostic.js";
export type { TransformedResource, Transforms } from "../create.js";

/** All of `PipelineArgs` but the cloud. */
export type PipelineOn = Omit<PipelineArgs, "cloud">;

/**
 * A project on Azure: `new Pipeline("client-a", { project: "projects/fx", region: "westeurope" })`.
 * @throws UserError with every problem of the project there
 */
export class Pipeline extends AnyPipeline {
  constructor(name: string, args: PipelineOn = {}, options: pulumi.ComponentResourceOptions = {}) {
    super(name, { ...args, cloud: "azure" }, options);
  }
}
