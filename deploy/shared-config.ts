/**
 * Settings that all stacks of a repository share: `config` of Pulumi.yaml, read and put under a stack's own the way the
 * Pulumi engine does it, so that `handoff plan` and `pulumi up` see the same.
 */
import type { Diagnostic, Location } from "../model/diagnostic.js";
import { isMap, type YamlFile } from "./yaml-file.js";

export interface SharedSetting {
  /** In full, such as `aws:region`; what follows the namespace may be a path into a map, as in `handoff:tags.team`. */
  readonly key: string;
  readonly value: unknown;
  readonly location: Location | undefined;
}

export interface SharedConfig {
  /** In the order in which the engine takes them. */
  readonly settings: readonly SharedSetting[];
  /** What the engine would refuse, and secrets in plain text. */
  readonly diagnostics: readonly Diagnostic[];
}

/** @param project name in Pulumi.yaml: the namespace of keys that have none. */
export function readSharedConfig({ data, locate }: YamlFile, project: string): SharedConfig {
  const settings: SharedSetting[] = [];
  const diagnostics: Diagnostic[] = [];
  // A text is an old name for `stackConfigDir`.
  const config = isMap(data.config) ? data.config : {};
  for (const written of Object.keys(config).sort()) {
    const key = written.includes(":") ? written : `${project}:${written}`;
    const location = locate(["config", written]);
    const found = sharedValue(key, config[written], project);
    if ("value" in found) {
      if (found.value !== undefined) settings.push({ key, value: found.value, location });
      continue;
    }
    const place = location ? { location } : {};
    diagnostics.push({ severity: "error", code: "invalid-setting", ...found.problem, ...place });
  }
  return { settings, diagnostics };
}

type Found = { readonly value: unknown } | { readonly problem: Pick<Diagnostic, "message" | "hint"> };

const declarationKeys = ["type", "items", "description", "secret", "default", "value"];

/** A text, whole number, boolean or list is a value; a map declares one. */
function sharedValue(key: string, written: unknown, project: string): Found {
  if (/^handoff:secrets\b/.test(key)) {
    return {
      problem: {
        message: `\`${key}\` in Pulumi.yaml would be plain text, and every stack's`,
        hint: "each stack has its own, encrypted: handoff secrets set KEY -s STACK",
      },
    };
  }
  if (!isMap(written)) {
    if (written !== null && (typeof written !== "number" || Number.isInteger(written)))
      return { value: written };
    return {
      problem: {
        message: `\`${key}\` in Pulumi.yaml is neither a text nor a whole number, true, false, a list or \`{value: …}\``,
        hint: `write ${key}: some-text, or remove the key`,
      },
    };
  }
  const stray = Object.keys(written).filter((name) => !declarationKeys.includes(name));
  const ownKey = key.startsWith(`${project}:`);
  if (stray.length > 0) {
    return {
      problem: {
        message: `\`${key}\` is a map, which Pulumi.yaml takes below \`value\``,
        hint: `write ${key}: {value: {${stray.join(": …, ")}: …}}`,
      },
    };
  }
  if (
    !ownKey &&
    (written.default !== undefined || written.type !== undefined || written.value === undefined)
  ) {
    return {
      problem: {
        message: `\`${key}\` in Pulumi.yaml needs a \`value\`, and neither \`default\` nor \`type\`, which are for keys of ${project}`,
        hint: `write ${key}: {value: …}`,
      },
    };
  }
  return { value: written.default ?? written.value };
}

/**
 * A stack's config with the shared settings that it lacks. A stack's own value stands as it is, a map too: only a shared key
 * that is a path goes into a map of the stack.
 */
export function withShared(
  own: Readonly<Record<string, unknown>>,
  shared: readonly SharedSetting[],
): Record<string, unknown> {
  const merged = { ...own };
  for (const { key, value } of shared) {
    const [root, ...path] = settingPath(key);
    merged[root] = path.length === 0 ? (merged[root] ?? value) : setMissing(merged[root], path, value);
  }
  return merged;
}

/** `into` with `value` at `path`, unless there is something. */
function setMissing(into: unknown, path: readonly string[], value: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return into ?? value;
  const map = into ?? {};
  return isMap(map) ? { ...map, [first]: setMissing(map[first], rest, value) } : into;
}

/** The setting, and the path in its value: `handoff:tags["cost.centre"]` is `handoff:tags` and `cost.centre`. */
export function settingPath(key: string): [root: string, ...path: string[]] {
  const namespace = key.slice(0, key.lastIndexOf(":") + 1);
  const [root = "", ...path] = [
    ...key.slice(namespace.length).matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g),
  ].map(([, quoted, index, name]) => quoted?.replaceAll(/\\(.)/g, "$1") ?? index ?? name ?? "");
  return [namespace.replace(/:config:$/, ":") + root, ...path];
}
