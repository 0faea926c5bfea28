import type { Provider } from "../contract.js";
import { capabilities } from "./capabilities.js";
import { check } from "./check.js";
import { cost } from "./cost.js";
import { keptData } from "./outputs.js";
import { render } from "./render.js";

/** ECS on Fargate, started by EventBridge Scheduler, Step Functions and Pipes. */
export const aws = {
  platform: "aws",
  title: "AWS",
  pipelineType: "handoff:aws:Pipeline",
  capabilities,
  check,
  render,
  cost,
  keptData,
} as const satisfies Provider;
