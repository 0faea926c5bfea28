/** What differs between a stack's state and what is really there, from the events of a refresh that changes nothing. */
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { mask } from "./state.js";

/** One property that isn't as it was left. */
export interface PropertyDifference {
  /** Such as `tags.team` or `rules[0].port`. */
  readonly path: string;
  /** As the state has it; absent where it had none. A secret is `"[secret]"`. */
  readonly before?: unknown;
  /** As it is; absent where it is gone. */
  readonly after?: unknown;
}

/** One resource that isn't as the last `up` left it. */
export interface Difference {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** `gone`: somebody has deleted it. */
  readonly kind: "changed" | "gone";
  readonly properties: readonly PropertyDifference[];
}

type Metadata = NonNullable<EngineEvent["resOutputsEvent"]>["metadata"];
type Properties = Readonly<Record<string, unknown>>;

/**
 * The difference that an event of a refresh tells of; undefined when it tells of none. Properties that nobody has set (a
 * count of rows, the time of the last change) are the cloud's own, and no difference.
 */
export function differenceOf(event: EngineEvent): Difference | undefined {
  const metadata = event.resOutputsEvent?.metadata;
  if (!metadata || metadata.type.startsWith("pulumi:")) return undefined;
  const { op, urn, type } = metadata;
  const about = { urn, type, name: urn.split("::").at(-1) ?? "" };
  if (op === "delete") return { ...about, kind: "gone", properties: [] };
  if (op !== "update") return undefined;
  const properties = propertiesOf(metadata);
  return properties.length > 0 ? { ...about, kind: "changed", properties } : undefined;
}

function propertiesOf({ old, new: now }: Metadata): readonly PropertyDifference[] {
  const inputs = { before: masked(old?.inputs), after: masked(now?.inputs) };
  const set = Object.keys(inputs.before);
  const found = compare(inputs.before, inputs.after, "");
  if (found.length > 0) return found;
  // Not every provider reads inputs back: what was set stands in its outputs too.
  const outputs = { before: masked(old?.outputs), after: masked(now?.outputs) };
  const known = compare(pick(outputs.before, set), pick(outputs.after, set), "");
  if (known.length > 0) return known;
  // The engine saw a change, and what we may look at is the same: a secret's value.
  const secret = JSON.stringify(outputs.before) === JSON.stringify(outputs.after);
  return secret ? secretPaths(inputs.before, "") : [];
}

function masked(properties: Properties | undefined | null): Properties {
  return mask(properties ?? {}) as Properties;
}

function pick(properties: Properties, keys: readonly string[]): Properties {
  return Object.fromEntries(
    Object.entries(properties).filter(([key]) => keys.includes(key) && !key.startsWith("__")),
  );
}

function compare(before: unknown, after: unknown, path: string): PropertyDifference[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (isMap(before) && isMap(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
      (key) => !key.startsWith("__"),
    );
    return keys.flatMap((key) => compare(before[key], after[key], path === "" ? key : `${path}.${key}`));
  }
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length)
    return before.flatMap((item, index) => compare(item, after[index], `${path}[${index}]`));
  return [
    {
      path,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    },
  ];
}

function secretPaths(value: unknown, path: string): PropertyDifference[] {
  if (value === "[secret]") return [{ path, before: value, after: value }];
  if (Array.isArray(value)) return value.flatMap((item, index) => secretPaths(item, `${path}[${index}]`));
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([key, each]) =>
    secretPaths(each, path === "" ? key : `${path}.${key}`),
  );
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
