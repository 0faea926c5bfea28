/** What an engine reports while it works, reduced to what a user watches. */
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { pendingWarning } from "./pending.js";

export type ProgressEvent =
  | {
      readonly kind: "resource";
      /** Pulumi's operation: create, update, delete, same, replace, refresh, … */
      readonly op: string;
      readonly urn: string;
      readonly type: string;
      readonly name: string;
      /** `planned`: in a preview, where nothing is done. */
      readonly status: "started" | "done" | "failed" | "planned";
    }
  | {
      readonly kind: "message";
      readonly severity: "info" | "warning" | "error";
      readonly text: string;
      /** The resource it is about. */
      readonly urn?: string;
    };

export interface Changes {
  readonly create: number;
  readonly update: number;
  readonly replace: number;
  readonly delete: number;
  readonly same: number;
}

const severities: Readonly<Record<string, "info" | "warning" | "error">> = {
  info: "info",
  "info#err": "info",
  warning: "warning",
  error: "error",
};

/** Names of the colours that the engine puts into messages. */
const colourMark = /<\{%[^%]*%\}>/g;

export function progressOf(event: EngineEvent): ProgressEvent | undefined {
  const { resourcePreEvent, resOutputsEvent, resOpFailedEvent, diagnosticEvent } = event;
  if (resourcePreEvent)
    return resource(resourcePreEvent.metadata, resourcePreEvent.planning ? "planned" : "started");
  if (resOutputsEvent && !resOutputsEvent.planning) return resource(resOutputsEvent.metadata, "done");
  if (resOpFailedEvent) return resource(resOpFailedEvent.metadata, "failed");
  if (diagnosticEvent && !diagnosticEvent.ephemeral) {
    const { severity, message, urn } = diagnosticEvent;
    const text = message.replace(colourMark, "").trim();
    // That our plugin is found on PATH is how it is meant to be.
    if (text === "" || text.startsWith("using pulumi-resource-handoff from $PATH")) return undefined;
    // The engine also sends `debug`, which its types leave out: all that the program registers.
    const level = severities[severity];
    if (!level) return undefined;
    return { kind: "message", severity: level, text: pendingWarning(text) ?? text, ...(urn ? { urn } : {}) };
  }
  return undefined;
}

function resource(
  metadata: { op: string; urn: string; type: string },
  status: "started" | "done" | "failed" | "planned",
) {
  const { op, urn, type } = metadata;
  return { kind: "resource", op, urn, type, name: urn.split("::").at(-1) ?? "", status } as const;
}

/** Counts each resource once by what became of it; the stack and providers, which are Pulumi's own, aren't counted. */
export class ChangeCounter {
  readonly #fates = new Map<string, keyof Changes>();

  add(event: ProgressEvent): void {
    if (event.kind !== "resource" || event.type.startsWith("pulumi:")) return;
    if (event.status !== "done" && event.status !== "planned") return;
    const fate = fateOf(event.op);
    // The steps of a replacement come one by one.
    if (fate && this.#fates.get(event.urn) !== "replace") this.#fates.set(event.urn, fate);
  }

  changes(): Changes {
    const count = (fate: keyof Changes) => [...this.#fates.values()].filter((value) => value === fate).length;
    return {
      create: count("create"),
      update: count("update"),
      replace: count("replace"),
      delete: count("delete"),
      same: count("same"),
    };
  }
}

function fateOf(op: string): keyof Changes | undefined {
  if (op === "create" || op === "update" || op === "delete" || op === "same") return op;
  if (op.includes("replace")) return "replace";
  // What was there already is taken over, and then changed where it differs.
  if (op === "import") return "update";
  return op === "refresh" ? "same" : undefined;
}
