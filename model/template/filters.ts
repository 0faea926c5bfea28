import { isTimezone } from "../cron/zone.js";
import {
  checkLength,
  formatInstant,
  Instant,
  isList,
  isMap,
  kindOf,
  parseDate,
  print,
  type Shift,
  shiftInstant,
  TemplateFailure,
  type TemplateValue,
  Undefined,
  type Value,
} from "./values.js";

export interface CallArguments {
  readonly positional: readonly TemplateValue[];
  readonly named: ReadonlyMap<string, TemplateValue>;
}
export type Filter = (value: TemplateValue, args: CallArguments) => TemplateValue;

function argument(args: CallArguments, index: number, name: string): TemplateValue | undefined {
  return args.positional[index] ?? args.named.get(name);
}

function textArgument(args: CallArguments, index: number, name: string, fallback?: string): string {
  const value = argument(args, index, name);
  if (value !== undefined) return print(value);
  if (fallback !== undefined) return fallback;
  throw new TemplateFailure(`the argument \`${name}\` is missing`);
}

function numberArgument(args: CallArguments, index: number, name: string, fallback: number): number {
  const value = argument(args, index, name) ?? fallback;
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isFinite(number)) {
    throw new TemplateFailure(`the argument \`${name}\` must be a number, not ${kindOf(value)}`);
  }
  return number;
}

/** The items of a list, the keys of a map, the characters of text. */
export function items(value: Value): readonly TemplateValue[] {
  if (isList(value)) return value;
  if (typeof value === "string") return [...value];
  if (isMap(value)) return Object.keys(value);
  throw new TemplateFailure(`${kindOf(value)} can't be gone through`);
}

export function compare(a: Value, b: Value): number {
  if (a instanceof Instant && b instanceof Instant) return a.ms - b.ms;
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  throw new TemplateFailure(`${kindOf(a)} can't be compared with ${kindOf(b)}`);
}

function toNumber(value: TemplateValue, fallback: TemplateValue): TemplateValue {
  if (typeof value === "boolean") return value ? 1 : 0;
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : fallback;
}

/** One word for a POSIX shell, whatever the text holds. */
export function shellQuote(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}

const shiftNames = ["years", "months", "weeks", "days", "hours", "minutes", "seconds"] as const;

function shift(value: TemplateValue, args: CallArguments): TemplateValue {
  for (const name of args.named.keys()) {
    if (!shiftNames.some((known) => known === name)) {
      throw new TemplateFailure(
        `\`shift\` has no argument \`${name}\``,
        undefined,
        `it takes ${shiftNames.join(", ")}`,
      );
    }
  }
  if (args.positional.length > 0)
    throw new TemplateFailure("name what to shift by", undefined, "such as `shift(days=-1)`");
  const amount = (name: keyof Shift): number => {
    const number = numberArgument(args, 0, name, 0);
    if (!Number.isInteger(number)) throw new TemplateFailure(`\`${name}\` must be a whole number`);
    return number;
  };
  const by: Shift = {
    years: amount("years"),
    months: amount("months"),
    weeks: amount("weeks"),
    days: amount("days"),
    hours: amount("hours"),
    minutes: amount("minutes"),
    seconds: amount("seconds"),
  };
  if (value instanceof Instant) return shiftInstant(value, by);
  const date = asInstant(value, "shift");
  // A date stays a date.
  return formatInstant(shiftInstant(date, by), "%Y-%m-%d");
}

/** A time, or a date such as `_today` holds. */
function asInstant(value: TemplateValue, filter: string): Instant {
  if (value instanceof Instant) return value;
  const date = typeof value === "string" ? parseDate(value) : null;
  if (date === null) {
    throw new TemplateFailure(
      `\`${filter}\` needs a time such as \`scheduled_at\`, or a date such as 2026-01-31, not ${kindOf(value)}`,
    );
  }
  return new Instant(date, "UTC");
}

const htmlEntities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "'": "&#39;",
  '"': "&#34;",
};
const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1).toLowerCase();
const text =
  (convert: (text: string) => TemplateValue): Filter =>
  (value) =>
    convert(print(value));

/** `default` and its short name `d` are the evaluator's: they alone see what is undefined. */
export const defaultFilters: ReadonlySet<string> = new Set(["default", "d"]);

const length: Filter = (value) => items(value).length;
const quote = text(shellQuote);
const escapeHtml = text((t) => t.replace(/[&<>'"]/g, (c) => htmlEntities[c] ?? c));
const format: Filter = (value, args) =>
  formatInstant(asInstant(value, "format"), textArgument(args, 0, "format"));

export const filters: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ["upper", text((t) => t.toUpperCase())],
  ["lower", text((t) => t.toLowerCase())],
  ["capitalize", text(capitalized)],
  ["title", text((t) => t.replace(/[\p{L}\p{N}']+/gu, capitalized))],
  ["trim", text((t) => t.trim())],
  ["string", text((t) => t)],
  ["safe", (value) => value],
  ["escape", escapeHtml],
  ["e", escapeHtml],
  ["quote", quote],
  ["shellquote", quote],
  ["safe_name", text(safeName)],
  [
    "urlencode",
    text((t) => encodeURIComponent(t.replace(/\p{Surrogate}/gu, "\ufffd")).replaceAll("%2F", "/")),
  ],
  ["basename", text((t) => t.replace(/\/+$/, "").split("/").at(-1) ?? "")],
  ["dirname", text((t) => /^(.*)\//s.exec(t.replace(/\/+$/, ""))?.[1] ?? "")],
  [
    "replace",
    (value, args) => replaceText(print(value), textArgument(args, 0, "old"), textArgument(args, 1, "new")),
  ],
  ["split", (value, args) => splitText(print(value), args)],
  ["join", (value, args) => joined(items(value), textArgument(args, 0, "d", ""))],
  ["length", length],
  ["count", length],
  ["first", (value) => items(value)[0] ?? null],
  ["last", (value) => items(value).at(-1) ?? null],
  ["list", (value) => items(value)],
  [
    "reverse",
    (value) => (typeof value === "string" ? [...value].reverse().join("") : [...items(value)].reverse()),
  ],
  ["sort", (value, args) => sorted(items(value), args)],
  ["unique", (value) => [...new Set(items(value))]],
  ["min", (value) => [...items(value)].sort(compare)[0] ?? null],
  ["max", (value) => [...items(value)].sort(compare).at(-1) ?? null],
  ["sum", (value) => items(value).reduce<number>((sum, item) => sum + Number(toNumber(item, 0)), 0)],
  ["int", (value, args) => integer(toNumber(value, argument(args, 0, "default") ?? 0))],
  ["float", (value, args) => toNumber(value, argument(args, 0, "default") ?? 0)],
  ["abs", (value) => Math.abs(Number(toNumber(value, 0)))],
  ["round", (value, args) => round(Number(toNumber(value, 0)), numberArgument(args, 0, "precision", 0))],
  [
    "tojson",
    (value) => JSON.stringify(value, (_, item) => (item instanceof Instant ? item.toString() : item)),
  ],
  ["shift", shift],
  ["format", format],
  ["strftime", format],
  ["date", (value) => formatInstant(asInstant(value, "date"), "%Y-%m-%d")],
  ["timestamp", (value) => Math.floor(asInstant(value, "timestamp").ms / 1000)],
  ["tz", (value, args) => inZone(asInstant(value, "tz"), textArgument(args, 0, "timezone"))],
]);

function integer(value: TemplateValue): TemplateValue {
  return typeof value === "number" ? Math.trunc(value) : value;
}

function round(value: number, precision: number): number {
  const factor = 10 ** Math.min(15, Math.max(-15, Math.trunc(precision)));
  return Math.round(value * factor) / factor;
}

function sorted(values: readonly TemplateValue[], args: CallArguments): TemplateValue {
  const result = [...values].sort(compare);
  return argument(args, 0, "reverse") === true ? result.reverse() : result;
}

function inZone(at: Instant, timezone: string): Instant {
  if (!isTimezone(timezone)) {
    throw new TemplateFailure(
      `unknown time zone \`${timezone}\``,
      undefined,
      "use an IANA name such as `Europe/Paris`",
    );
  }
  return new Instant(at.ms, timezone);
}

function replaceText(value: string, old: string, by: string): string {
  if (old === "") throw new TemplateFailure("`replace` can't replace empty text");
  checkLength(value.length + (value.split(old).length - 1) * by.length);
  return value.replaceAll(old, () => by);
}

function joined(values: readonly TemplateValue[], separator: string): string {
  const texts = values.map(print);
  checkLength(texts.reduce((sum, part) => sum + part.length + separator.length, 0));
  return texts.join(separator);
}

function splitText(value: string, args: CallArguments): TemplateValue {
  const separator = argument(args, 0, "sep");
  if (separator === undefined || separator === null) return value.split(/\s+/).filter((part) => part !== "");
  return value.split(print(separator));
}

/** Text fit for a file's name: other characters than letters, digits, `-`, `_` and `.` become `_`, as in 0.x. */
export function safeName(name: string): string {
  const safe = name.replace(/[^a-zA-Z0-9-_.]+/g, "_");
  // `..` would leave its folder, and a name that is too long can't be made.
  return /^\.*$/.test(safe) ? safe.replaceAll(".", "_") || "_" : safe.slice(0, 200);
}

const none: CallArguments = { positional: [], named: new Map() };
const asMethod = (name: string, args: CallArguments, value: TemplateValue): TemplateValue =>
  filters.get(name)?.(value, args) ?? null;

/** Python's methods that templates use. Anything else is undefined: there is no way to JavaScript's. */
export function callMethod(
  value: TemplateValue,
  name: string,
  args: CallArguments,
): TemplateValue | undefined {
  if (typeof value === "string") {
    if (["upper", "lower", "capitalize", "title", "replace", "split"].includes(name))
      return asMethod(name, args, value);
    if (name === "strip") return value.trim();
    if (name === "lstrip") return value.trimStart();
    if (name === "rstrip") return value.trimEnd();
    if (name === "startswith") return value.startsWith(textArgument(args, 0, "prefix"));
    if (name === "endswith") return value.endsWith(textArgument(args, 0, "suffix"));
    if (name === "join") return joined(items(argument(args, 0, "iterable") ?? []), value);
    return undefined;
  }
  if (value instanceof Instant) {
    if (name === "strftime" || name === "format") return format(value, args);
    if (name === "isoformat") return value.toString();
    if (name === "date") return asMethod("date", none, value);
    return undefined;
  }
  if (isMap(value)) {
    if (name === "items") return Object.entries(value);
    if (name === "keys") return Object.keys(value);
    if (name === "values") return Object.values(value);
    if (name === "get") {
      const key = textArgument(args, 0, "key");
      return Object.hasOwn(value, key) ? (value[key] ?? null) : (argument(args, 1, "default") ?? null);
    }
  }
  return undefined;
}

/** Tests after `is`. `defined` and `undefined` are the evaluator's. */
export const tests: ReadonlyMap<string, (value: Value, args: CallArguments) => boolean> = new Map<
  string,
  (value: Value, args: CallArguments) => boolean
>([
  ["none", (value) => value === null],
  ["string", (value) => typeof value === "string"],
  ["number", (value) => typeof value === "number"],
  ["boolean", (value) => typeof value === "boolean"],
  ["mapping", (value) => isMap(value)],
  ["sequence", (value) => isList(value) || typeof value === "string"],
  ["iterable", (value) => isList(value) || isMap(value) || typeof value === "string"],
  ["true", (value) => value === true],
  ["false", (value) => value === false],
  ["even", (value) => typeof value === "number" && value % 2 === 0],
  ["odd", (value) => typeof value === "number" && Math.abs(value % 2) === 1],
  [
    "divisibleby",
    (value, args) => typeof value === "number" && value % numberArgument(args, 0, "num", 1) === 0,
  ],
  ["eq", (value, args) => equal(value, argument(args, 0, "other") ?? null)],
  ["equalto", (value, args) => equal(value, argument(args, 0, "other") ?? null)],
  ["ne", (value, args) => !equal(value, argument(args, 0, "other") ?? null)],
  ["in", (value, args) => contains(argument(args, 0, "seq") ?? [], value)],
]);

export function equal(a: Value, b: Value): boolean {
  if (a instanceof Instant && b instanceof Instant) return a.ms === b.ms;
  if (isList(a) && isList(b)) return a.length === b.length && a.every((item, i) => equal(item, b[i] ?? null));
  return a === b;
}

export function contains(container: Value, item: Value): boolean {
  if (container instanceof Undefined) return false;
  if (typeof container === "string") return container.includes(print(item));
  return items(container).some((candidate) => equal(candidate, item));
}
