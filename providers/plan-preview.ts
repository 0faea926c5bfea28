/**
 * What a deployment would create, without an engine, an account or a network: the program runs against Pulumi's mocks, which
 * see what the clouds' plugins would be given.
 */
import * as pulumi from "@pulumi/pulumi";
import type { DeployPlan } from "../model/plan-types.js";
import { Pipeline } from "./pipeline.js";
import { providerOf } from "./registry.js";
import {
  isSecretReference,
  printable,
  type RenderedResource,
  type RenderedValue,
  type Rendering,
  referencesIn,
} from "./rendering.js";

type Values = Readonly<Record<string, unknown>>;

export interface PreviewedResource {
  /** Pulumi type token. */
  readonly type: string;
  readonly name: string;
  /** Name of the resource that it belongs to; null for the pipeline. */
  readonly parent: string | null;
  /** What the plugin would receive; `${name.output}` is known only at deployment, `[secret]` never shown. */
  readonly inputs: Values;
}

export interface PreviewedLookup {
  readonly type: string;
  readonly name: string;
  readonly inputs: Values;
}

export interface PlanPreview {
  /** Each after those it refers to; the first is the pipeline. */
  readonly resources: readonly PreviewedResource[];
  /** What would be asked of the cloud before. */
  readonly lookups: readonly PreviewedLookup[];
  /** What the stack would show. */
  readonly outputs: Values;
}

/**
 * Runs the program of a checked plan against mocks. One at a time in a process: Pulumi's runtime is global.
 * @param pulumiProject name in Pulumi.yaml
 * @throws UserError `sdk-not-installed`
 */
export async function previewPlan(plan: DeployPlan, pulumiProject: string): Promise<PlanPreview> {
  const name = plan.spec.project.name;
  const rendering = providerOf(plan.settings.cloud).render(plan, { name, pulumiProject });
  const recorder = new Recorder(rendering);
  await pulumi.runtime.setMocks(recorder, pulumiProject, plan.settings.stack, false);
  try {
    // Nothing is looked for in a cloud.
    const deployed = new Set(rendering.resources.map((resource) => resource.name));
    new Pipeline(name, { plan, secrets: hidden(rendering), deployed });
  } finally {
    // Waits for every registration.
    await pulumi.runtime.disconnect();
  }
  return {
    resources: rendering.resources.map((resource) => recorder.seen(resource)),
    lookups: rendering.lookups.map(({ type, name: lookup, inputs }) => ({
      type,
      name: lookup,
      inputs: printable(inputs) as Values,
    })),
    outputs: printable(rendering.outputs) as Values,
  };
}

/** Answers each registration with a placeholder for exactly the outputs that the rendering refers to. */
class Recorder implements pulumi.runtime.Mocks {
  readonly #rendering: Rendering;
  readonly #inputs = new Map<string, Values>();
  /** Outputs asked for, by resource or lookup. */
  readonly #outputs = new Map<string, Set<string>>();
  #problem: Error | undefined;

  constructor(rendering: Rendering) {
    this.#rendering = rendering;
    const values = [...rendering.lookups, ...rendering.resources].map(({ inputs }) => inputs);
    for (const { $ref } of [...values, rendering.outputs].flatMap(referencesIn)) {
      const [source, output] = $ref;
      const known = this.#outputs.get(source);
      if (known) known.add(output);
      else this.#outputs.set(source, new Set([output]));
    }
  }

  newResource({ name, inputs }: pulumi.runtime.MockResourceArgs): pulumi.runtime.MockResourceResult {
    this.#inputs.set(name, shown(inputs));
    return { id: `\${${name}.id}`, state: this.#answer(name) };
  }

  call({ token, inputs }: pulumi.runtime.MockCallArgs): pulumi.runtime.MockCallResult {
    const asked = canonical(shown(inputs));
    const lookup = this.#rendering.lookups.find(
      ({ type, inputs: described }) => type === token && canonical(printable(described)) === asked,
    );
    if (lookup) return this.#answer(lookup.name);
    // Thrown at the end: Pulumi would wait for an answer for ever.
    this.#problem ??= new Error(`${token} is no lookup of the rendering: ${asked}`);
    return {};
  }

  seen({ type, name, parent }: RenderedResource): PreviewedResource {
    if (this.#problem) throw this.#problem;
    const inputs = this.#inputs.get(name);
    if (!inputs) throw new Error(`${name} was described and not created`);
    return { type, name, parent, inputs };
  }

  #answer(name: string): Record<string, unknown> {
    const answer: Record<string, unknown> = {};
    // Short paths first: what is in something replaces the placeholder for the whole.
    for (const path of [...(this.#outputs.get(name) ?? [])].sort()) {
      put(answer, path.split("."), `\${${name}.${path}}`);
    }
    return answer;
  }
}

function put(target: Record<string, unknown>, [key = "", ...rest]: readonly string[], value: string): void {
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  const inside = target[key];
  const next: Record<string, unknown> = typeof inside === "object" && inside !== null ? { ...inside } : {};
  put(next, rest, value);
  target[key] = next;
}

/** `[secret]` in place of each value that the rendering asks for. */
function hidden({ resources, lookups, outputs }: Rendering): Record<string, string> {
  const keys = [...resources.map(({ inputs }) => inputs), ...lookups.map(({ inputs }) => inputs), outputs];
  return Object.fromEntries(keys.flatMap(secretsIn).map((key) => [key, "[secret]"]));
}

function secretsIn(value: RenderedValue): string[] {
  if (typeof value !== "object" || value === null) return [];
  if (isSecretReference(value)) return [value.$secret];
  return Object.values(value).flatMap((item) => secretsIn(item as RenderedValue));
}

/** Inputs as they travel, without the marks that tell the engine to encrypt some of them. */
function shown(inputs: Values): Values {
  return Object.fromEntries(
    Object.entries(inputs).map(([key, value]) => [key, pulumi.runtime.unwrapRpcSecret(value)]),
  );
}

/** JSON with sorted keys, without what is undefined. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
