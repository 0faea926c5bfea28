/** Pulumi's provider protocol over a simulated cloud. */
import type { SimulatedCloud, TypeRule } from "./cloud.js";
import type { Sdk } from "./sdk-schema.js";
import {
  asSecret,
  canonical,
  type Failure,
  holdsSecret,
  isObject,
  type Props,
  plainProps,
  unknownValue,
  valuesAt,
} from "./values.js";
import { type Held, hashOf, hex, type World } from "./world.js";

export interface ProviderContext {
  readonly cloud: SimulatedCloud;
  readonly sdk: Sdk;
  readonly world: World;
  /** The call that changes something, counted from 1 in the log, that fails. */
  readonly failAt: number | undefined;
  /** See `Place`. */
  readonly registry?: string | undefined;
  /** The provider's configuration, known when the first resource comes. */
  config(): Readonly<Record<string, string>>;
}

/** Output that holds the inputs: the SDK's server gives `diff` no more than the outputs. */
const inputsKey = "__inputs";

export function simulatedProvider({ cloud, sdk, world, failAt, registry, config }: ProviderContext) {
  const place = () => ({ ...cloud.place(config()), ...(registry === undefined ? {} : { registry }) });

  /** Logs the call, and fails it when its turn has come. */
  function begin(method: string, urn: string): void {
    const type = typeOf(urn);
    const fails = failAt !== undefined && world.mutations() + 1 === failAt;
    const error = fails ? cloud.failure(method, type) : undefined;
    world.log({ method, type, name: nameOf(urn), ...(error === undefined ? {} : { error }) });
    if (error !== undefined) throw new Error(error);
  }

  /** @throws Error with every reason why the cloud won't have it */
  function accept(type: string, inputs: Props): void {
    const rule = ruleOf(cloud, type);
    const failures = [
      ...missingReferences(rule, inputs, world),
      ...cloud.accept(type, inputs, world, place()),
      ...(rule.accept?.(inputs, world, place()) ?? []),
    ];
    if (failures.length > 0)
      throw new Error(failures.map(({ property, reason }) => `${property}: ${reason}`).join("\n"));
  }

  /** What the engine is told of a resource: the inputs as they came, with their secrets marked, and what the cloud adds. */
  function outputsOf(type: string, raw: Props, id: string): Record<string, unknown> {
    const inputs = plainProps(raw);
    const all: Record<string, unknown> = {
      ...defaultOutputs(sdk, type, id),
      ...cloud.outputs(type, inputs, place(), id),
      ...ruleOf(cloud, type).outputs?.(inputs, place(), id),
    };
    for (const [key, value] of Object.entries(raw)) all[key] ??= value;
    for (const key of Object.keys(raw)) if (holdsSecret(raw[key])) all[key] = raw[key];
    for (const key of sdk.schemaOf(type)?.secrets ?? [])
      if (all[key] !== undefined && !holdsSecret(all[key])) all[key] = asSecret(all[key]);
    // The wire has no `undefined`.
    return JSON.parse(JSON.stringify({ ...all, [inputsKey]: raw }));
  }

  function hold(urn: string, type: string, id: string, raw: Props, outs: Props, before?: Held): void {
    world.put({
      type,
      id,
      urn: before?.urn ?? urn,
      inputs: withoutSecrets(raw),
      outputs: withoutSecrets(outs),
      ...(before?.data ? { data: before.data } : {}),
    });
  }

  /** What has no name gets one from the plugin: that of the resource with some characters, and keeps it. */
  function withName(urn: string, olds: unknown, news: unknown): object {
    const given = isObject(news) ? news : {};
    const input = ruleOf(cloud, typeOf(urn)).name?.input;
    if (input === undefined || given[input] !== undefined) return given;
    const before = plainProps(olds)[input];
    if (typeof before === "string") return { ...given, [input]: before };
    const taken = world.ofType(typeOf(urn)).map(({ inputs }) => inputs[input]);
    const candidate = (time: number): string => {
      const name = cloud.autoname(nameOf(urn), hex(`${urn} ${time}`, 8));
      return taken.includes(name) ? candidate(time + 1) : name;
    };
    return { ...given, [input]: candidate(0) };
  }

  return {
    version: sdk.version,

    async check(urn: string, olds: unknown, given: unknown) {
      const type = typeOf(urn);
      const news = withName(urn, olds, given);
      const inputs = plainProps(news);
      const failures = [...sdk.check(type, inputs), ...checkName(ruleOf(cloud, type), inputs)];
      // Rules may rely on the SDK's types.
      if (failures.length === 0) failures.push(...(ruleOf(cloud, type).check?.(inputs, place()) ?? []));
      return { inputs: news, failures };
    },

    async diff(_id: string, urn: string, olds: unknown, news: unknown) {
      const rule = ruleOf(cloud, typeOf(urn));
      const [before, after] = [plainProps(plainProps(olds)[inputsKey]), plainProps(news)];
      const keys = new Set([...Object.keys(after), ...Object.keys(before)]);
      const changed = [...keys].filter((key) => canonical(before[key]) !== canonical(after[key]));
      const immutable = [...(rule.name ? [rule.name.input] : []), ...(rule.replaceOn ?? [])];
      const replaces = changed.filter((key) => immutable.includes(key));
      return { changes: changed.length > 0, replaces };
    },

    async create(urn: string, raw: unknown) {
      const type = typeOf(urn);
      begin("create", urn);
      const inputs = plainProps(raw);
      accept(type, inputs);
      const rule = ruleOf(cloud, type);
      const id = rule.id?.(inputs, place(), nameOf(urn)) ?? cloud.id(type, inputs, place(), nameOf(urn));
      const before = world.get(type, id);
      if (before && !rule.isSetting) throw new Error(cloud.duplicate(type, id));
      const outs = outputsOf(type, raw as Props, id);
      hold(urn, type, id, raw as Props, outs);
      return { id, outs };
    },

    async update(id: string, urn: string, _olds: unknown, raw: unknown) {
      const type = typeOf(urn);
      begin("update", urn);
      const before = world.get(type, id);
      if (!before) throw new Error(`${type} ${id} does not exist`);
      accept(type, plainProps(raw));
      const outs = outputsOf(type, raw as Props, id);
      hold(urn, type, id, raw as Props, outs, before);
      return { outs };
    },

    async delete(id: string, urn: string, _state: unknown) {
      const type = typeOf(urn);
      begin("delete", urn);
      const held = world.get(type, id);
      if (!held) return;
      const rule = ruleOf(cloud, type);
      const refusal = rule.refuseDelete?.(held, world);
      if (refusal !== undefined) throw new Error(refusal);
      for (const other of world.all()) if (rule.contains?.(held, other)) world.remove(other);
      world.remove(held);
    },

    async read(id: string, urn: string, state: unknown) {
      const type = typeOf(urn);
      world.log({ method: "read", type, name: nameOf(urn) });
      const held = world.get(type, id);
      if (!held) return { id: "", props: {} };
      // What is secret in the cloud is known to the engine; here it is only a hash.
      const known = isObject(state) ? state : {};
      const inputs = restored(held.inputs, known);
      return { id, props: { ...restored(held.outputs, known), [inputsKey]: inputs }, inputs };
    },

    async invoke(token: string, raw: unknown) {
      const args = plainProps(raw);
      world.log({ method: "invoke", type: token, name: "" });
      if (!sdk.hasFunction(token)) throw new Error(`the SDK has no function ${token}`);
      const call = cloud.functions[token];
      if (!call) throw new Error(`the simulated cloud has no answer to ${token}`);
      const { [inputsKey]: _, ...outputs } = call(args, world, place());
      return { outputs };
    },
  };
}

function ruleOf(cloud: SimulatedCloud, type: string): TypeRule {
  return cloud.rules[type] ?? {};
}

function typeOf(urn: string): string {
  // urn:pulumi:<stack>::<project>::<parent type>$<type>::<name>
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

function nameOf(urn: string): string {
  return urn.split("::").at(-1) ?? "";
}

function checkName({ name }: TypeRule, inputs: Props): Failure[] {
  const value = name && inputs[name.input];
  if (!name || typeof value !== "string") return [];
  const { input: property, pattern, min = 1, max } = name;
  if (value.length < min || value.length > max)
    return [{ property, reason: `'${value}' has ${value.length} characters: ${min} to ${max} are allowed` }];
  return pattern.test(value) ? [] : [{ property, reason: `'${value}' does not match ${pattern.source}` }];
}

function missingReferences({ refs = {} }: TypeRule, inputs: Props, world: World): Failure[] {
  return Object.entries(refs).flatMap(([property, types]) =>
    valuesAt(inputs, property)
      .filter((value) => value !== unknownValue && value !== "")
      .filter((value) => typeof value !== "string" || !world.named(types, value))
      .map((value) => ({
        property,
        reason: `'${String(value)}' is none of the ${types.join(", ")} that exist`,
      })),
  );
}

/** Texts for the outputs that look like names, so that a reference to one isn't undefined. */
function defaultOutputs(sdk: Sdk, type: string, id: string): Record<string, unknown> {
  const schema = sdk.schemaOf(type);
  const found = (schema?.outputs ?? []).filter(
    (key) => !schema?.inputs.has(key) && /(^|[a-z])(id|name|url|uri|endpoint|fingerprint)$/i.test(key),
  );
  return Object.fromEntries(found.map((key) => [key, `${id}.${key}`]));
}

function withoutSecrets(props: Props): Record<string, unknown> {
  const plainly = plainProps(props);
  return Object.fromEntries(
    Object.entries(props).map(([key, value]) => [
      key,
      holdsSecret(value) ? hashOf(plainly[key]) : plainly[key],
    ]),
  );
}

function restored(held: Props, known: Props): Record<string, unknown> {
  const plainly = plainProps(known);
  return Object.fromEntries(
    Object.entries(held).map(([key, value]) => [key, value === hashOf(plainly[key]) ? known[key] : value]),
  );
}
