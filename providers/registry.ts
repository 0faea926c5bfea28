import { UserError } from "../model/diagnostic.js";
import type { Platform } from "../model/plan-types.js";
import { aws } from "./aws/index.js";
import { azure } from "./azure/index.js";
import type { Provider } from "./contract.js";
import { gcp } from "./gcp/index.js";
import { local } from "./local/index.js";

/** The pure half of each platform. */
const providers: Readonly<Partial<Record<Platform, Provider>>> = { local, aws, gcp, azure };

/** The platform's provider. Throws a `UserError` for one that this version doesn't deploy to. */
export function providerOf(platform: Platform): Provider {
  const found = providers[platform];
  if (found) return found;
  throw new UserError(`this version of handoff doesn't deploy to ${platform} yet`, {
    code: "platform-not-available",
    hint: `set handoff:cloud to local in the stack's Pulumi.<stack>.yaml (it is ${platform})`,
  });
}
