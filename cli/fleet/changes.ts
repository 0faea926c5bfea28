/** What an operation did to a stack, in words. */
import type { PropertyDifference } from "../../deploy/difference.js";
import type { StackSummary } from "../../deploy/stack.js";
import type { Colours } from "../output/colour.js";

const words: Readonly<Record<StackSummary["operation"], string>> = {
  up: "",
  preview: "would be ",
  destroy: "",
  refresh: "found ",
  drift: "found ",
};
const verbs = [
  ["create", "created"],
  ["update", "updated"],
  ["replace", "replaced"],
  ["delete", "deleted"],
] as const;
/** By hand, that is. */
const driftVerbs: typeof verbs | readonly (readonly ["update" | "delete", string])[] = [
  ["update", "changed"],
  ["delete", "gone"],
];

/** `3 created, 1 updated, 4 unchanged`, or `nothing to change`. */
export function describeChanges({ operation, changes }: Pick<StackSummary, "operation" | "changes">): string {
  const done = (operation === "drift" ? driftVerbs : verbs)
    .filter(([key]) => changes[key] > 0)
    .map(([key, verb]) => `${changes[key]} ${words[operation]}${verb}`);
  if (done.length === 0)
    return `nothing ${operation === "drift" ? "has changed" : "to change"}, ${changes.same} unchanged`;
  return [...done, ...(changes.same > 0 ? [`${changes.same} unchanged`] : [])].join(", ");
}

/** A line for each resource and property that differs, indented. */
export function driftLines(
  { differences = [] }: Pick<StackSummary, "differences">,
  paint: Colours,
): string[] {
  return differences.flatMap(({ type, name, kind, properties }) => {
    const what = `${type.split(":").at(-1)} ${name}`;
    if (kind === "gone") return [`  ${paint.red("-")} ${what}: it is gone`];
    return [`  ${paint.yellow("~")} ${what}`, ...properties.map((one) => `      ${propertyLine(one)}`)];
  });
}

function propertyLine({ path, before, after }: PropertyDifference): string {
  if (before === "[secret]" && after === "[secret]") return `${path}: a secret, changed`;
  if (before === undefined) return `${path}: ${show(after)}, which nobody set`;
  if (after === undefined) return `${path}: ${show(before)}, which is gone`;
  return `${path}: ${show(before)} -> ${show(after)}`;
}

const longest = 120;

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
