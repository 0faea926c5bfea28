import type { Platform } from "../model/plan-types.js";
import { aws } from "./aws/index.js";
import { azure } from "./azure/index.js";
import type { Provider } from "./contract.js";
import { gcp } from "./gcp/index.js";
import { local } from "./local/index.js";

/** The pure half of each platform; one that is missing doesn't compile. */
const providers: Readonly<Record<Platform, Provider>> = { local, aws, gcp, azure };

export function providerOf(platform: Platform): Provider {
  return providers[platform];
}
