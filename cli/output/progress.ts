import type { ProgressEvent } from "../../deploy/events.js";
import { type CliContext, say } from "../context.js";
import { type Colours, colours } from "./colour.js";

const signs: Readonly<Record<string, string>> = { create: "+", update: "~", delete: "-", replace: "±" };
const tenses: Readonly<Record<string, string>> = {
  create: "created",
  update: "updated",
  delete: "deleted",
  replace: "replaced",
};

/**
 * A line for each resource that changes, when it has; what stays the same says nothing. Plain lines on a terminal as in a CI
 * log: what has been said stays readable.
 */
export function progressLines(context: CliContext): (event: ProgressEvent) => void {
  const paint = colours(context.stderr, context.env);
  return (event) => {
    const text = progressText(event, paint);
    if (text !== undefined) say(context, text);
  };
}

/** What there is to say of an event; undefined for nothing. */
export function progressText(event: ProgressEvent, paint: Colours): string | undefined {
  if (event.kind === "message") {
    // Errors are in the exception that follows.
    if (event.severity === "error") return undefined;
    return event.severity === "warning" ? paint.yellow(event.text) : event.text;
  }
  if (event.status === "started" || event.type.startsWith("pulumi:")) return undefined;
  const sign = signs[event.op];
  if (sign === undefined) return undefined;
  const what = resourceText(event);
  if (event.status === "failed") return `  ${paint.red("!")} ${what}: could not be ${tenses[event.op]}`;
  return `  ${paint.green(sign)} ${what}${event.status === "planned" ? "" : ` ${tenses[event.op]}`}`;
}

/** `Bucket fx-artifacts`. */
export function resourceText({ type, name }: { readonly type: string; readonly name: string }): string {
  return `${type.split(":").at(-1)} ${name}`;
}
