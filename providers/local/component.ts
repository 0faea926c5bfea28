import type * as pulumi from "@pulumi/pulumi";
import {
  type ComponentInputs,
  isReference,
  isSecretReference,
  type RenderedResource,
  type RenderedValue,
} from "../contract.js";
import { LocalResource } from "./resources.js";

/** Creates what `render` described, below `parent`. */
export function createResources(
  resources: readonly RenderedResource[],
  parent: pulumi.ComponentResource,
  { secrets }: ComponentInputs,
): Record<string, pulumi.Input<unknown>> {
  const created = new Map<string, LocalResource>();
  const named = (name: string): LocalResource => {
    const resource = created.get(name);
    if (!resource) throw new Error(`rendered resource ${name} is referred to before it is described`);
    return resource;
  };
  const resolve = (value: RenderedValue): pulumi.Input<unknown> => {
    if (isReference(value)) {
      const [name, output] = value.$ref;
      return named(name)[output as "codeDir" | "venvsDir"];
    }
    if (isSecretReference(value)) return secrets.apply((values) => values[value.$secret]);
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value === "object" && value !== null)
      return resolveAll(value as Record<string, RenderedValue>);
    return value;
  };
  const resolveAll = (values: Readonly<Record<string, RenderedValue>>): pulumi.Inputs =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, resolve(value)]));

  const children = resources.filter((resource) => resource.parent !== null);
  for (const { type, name, inputs, dependsOn } of children) {
    const options = {
      parent,
      dependsOn: dependsOn?.map(named) ?? [],
      additionalSecretOutputs: secretOutputs(inputs),
    };
    created.set(name, new LocalResource(type, name, resolveAll(inputs), options));
  }

  const ofType = (type: string) => children.filter((resource) => resource.type === `handoff:local:${type}`);
  const names = (type: string) => ofType(type).map(({ inputs }) => inputs.name);
  const stores = ofType("Store").map(({ name, inputs }) => [inputs.name, named(name).path] as const);
  return {
    jobs: names("Job"),
    schedules: names("Schedule"),
    triggers: names("Trigger"),
    stores: Object.fromEntries(stores),
    folder: ofType("Store").map(({ name }) => named(name).folder)[0] ?? "",
  };
}

function secretOutputs(inputs: Readonly<Record<string, RenderedValue>>): string[] {
  return Object.keys(inputs).filter((key) => isSecretReference(inputs[key]));
}
