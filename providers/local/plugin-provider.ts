/** Pulumi's provider protocol over the kinds of resources: check, diff, create, read, update, delete. */
import { code } from "./plugin-code.js";
import { image } from "./plugin-image.js";
import type { PluginContext, ResourceKind } from "./plugin-kind.js";
import { job, schedule, trigger } from "./plugin-records.js";
import { secret } from "./plugin-secret.js";
import { store } from "./plugin-store.js";
import { asSecret, isUnknown, type Props, plainProps, sameValue } from "./plugin-values.js";
import { venvs } from "./plugin-venvs.js";

export const kinds: Readonly<Record<string, ResourceKind>> = {
  "handoff:local:Code": code,
  "handoff:local:Venvs": venvs,
  "handoff:local:Image": image,
  "handoff:local:Secret": secret,
  "handoff:local:Store": store,
  "handoff:local:Job": job,
  "handoff:local:Schedule": schedule,
  "handoff:local:Trigger": trigger,
};

/** The provider, given where it works. Satisfies `Provider` of @pulumi/pulumi/provider. */
export function localProvider(context: PluginContext, version: string) {
  const described = (kind: ResourceKind, inputs: Props, outputs: Props): Record<string, unknown> => {
    const all: Record<string, unknown> = { ...inputs, ...outputs };
    for (const key of kind.secrets ?? []) if (key in all) all[key] = asSecret(all[key]);
    return all;
  };

  return {
    version,

    async check(urn: string, _olds: unknown, news: unknown) {
      const kind = kindOf(urn);
      const known = Object.fromEntries(
        Object.entries(plainProps(news)).filter(([, value]) => !isUnknown(value)),
      );
      const failures = await kind.check(known, context);
      if (failures.length > 0) return { inputs: news, failures };
      return { inputs: { ...(news as object), ...kind.derived?.(known, context) }, failures };
    },

    async diff(_id: string, urn: string, olds: unknown, news: unknown) {
      const kind = kindOf(urn);
      const [before, after] = [plainProps(olds), plainProps(news)];
      const ignored = new Set(["path", ...(kind.ignore ?? [])]);
      const changed = Object.keys({ ...after })
        .filter((key) => !ignored.has(key))
        .filter((key) => !sameValue(before[key], after[key]));
      // An input that was left out is a change too; what only outputs have isn't.
      const gone = inputKeys(before).filter(
        (key) => !(key in after) && !ignored.has(key) && before[key] != null,
      );
      const replaces = changed.filter((key) => kind.replaceOn.includes(key));
      // HANDOFF_HOME moved: made there, then removed from where it was.
      if (replaces.length === 0 && before.path !== kind.path(after, context)) replaces.push("path");
      return { changes: changed.length + gone.length + replaces.length > 0, replaces };
    },

    async create(urn: string, inputs: unknown) {
      const kind = kindOf(urn);
      const props = plainProps(inputs);
      const path = kind.path(props, context);
      const outputs = await kind.write(props, path, context);
      return { id: idOf(urn, props), outs: described(kind, props, { ...outputs, ...own(props, path) }) };
    },

    async update(_id: string, urn: string, _olds: unknown, news: unknown) {
      const kind = kindOf(urn);
      const props = plainProps(news);
      const path = kind.path(props, context);
      const outputs = await kind.write(props, path, context);
      return { outs: described(kind, props, { ...outputs, ...own(props, path) }) };
    },

    async read(id: string, urn: string, state: unknown) {
      const kind = kindOf(urn);
      const before = plainProps(state);
      const path = typeof before.path === "string" ? before.path : undefined;
      if (path === undefined)
        throw new Error("import of existing resources is not supported: run an update, which adopts them");
      const found = await kind.read(before, path, context);
      if (!found) return { id: "", props: {} };
      const computed = Object.fromEntries(
        Object.entries(before).filter(([key]) => !inputKeys(before).includes(key)),
      );
      return { id, props: described(kind, found, { ...computed, ...own(found, path) }) };
    },

    async delete(_id: string, urn: string, state: unknown) {
      const props = plainProps(state);
      const kind = kindOf(urn);
      await kind.remove(
        props,
        typeof props.path === "string" ? props.path : kind.path(props, context),
        context,
      );
    },
  };
}

/** Which of a state's properties are inputs is kept in the state: the engine gives a plugin only the outputs. */
function own(inputs: Props, path: string): Props {
  return { path, inputNames: Object.keys(inputs).sort() };
}

function inputKeys(state: Props): string[] {
  return Array.isArray(state.inputNames) ? state.inputNames.filter((key) => typeof key === "string") : [];
}

function kindOf(urn: string): ResourceKind {
  // urn:pulumi:<stack>::<project>::<parent type>$<type>::<name>
  const type = urn.split("::")[2]?.split("$").at(-1) ?? "";
  const kind = kinds[type];
  if (!kind) throw new Error(`${type} is not a resource of the local platform`);
  return kind;
}

/** Ids only have to be unique and readable: what and whose it is. */
function idOf(urn: string, inputs: Props): string {
  const type = urn.split("::")[2]?.split(":").at(-1) ?? "";
  const name = inputs.name ?? inputs.key ?? inputs.contentHash ?? "";
  return [inputs.deployment, type.toLowerCase(), name].filter((part) => part !== "").join("/");
}
