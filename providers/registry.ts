import { UserError } from "../model/diagnostic.js";
import type { Platform } from "../model/plan-types.js";
import type { Provider } from "./contract.js";

/** How each platform is loaded; a platform without a loader doesn't compile. Nothing is imported before it is asked for. */
const loaders: Readonly<Record<Platform, () => Promise<Provider>>> = {
  local: async () => (await import("./local/index.js")).local,
  aws: () => notYet("aws", "AWS"),
  gcp: () => notYet("gcp", "Google Cloud"),
  azure: () => notYet("azure", "Azure"),
};

/** The platform's provider. Throws a `UserError` for one that this version doesn't deploy to. */
export function loadProvider(platform: Platform): Promise<Provider> {
  return loaders[platform]();
}

async function notYet(platform: Platform, name: string): Promise<Provider> {
  throw new UserError(`this version of handoff doesn't deploy to ${name} yet`, {
    code: "platform-not-available",
    hint: `set handoff:cloud to local in the stack's Pulumi.<stack>.yaml (it is ${platform})`,
  });
}
