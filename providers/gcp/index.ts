import type { Provider } from "../contract.js";
import { capabilities } from "./capabilities.js";
import { check } from "./check.js";
import { cost } from "./cost.js";
import { keptData } from "./outputs.js";
import { render } from "./render.js";

/** Google Cloud: Cloud Run jobs and Cloud Scheduler. */
export const gcp = {
  platform: "gcp",
  title: "Google Cloud",
  pipelineType: "handoff:gcp:Pipeline",
  capabilities,
  check,
  render,
  cost,
  keptData,
} as const satisfies Provider;
