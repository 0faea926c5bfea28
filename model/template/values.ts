import { fromLocal, offsetAt, toLocal } from "../cron/zone.js";

/**
 * What a scope may hold. Objects are read by their own properties alone, and there is no way to a function: a template
 * can't reach a constructor, a prototype, or anything of the process.
 */
export type TemplateValue =
  | string
  | number
  | boolean
  | null
  | Instant
  | readonly TemplateValue[]
  | { readonly [name: string]: TemplateValue };

/** A moment on the clock of a time zone; prints as ISO 8601 with its offset. */
export class Instant {
  readonly ms: number;
  readonly timezone: string;
  constructor(ms: number, timezone: string) {
    this.ms = ms;
    this.timezone = timezone;
  }

  toString(): string {
    return formatInstant(this, this.timezone === "UTC" ? "%Y-%m-%dT%H:%M:%SZ" : "%Y-%m-%dT%H:%M:%S%:z");
  }
}

/** A name that the scope doesn't have; `label` is how the author wrote it. */
export class Undefined {
  readonly label: string;
  readonly offset: number;
  constructor(label: string, offset: number) {
    this.label = label;
    this.offset = offset;
  }
}

export type Value = TemplateValue | Undefined;

/** Something went wrong while rendering: the wrong kind of value, or a limit. */
export class TemplateFailure extends Error {
  /** Set by the evaluator when the thrower doesn't know it. */
  offset: number | undefined;
  readonly hint: string | undefined;
  constructor(message: string, offset?: number, hint?: string) {
    super(message);
    this.offset = offset;
    this.hint = hint;
  }
}

/** Characters of any text that a rendering makes. */
const maxText = 16 * 1024 * 1024;

/** Refuses a text before it is made: filters ask with the length that it would have. */
export function checkLength(length: number): void {
  if (length > maxText) {
    throw new TemplateFailure(
      `the template makes a text of more than ${maxText.toLocaleString("en")} characters`,
    );
  }
}

const weights = new WeakMap<object, number>();

/**
 * Refuses lists whose print would be too long. A list may hold another one twice, and that one too, so what a few
 * `set`s make can print as more than any memory holds.
 */
export function weigh(value: TemplateValue): number {
  if (typeof value === "string") return value.length + 4;
  if (value === null || typeof value !== "object" || value instanceof Instant) return 32;
  const known = weights.get(value);
  if (known !== undefined) return known;
  let weight = 4;
  for (const [key, item] of Object.entries(value)) weight += key.length + weigh(item);
  checkLength(weight);
  weights.set(value, weight);
  return weight;
}

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = "January February March April May June July August September October November December".split(
  " ",
);
const dayMs = 86_400_000;

export const isList = (value: Value): value is readonly TemplateValue[] => Array.isArray(value);

export function isMap(value: Value): value is { readonly [name: string]: TemplateValue } {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Instant) &&
    !(value instanceof Undefined)
  );
}

export function kindOf(value: Value): string {
  if (value === null) return "none";
  if (value instanceof Instant) return "a time";
  if (value instanceof Undefined) return "undefined";
  if (isList(value)) return "a list";
  if (typeof value === "object") return "a map";
  return typeof value === "string" ? "text" : `a ${typeof value}`;
}

/** As Jinja prints it: `True`, `None`, `['a', 1]`. */
export function print(value: Value): string {
  if (typeof value === "string") return value;
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return String(value);
  if (value instanceof Instant) return value.toString();
  if (value instanceof Undefined) return "";
  if (isList(value)) return `[${value.map(quoted).join(", ")}]`;
  return `{${Object.entries(value)
    .map(([key, item]) => `${quoted(key)}: ${quoted(item)}`)
    .join(", ")}}`;
}

function quoted(value: TemplateValue): string {
  return typeof value === "string"
    ? `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`
    : print(value);
}

export function truthy(value: Value): boolean {
  if (value instanceof Undefined || value === null) return false;
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

const datePattern = /^(\d{4})-(\d{2})-(\d{2})$/;

/** The date that text such as `2026-11-21` names, as local milliseconds; null when it names none. */
export function parseDate(text: string): number | null {
  const match = datePattern.exec(text);
  if (!match) return null;
  const ms = Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3]));
  return new Date(ms).toISOString().startsWith(text) ? ms : null;
}

export interface Shift {
  readonly years: number;
  readonly months: number;
  readonly weeks: number;
  readonly days: number;
  readonly hours: number;
  readonly minutes: number;
  readonly seconds: number;
}

/** Years to days move the date on the zone's clock and keep its time of day; the rest is elapsed time. */
export function shiftInstant(at: Instant, by: Shift): Instant {
  const local = toLocal(at.timezone, at.ms);
  const date = new Date(local);
  const month = date.getUTCMonth() + by.months + by.years * 12;
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), month + 1, 0)).getUTCDate();
  const timeOfDay = local - Math.floor(local / dayMs) * dayMs;
  const moved =
    Date.UTC(date.getUTCFullYear(), month, Math.min(date.getUTCDate(), lastDay)) +
    (by.days + by.weeks * 7) * dayMs +
    timeOfDay;
  const elapsed = by.hours * 3_600_000 + by.minutes * 60_000 + by.seconds * 1000;
  inRange(moved);
  const ms = (moved === local ? at.ms : fromLocal(at.timezone, moved)) + elapsed;
  inRange(ms);
  return new Instant(ms, at.timezone);
}

/** Years 6 to 9986: far enough for any pipeline, and what every date format can print. */
function inRange(ms: number): void {
  // False for NaN as well.
  if (!(ms > -62_000_000_000_000 && ms < 253_000_000_000_000)) {
    throw new TemplateFailure("the shifted time is out of range");
  }
}

/** `strftime` in English; see docs/templates.md for the directives. */
export function formatInstant(at: Instant, format: string): string {
  const local = new Date(toLocal(at.timezone, at.ms));
  const two = (n: number): string => String(n).padStart(2, "0");
  const offset = Math.trunc(offsetAt(at.timezone, at.ms) / 60_000);
  const sign = offset < 0 ? "-" : "+";
  const offsetHours = two(Math.trunc(Math.abs(offset) / 60));
  const offsetMinutes = two(Math.abs(offset) % 60);
  const startOfYear = Date.UTC(local.getUTCFullYear(), 0, 1);
  const dayOfYear = Math.floor((local.getTime() - startOfYear) / dayMs) + 1;
  const isoDay = local.getUTCDay() || 7;
  // The week belongs to the year that its Thursday is in.
  const thursday = new Date(local.getTime() + (4 - isoDay) * dayMs);
  const isoWeek =
    Math.floor((thursday.getTime() - Date.UTC(thursday.getUTCFullYear(), 0, 1)) / dayMs / 7) + 1;
  const year = String(local.getUTCFullYear()).padStart(4, "0");
  const date = `${year}-${two(local.getUTCMonth() + 1)}-${two(local.getUTCDate())}`;
  const time = `${two(local.getUTCHours())}:${two(local.getUTCMinutes())}:${two(local.getUTCSeconds())}`;
  const month = months[local.getUTCMonth()] ?? "";
  const day = days[local.getUTCDay()] ?? "";
  const directives: Readonly<Record<string, string>> = {
    Y: year,
    m: two(local.getUTCMonth() + 1),
    d: two(local.getUTCDate()),
    H: two(local.getUTCHours()),
    M: two(local.getUTCMinutes()),
    S: two(local.getUTCSeconds()),
    y: year.slice(-2),
    j: String(dayOfYear).padStart(3, "0"),
    I: two(local.getUTCHours() % 12 || 12),
    p: local.getUTCHours() < 12 ? "AM" : "PM",
    f: `${String(local.getUTCMilliseconds()).padStart(3, "0")}000`,
    e: String(local.getUTCDate()).padStart(2, " "),
    B: month,
    b: month.slice(0, 3),
    A: day,
    a: day.slice(0, 3),
    u: String(isoDay),
    w: String(local.getUTCDay()),
    V: two(isoWeek),
    G: String(thursday.getUTCFullYear()),
    F: date,
    T: time,
    z: `${sign}${offsetHours}${offsetMinutes}`,
    ":z": `${sign}${offsetHours}:${offsetMinutes}`,
    Z: at.timezone,
    s: String(Math.floor(at.ms / 1000)),
    "%": "%",
  };
  return format.replace(/%(:z|[\s\S]|$)/g, (whole: string, directive: string) => {
    const text = Object.hasOwn(directives, directive) ? directives[directive] : undefined;
    if (text === undefined)
      throw new TemplateFailure(`\`${whole}\` is no date directive`, undefined, "such as %Y-%m-%d or %H:%M");
    return text;
  });
}
