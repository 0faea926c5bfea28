/**
 * What a zone's wall clock shows, by `Intl` alone: written for the interpreters, sharing nothing with `model/cron`.
 * A wall time is written as milliseconds, as if the clock were UTC's.
 */

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** A stretch of time in which the clock isn't changed. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly offset: number;
}

/** A change of the clock. A gap skips the wall times from `wallFrom` to `wallTo`; a fold shows them twice. */
export interface Change {
  readonly kind: "gap" | "fold";
  readonly instant: number;
  readonly wallFrom: number;
  readonly wallTo: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const made = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
    hourCycle: "h23",
  });
  formats.set(zone, made);
  return made;
}

/** Milliseconds that the clock is ahead of UTC. */
function offsetAt(zone: string, instant: number): number {
  const parts = formatOf(zone).formatToParts(instant);
  const value = (type: string): number => Number(parts.find((part) => part.type === type)?.value);
  const wall = Date.UTC(
    value("year"),
    value("month") - 1,
    value("day"),
    value("hour"),
    value("minute"),
    value("second"),
  );
  return wall - Math.floor(instant / 1000) * 1000;
}

/** A zone's clock over a window of time, with a day to spare on both sides. */
export class Clock {
  readonly #stretches: readonly Stretch[];

  constructor(zone: string, from: number, to: number) {
    const stretches: Stretch[] = [];
    const end = to + 2 * day;
    let start = from - 2 * day;
    let offset = offsetAt(zone, start);
    // No zone changes its clock twice within twelve hours.
    for (let at = start; at < end; at += 12 * hour) {
      const next = Math.min(at + 12 * hour, end);
      const later = offsetAt(zone, next);
      if (later === offset) continue;
      const change = firstWithAnother(zone, offset, at, next);
      stretches.push({ from: start, to: change, offset });
      start = change;
      offset = later;
    }
    stretches.push({ from: start, to: end, offset });
    this.#stretches = stretches;
  }

  /** The instants at which the clock shows a wall time: none in a gap, two in a fold. */
  instantsOf(wall: number): number[] {
    const found: number[] = [];
    for (const { from, to, offset } of this.#stretches) {
      const instant = wall - offset;
      if (instant >= from && instant < to) found.push(instant);
    }
    return found;
  }

  /** When a wall time in a gap would have come, had the clock not been changed. */
  asIfUnchanged(wall: number): number {
    const before = this.#stretches.findLast(({ to, offset }) => wall - offset >= to);
    if (!before) throw new Error("the wall time is in no gap of the window");
    return wall - before.offset;
  }

  /** Wall midnights of the days that the clock shows between two instants. */
  days(from: number, to: number): number[] {
    const wall = (instant: number): number => {
      const stretch = this.#stretches.find((one) => instant >= one.from && instant < one.to);
      return instant + (stretch?.offset ?? 0);
    };
    const days: number[] = [];
    // Where the clock changes at midnight, a time of the day before or after can fall into the window.
    const last = Math.floor(wall(to) / day) * day + day;
    for (let at = Math.floor(wall(from) / day) * day - day; at <= last; at += day) days.push(at);
    return days;
  }

  changes(): Change[] {
    return this.#stretches.slice(1).map((after, index): Change => {
      const before = this.#stretches[index] ?? after;
      const walls = [after.from + before.offset, after.from + after.offset];
      return {
        kind: after.offset > before.offset ? "gap" : "fold",
        instant: after.from,
        wallFrom: Math.min(...walls),
        wallTo: Math.max(...walls),
      };
    });
  }
}

/** The first minute in (from, to] that has not this offset. */
function firstWithAnother(zone: string, offset: number, from: number, to: number): number {
  let low = from;
  let high = to;
  while (high - low > minute) {
    const middle = low + Math.floor((high - low) / 2 / minute) * minute;
    if (offsetAt(zone, middle) === offset) low = middle;
    else high = middle;
  }
  return high;
}

const clocks = new Map<string, Clock>();

/** The clock of a zone in a window, made once. */
export function clockOf(zone: string, from: number, to: number): Clock {
  const key = `${zone} ${from} ${to}`;
  const known = clocks.get(key);
  if (known) return known;
  const made = new Clock(zone, from, to);
  clocks.set(key, made);
  return made;
}

/** All changes of a zone's clock between two instants. */
export function changesBetween(zone: string, from: number, to: number): Change[] {
  return clockOf(zone, from, to)
    .changes()
    .filter(({ instant }) => instant >= from && instant <= to);
}
