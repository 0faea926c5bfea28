/** What `import { … } from "handoff"` gives: the program for a Pulumi project, and the parts to build one's own. */
export { UserError } from "../model/diagnostic.js";
export { loadProject } from "../model/load.js";
export { planDeployment } from "../model/plan.js";
export type { DeployPlan, Platform, StackSettings } from "../model/plan-types.js";
export type { Provider, RenderContext, RenderedResource } from "./contract.js";
export { type LoadedPlatform, Pipeline, type PipelineArgs } from "./pipeline.js";
export { program } from "./program.js";
export { loadProvider } from "./registry.js";
