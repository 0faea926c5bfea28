import type { ProgressEvent } from "../../deploy/events.js";
import { type CliContext, say } from "../context.js";
import { colours } from "./colour.js";

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
    if (event.kind === "message") {
      // Errors are in the exception that follows.
      if (event.severity !== "error")
        say(context, event.severity === "warning" ? paint.yellow(event.text) : event.text);
      return;
    }
    if (event.status === "started" || event.type.startsWith("pulumi:")) return;
    const sign = signs[event.op];
    if (sign === undefined) return;
    const what = `${event.type.split(":").at(-1)} ${event.name}`;
    if (event.status === "failed")
      say(context, `  ${paint.red("!")} ${what}: could not be ${tenses[event.op]}`);
    else
      say(
        context,
        `  ${paint.green(sign)} ${what}${event.status === "planned" ? "" : ` ${tenses[event.op]}`}`,
      );
  };
}
