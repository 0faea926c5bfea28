import type { Provider } from "../contract.js";
import { capabilities } from "./capabilities.js";
import { check } from "./check.js";
import { cost } from "./cost.js";
import { pipelineType, render } from "./render.js";

/** Azure: Container Apps jobs. */
export const azure = {
  platform: "azure",
  title: "Azure",
  pipelineType,
  capabilities,
  check,
  render,
  cost,
  /** Artifacts and declared stores, by URL. */
  keptData(outputs) {
    const { stores } = outputs;
    if (typeof stores !== "object" || stores === null) return [];
    return Object.values(stores).filter((url): url is string => typeof url === "string");
  },
} as const satisfies Provider;
