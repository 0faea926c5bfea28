/** What `import { … } from "handoff"` gives: the program for a Pulumi project, and the parts to build one's own. */
export { UserError } from "../model/diagnostic.js";
export { loadProject } from "../model/load.js";
export { planDeployment } from "../model/plan.js";
export {
  type DeployPlan,
  type NetworkSettings,
  type Platform,
  type StackSettings,
  stackSettings,
} from "../model/plan-types.js";
export type { Provider, RenderContext } from "./contract.js";
export type { TransformedResource, Transforms } from "./create.js";
export { Pipeline, type PipelineArgs, type PlannedPipelineArgs } from "./pipeline.js";
export { program } from "./program.js";
export { providerOf } from "./registry.js";
export type { RenderedLookup, RenderedResource, RenderedValue, Rendering } from "./rendering.js";
