/** `import { Pipeline } from "handoff/gcp"`: pipelines on Google Cloud, for another Pulumi program. */
import type * as pulumi from "@pulumi/pulumi";
import { Pipeline as AnyPipeline, type PipelineArgs } from "../pipeline.js";

export { UserError } from "../../model/diagnostic.js";
export type { TransformedResource, Transforms } from "../create.js";

/** All of `PipelineArgs` but the cloud. */
export type PipelineOn = Omit<PipelineArgs, "cloud">;

/**
 * A project on Google Cloud: `new Pipeline("client-a", { project: "projects/fx", gcpProject: "acme", region: "europe-west1" })`.
 * @throws UserError with every problem of the project there
 */
export class Pipeline extends AnyPipeline {
  constructor(name: string, args: PipelineOn = {}, options: pulumi.ComponentResourceOptions = {}) {
    super(name, { ...args, cloud: "gcp" }, options);
  }
}
