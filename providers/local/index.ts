import { existsSync, readdirSync, statSync } from "node:fs";
import type { Provider } from "../contract.js";
import { capabilities } from "./capabilities.js";
import { check } from "./check.js";
import { render } from "./render.js";

/** The machine itself: records under `$HANDOFF_HOME` that the agent runs. */
export const local = {
  platform: "local",
  title: "this machine",
  pipelineType: "handoff:local:Pipeline",
  capabilities,
  check,
  render,
  cost: () => [],
  keptData(outputs) {
    const stores = outputs.stores;
    if (typeof stores !== "object" || stores === null) return [];
    return Object.values(stores).filter((path): path is string => typeof path === "string" && hasData(path));
  },
} as const satisfies Provider;

function hasData(path: string): boolean {
  if (!existsSync(path)) return false;
  return statSync(path).isDirectory() ? readdirSync(path).length > 0 : statSync(path).size > 0;
}
