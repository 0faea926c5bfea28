/** `import { Pipeline } from "handoff/aws"`: pipelines on AWS, for another Pulumi program. */
import type * as pulumi from "@pulumi/pulumi";
import { Pipeline as AnyPipeline, type PipelineArgs } from "../pipeline.js";

export { UserError } from "../../model/diagnostic.js";
export type { TransformedResource, Transforms } from "../create.js";

/** All of `PipelineArgs` but the cloud. */
export type PipelineOn = Omit<PipelineArgs, "cloud">;

/**
 * A project on AWS: `new Pipeline("client-a", { project: "projects/fx", region: "eu-west-1" })`.
 * @throws UserError with every problem of the project there
 */
export class Pipeline extends AnyPipeline {
  constructor(name: string, args: PipelineOn = {}, options: pulumi.ComponentResourceOptions = {}) {
    super(name, { ...args, cloud: "aws" }, options);
  }
}
