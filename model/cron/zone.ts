import { nearest } from "../nearest.js";

/** What a zone's clock shows, written as if it were UTC: milliseconds since 1970. */
export type LocalMs = number;

interface Zone {
  readonly format: Intl.DateTimeFormat;
  /** Offset of a quarter of an hour that was asked for before: zones change on its edges. */
  readonly offsets: Map<number, number>;
}

const zones = new Map<string, Zone>();
const quarter = 900_000;
/** What a `Date` can hold. Within it UTC needs no `Intl`, whose loading costs a short run a tenth of its time. */
const maxInstant = 8_640_000_000_000_000;

function zone(timezone: string): Zone {
  const known = zones.get(timezone);
  if (known) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: timezone,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    era: "short",
  });
  const made: Zone = { format, offsets: new Map() };
  zones.set(timezone, made);
  return made;
}

/**
 * What `timezone`'s clock is ahead of UTC at an instant, in milliseconds.
 * @throws RangeError for an unknown zone, or an instant that no `Date` can hold
 */
export function offsetAt(timezone: string, instant: number): number {
  if (timezone === "UTC" && Math.abs(instant) <= maxInstant) return 0;
  const { format, offsets } = zone(timezone);
  const slot = Math.floor(instant / quarter);
  const known = offsets.get(slot);
  if (known !== undefined) return known;
  const at = slot * quarter;
  const part: Record<string, string> = {};
  for (const { type, value } of format.formatToParts(at)) part[type] = value;
  const year = part.era?.startsWith("B") ? 1 - Number(part.year) : Number(part.year);
  const local = Date.UTC(
    2000,
    Number(part.month) - 1,
    Number(part.day),
    Number(part.hour),
    Number(part.minute),
    Number(part.second),
  );
  const offset = new Date(local).setUTCFullYear(year, Number(part.month) - 1, Number(part.day)) - at;
  if (offsets.size >= 10_000) offsets.clear();
  offsets.set(slot, offset);
  return offset;
}

/** What the clock of `timezone` shows at an instant. */
export function toLocal(timezone: string, instant: number): LocalMs {
  return instant + offsetAt(timezone, instant);
}

/** First instant in (from, to] with another offset than `from` has; there must be one. */
export function transition(timezone: string, from: number, to: number): number {
  const before = offsetAt(timezone, from);
  let low = Math.floor(from / quarter);
  let high = Math.ceil(to / quarter);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(timezone, middle * quarter) === before) low = middle;
    else high = middle;
  }
  return high * quarter;
}

/** True for every IANA zone and alias that this runtime knows: `Europe/Paris`, `UTC`, `US/Eastern`. */
export function isTimezone(name: string): boolean {
  if (zones.has(name)) return true;
  // Offsets such as `+02:00` are accepted by newer runtimes and by no cloud.
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name) || name.length > 64) return false;
  try {
    zone(name);
    return true;
  } catch {
    return false;
  }
}

/** The known zone whose name is nearest to a misspelt one, by edits, also of its last part alone; null: none is near. */
export function nearestTimezone(name: string): string | null {
  const known = [...Intl.supportedValuesOf("timeZone"), "UTC"];
  const byCity = known.find((zoneName) =>
    zoneName.toLowerCase().endsWith(`/${name.trim().toLowerCase().replaceAll(" ", "_")}`),
  );
  return byCity ?? nearest(name, known) ?? null;
}

/** The instant at which the clock shows `local`: the first of two, or as far behind a gap as `local` is into it. */
export function fromLocal(timezone: string, local: LocalMs): number {
  const before = local - offsetAt(timezone, local - 15 * 3_600_000);
  if (toLocal(timezone, before) === local) return before;
  const after = local - offsetAt(timezone, local + 15 * 3_600_000);
  return toLocal(timezone, after) === local ? after : before;
}
