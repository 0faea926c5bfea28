/** When a cloud fires the schedule resources of a rendering, by the interpreter of that cloud. */
import type { RenderedResource } from "../../../providers/rendering.js";
import { printable } from "../../../providers/rendering.js";
import { awsFires } from "./aws.js";
import { azureCronFires, type Recurrence, recurrenceFires } from "./azure.js";
import { conditionHolds } from "./azure-expression.js";
import { Refused } from "./fields.js";
import { gcpFires } from "./gcp.js";

/** Fires of one resource between two instants; null when the resource is none that fires by itself. */
type Interpreter = (inputs: Record<string, unknown>, from: number, to: number) => number[];

const interpreters: Readonly<Record<string, Interpreter>> = {
  "aws:scheduler/schedule:Schedule": (inputs, from, to) =>
    awsFires(inputs as unknown as Parameters<typeof awsFires>[0], from, to),
  "gcp:cloudscheduler/job:Job": (inputs, from, to) =>
    gcpFires(inputs as unknown as Parameters<typeof gcpFires>[0], from, to),
  "azure-native:app:Job": (inputs, from, to) => {
    const configuration = child(inputs, "configuration");
    if (configuration.triggerType !== "Schedule") return [];
    return azureCronFires(String(child(configuration, "scheduleTriggerConfig").cronExpression), from, to);
  },
  "azure-native:logic:Workflow": (inputs, from, to) =>
    inputs.state === "Disabled"
      ? []
      : Object.values(child(child(inputs, "definition"), "triggers")).flatMap((trigger) =>
          triggerFires(trigger as Record<string, unknown>, from, to),
        ),
};

/** Whether the resource can start a job by time. */
export function isTimed({ type, inputs }: RenderedResource): boolean {
  if (!(type in interpreters)) return false;
  const printed = JSON.stringify(printable(inputs));
  if (type === "azure-native:app:Job") return printed.includes('"triggerType":"Schedule"');
  return type !== "azure-native:logic:Workflow" || printed.includes('"Recurrence"');
}

/** All fires of the resources, in order; an instant at which two of them fire is there twice. */
export function firesOf(resources: readonly RenderedResource[], from: number, to: number): number[] {
  return resources
    .flatMap(({ type, inputs }) => {
      const interpret = interpreters[type];
      if (!interpret) throw new Error(`nothing is known about the fires of ${type}`);
      return interpret(printable(inputs) as Record<string, unknown>, from, to);
    })
    .sort((a, b) => a - b);
}

function triggerFires(trigger: Record<string, unknown>, from: number, to: number): number[] {
  if (trigger.type !== "Recurrence") return [];
  const conditions = (trigger.conditions ?? []) as readonly { readonly expression?: unknown }[];
  return recurrenceFires(trigger.recurrence as Recurrence, from, to).filter((fire) =>
    conditions.every(({ expression }) => conditionHolds(String(expression), fire)),
  );
}

function child(inputs: Record<string, unknown>, key: string): Record<string, unknown> {
  const value = inputs[key];
  if (typeof value !== "object" || value === null) throw new Refused(`${key} is missing`);
  return value as Record<string, unknown>;
}
