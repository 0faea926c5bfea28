import { asText, type Context, isRawMap, mapsOf } from "./context.js";
import { identifierPattern } from "./schema-rules.js";
import type { DocumentPath } from "./yaml.js";

export interface Entry {
  readonly key: string;
  /** Undefined: the key has no value. */
  readonly value: string | undefined;
  readonly path: DocumentPath;
}

/** `vars` and `envs`: a map, or a list of `{key, value}`. */
export function readEntries(raw: unknown, path: DocumentPath, context: Context): Entry[] {
  const entries = isRawMap(raw)
    ? Object.entries(raw).map(([key, value]) => {
        const at = [...path, key];
        return { key, value: valueText(value, at, context), path: at, keyPath: at };
      })
    : mapsOf(raw, path).flatMap(({ item, path: at }) => {
        const key = asText(item.key, [...at, "key"], context);
        if (key === undefined) return [];
        const valuePath = [...at, "value"];
        const value = valueText(item.value, valuePath, context);
        return [
          { key, value, path: value === undefined ? [...at, "key"] : valuePath, keyPath: [...at, "key"] },
        ];
      });
  const seen = new Map<string, DocumentPath>();
  const result: Entry[] = [];
  for (const { key, value, path: at, keyPath } of entries) {
    checkIdentifier(key, keyPath, context);
    const first = seen.get(key);
    if (first) {
      context.report.strict(keyPath, {
        code: "duplicate-key",
        message: `\`${key}\` is here twice; the first is on line ${context.report.locate(first).line}`,
        hint: "Remove one of the two; the last one counts.",
      });
    } else seen.set(key, keyPath);
    result.push({ key, value, path: at });
  }
  return result;
}

/** A list or a map as a value is reported by the shape check; it isn't a missing value besides. */
function valueText(raw: unknown, path: DocumentPath, context: Context): string | undefined {
  return raw !== null && typeof raw === "object" ? "" : asText(raw, path, context);
}

function checkIdentifier(key: string, path: DocumentPath, context: Context): void {
  if (identifierPattern.test(key)) return;
  const finding = {
    code: "invalid-name",
    message: `\`${key}\` can't be the name of a variable`,
    hint: "Start with a letter or `_`, and go on with letters, digits and `_`.",
    key: true,
  };
  // `=` and NUL can't be in an environment at all, and an empty name names nothing.
  if (key === "" || /[=\0]/.test(key)) context.report.error(path, finding);
  else context.report.strict(path, finding);
}

/** Values by name, the last of a name winning; entries without a value are left out. */
export function toRecord(entries: readonly Entry[]): Record<string, string> {
  const record: Record<string, string> = {};
  for (const { key, value } of entries) {
    if (value !== undefined && key !== "__proto__") record[key] = value;
  }
  return record;
}

/** Reads variables of a place other than the top, where each must have a value. */
export function readValued(raw: unknown, path: DocumentPath, context: Context): Record<string, string> {
  const entries = readEntries(raw, path, context);
  for (const { key, value, path: at } of entries) {
    if (value !== undefined) {
      context.templates.push({ path: at, text: value, extra: [] });
      continue;
    }
    context.report.strict(at, {
      code: "missing-value",
      message: `\`${key}\` has no value`,
      hint: 'Give it one, or `""` for an empty text. Only the project\'s own `envs` can come from secrets.',
      key: true,
    });
  }
  return toRecord(entries);
}
