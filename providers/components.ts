import type { Platform } from "../model/plan-types.js";
import type { ComponentModule } from "./contract.js";
import { component as local } from "./local/component.js";
import { sdkModule } from "./sdk.js";

/** The Pulumi half of each platform; an SDK is loaded when one of its resources is created. */
export const components: Readonly<Record<Platform, ComponentModule>> = {
  local,
  aws: sdkModule,
  gcp: sdkModule,
  azure: sdkModule,
};
