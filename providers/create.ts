/** Creates what a rendering describes, for every platform; decides nothing. */
import * as pulumi from "@pulumi/pulumi";
import { UserError } from "../model/diagnostic.js";
import { nearest } from "../model/nearest.js";
import { adopting } from "./adopt.js";
import type { ComponentModule, CustomClass } from "./contract.js";
import {
  type Answers,
  evaluate,
  isSecretReference,
  type RenderedInputs,
  type RenderedResource,
  type Rendering,
} from "./rendering.js";

/** A child resource before it is created, for a `transform`: what it returns is created instead. */
export interface TransformedResource {
  readonly args: pulumi.Inputs;
  readonly options: pulumi.CustomResourceOptions;
}

/** Changes children of a pipeline, by Pulumi type token: `{"aws:ecs/cluster:Cluster": ({args, options}) => …}`. */
export type Transforms = Readonly<
  Record<string, (resource: TransformedResource & { readonly name: string }) => TransformedResource>
>;

export interface CreateOptions {
  readonly parent: pulumi.ComponentResource;
  /** Values of the stack's secrets, by key. */
  readonly secrets: pulumi.Output<Readonly<Record<string, string>>>;
  readonly transforms?: Transforms;
  /** Names of the resources that the stack's state has: what else the cloud has is adopted. Default: none is known. */
  readonly deployed?: ReadonlySet<string>;
}

/** Creates the resources below `parent`; returns the outputs. @throws UserError for a transform of a type that is not there */
export function createResources(
  { resources, lookups, outputs }: Rendering,
  { classOf, lookup, ask }: ComponentModule,
  { parent, secrets, transforms = {}, deployed = new Set() }: CreateOptions,
): Record<string, pulumi.Input<unknown>> {
  checkTransforms(transforms, resources);
  const known = new Map<string, object>();
  // Asked when they are first referred to: a lookup may be about a resource that was made before (its keys).
  const open = new Map(lookups.map((described) => [described.name, described]));
  const lookUp = (name: string): void => {
    const described = open.get(name);
    if (!described) return;
    open.delete(name);
    const answer = lookup(described.type, inputs(described.inputs), { parent });
    known.set(name, described.secret ? pulumi.secret(answer) : answer);
  };
  const answers: Answers = {
    reference: (name, path) => {
      lookUp(name);
      return outputAt(find(known, name), path);
    },
    secret: (key) => secrets.apply((values) => values[key]),
  };
  const inputs = (values: RenderedInputs) => evaluate(values, answers, later) as pulumi.Inputs;

  // Who tests a program of their own with Pulumi's mocks: these know no transforms, and there is nothing to adopt.
  const mocked = pulumi.runtime.getMonitor()?.constructor.name === "MockMonitor";
  for (const resource of resources) {
    if (resource.parent === null) continue;
    const { type, name, dependsOn = [], inputs: values } = resource;
    const adopt = ask && !mocked && !deployed.has(name) ? adopting(type, ask) : undefined;
    const described: TransformedResource = {
      args: inputs(values),
      options: {
        parent,
        ...(adopt ? { transforms: [adopt] } : {}),
        ...optionsOf(resource),
        dependsOn: dependsOn.map((other) => find(known, other) as pulumi.Resource),
        additionalSecretOutputs: Object.keys(values).filter((key) => isSecretReference(values[key])),
      },
    };
    const { args, options } = transforms[type]?.({ name, ...described }) ?? described;
    const SdkClass: CustomClass = classOf(type);
    known.set(name, new SdkClass(name, args, options));
  }
  return inputs(outputs);
}

function optionsOf(resource: RenderedResource): pulumi.CustomResourceOptions {
  const { retainOnDelete, deleteBeforeReplace, ignoreChanges, timeoutMinutes } = resource;
  return {
    ...(retainOnDelete === undefined ? {} : { retainOnDelete }),
    ...(deleteBeforeReplace === undefined ? {} : { deleteBeforeReplace }),
    ...(ignoreChanges === undefined ? {} : { ignoreChanges: [...ignoreChanges] }),
    ...(timeoutMinutes === undefined
      ? {}
      : { customTimeouts: { create: `${timeoutMinutes}m`, delete: `${timeoutMinutes}m` } }),
  };
}

/** The resource, or an `Output` of the lookup's result. */
function find(known: ReadonlyMap<string, object>, name: string): object {
  const found = known.get(name);
  if (!found) throw new Error(`${name} is referred to before it is described`);
  return found;
}

function outputAt(source: object, path: string): unknown {
  const [first = "", ...rest] = path.split(".");
  const top: unknown = isOutput(source)
    ? source.apply((result) => member(result, first))
    : member(source, first);
  if (top === undefined) throw new Error(`${path} is no output of the resource`);
  if (rest.length === 0) return top;
  return outputOf(top).apply((value) => rest.reduce(member, value));
}

function isOutput(value: unknown): value is pulumi.Output<unknown> {
  return pulumi.Output.isInstance(value);
}

/** `pulumi.output` of what the compiler knows nothing about. */
function outputOf(value: unknown): pulumi.Output<unknown> {
  return pulumi.output(value) as pulumi.Output<unknown>;
}

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

/** Texts that hold nothing to wait for are made at once: a plan of plain values has no outputs in it. */
function later(value: unknown, apply: (value: unknown) => unknown): unknown {
  return holdsOutput(value) ? outputOf(value).apply(apply) : apply(value);
}

function holdsOutput(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return pulumi.Output.isInstance(value) || Object.values(value).some(holdsOutput);
}

function checkTransforms(transforms: Transforms, resources: readonly RenderedResource[]): void {
  const types = [
    ...new Set(resources.filter(({ parent }) => parent !== null).map(({ type }) => type)),
  ].sort();
  for (const type of Object.keys(transforms)) {
    if (types.includes(type)) continue;
    const near = nearest(type, types);
    throw new UserError(`transform names \`${type}\`, and the pipeline has no such resource`, {
      code: "unknown-transform",
      hint: near ? `did you mean ${near}?` : `its resources are of the types ${types.join(", ")}`,
    });
  }
}
