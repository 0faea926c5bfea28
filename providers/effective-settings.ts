/** All settings of a stack with where each came from: what `handoff stack show` shows. */
import { relative } from "node:path";
import type { Location } from "../model/diagnostic.js";
import type { StackSettings } from "../model/plan-types.js";
import { gcpProjectVariables, type RawSettings, regionSources, settingKeys } from "./settings.js";

export type Origin =
  | { readonly kind: "file"; readonly location: Location }
  | { readonly kind: "environment"; readonly variable: string }
  | { readonly kind: "default" };

export interface EffectiveSetting {
  /** In full, such as `handoff:cloud` or `aws:region`. */
  readonly key: string;
  /** As it is understood; undefined where nothing is set and there is no default. Encrypted ones are `[secret]`. */
  readonly value: unknown;
  readonly from: Origin;
}

/**
 * handoff's own in the order of the documentation, then the cloud's place, then those of other packages.
 * `handoff:secrets` is left out: it has no value to show.
 */
export function effectiveSettings(raw: RawSettings, settings: StackSettings): EffectiveSetting[] {
  const { cloud, root, projectDir } = settings;
  const understood = new Map<string, unknown>([
    ...Object.entries(settings),
    ["project", relative(root, projectDir) || "."],
  ]);
  const own = settingKeys
    .filter((key) => key !== "secrets")
    .map((key) => ({
      key: `handoff:${key}`,
      value: understood.get(key),
      from: originOf(`handoff:${key}`, raw),
    }));
  const place = regionSources[cloud];
  const places = [
    ...(place ? [{ key: place.config, value: settings.region, variables: place.variables }] : []),
    ...(cloud === "gcp"
      ? [{ key: "gcp:project", value: settings.gcpProject, variables: gcpProjectVariables }]
      : []),
  ].map(({ key, value, variables }) => ({ key, value, from: originOf(key, raw, variables) }));
  const shown = new Set(places.map(({ key }) => key));
  const others = Object.entries(raw.config)
    .filter(([key]) => !key.startsWith("handoff:") && !shown.has(key))
    .map(([key, value]) => ({ key, value: masked(value), from: originOf(key, raw) }));
  return [...own, ...places, ...others];
}

function originOf(key: string, raw: RawSettings, variables: readonly string[] = []): Origin {
  const location = raw.locate?.(key);
  if (location !== undefined && raw.config[key] !== undefined) return { kind: "file", location };
  const variable = variables.find((name) => raw.env[name]?.trim());
  return variable === undefined ? { kind: "default" } : { kind: "environment", variable };
}

function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== "object" || value === null) return value;
  if ("secure" in value) return "[secret]";
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, masked(each)]));
}
