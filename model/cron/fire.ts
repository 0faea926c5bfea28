import type { Cron } from "./parse.js";
import { offsetAt, toLocal, transition } from "./zone.js";

/*
 * Where the clocks change, as cron daemons do it:
 *   - An expression that fires in every hour follows real time: nothing is moved, and the repeated hour fires again.
 *   - Any other: a time that the clocks skip fires once at the first moment after the gap, a time that is shown twice
 *     fires the first time only.
 * croner, which was meant to do this, repeats `0,30 2 * * *` in the fold and `30 2 * * *` not; hence our own.
 */

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;
/** No two fires of one expression are further apart: 29 February around a century that is no leap year. */
const searchYears = 9;

/** Whether the expression fires on a day of the calendar, given as midnight in UTC. */
function dayMatches(cron: Cron, day: Date): boolean {
  if (!cron.months.includes(day.getUTCMonth() + 1)) return false;
  if (cron.years && !cron.years.includes(day.getUTCFullYear())) return false;
  const dom = cron.daysOfMonth.includes(day.getUTCDate());
  const dow = cron.daysOfWeek.includes(day.getUTCDay());
  if (cron.daysOfMonthRestricted && cron.daysOfWeekRestricted) return dom || dow;
  return dom && dow;
}

/** Fires whose date on the zone's clock is `day` (a local midnight), in order; none when the day isn't wanted. */
function firesOfDay(
  cron: Cron,
  timezone: string,
  day: number,
  wanted: (first: number, last: number) => boolean,
): number[] {
  // Offsets are between -12 and +14 hours: what the clock does on this day lies within these two instants.
  const from = day - 15 * hourMs;
  const to = day + dayMs + 13 * hourMs;
  const before = offsetAt(timezone, from);
  const after = offsetAt(timezone, to);
  if (before === after && !wanted(day - before, day - before + dayMs)) return [];
  const times: number[] = [];
  for (const hour of cron.hours) {
    for (const minute of cron.minutes) times.push(day + hour * hourMs + minute * minuteMs);
  }
  if (before === after) return times.map((time) => time - before);
  const everyHour = cron.hours.length === 24;
  const change = transition(timezone, from, to);
  const fires = new Set<number>();
  for (const time of times) {
    const first = time - before;
    const second = time - after;
    const real = [first, second].filter((instant) => toLocal(timezone, instant) === time);
    if (real.length === 0) {
      if (!everyHour) fires.add(change);
    } else if (everyHour) {
      for (const instant of real) fires.add(instant);
    } else {
      fires.add(Math.min(...real));
    }
  }
  return [...fires].sort((a, b) => a - b);
}

/** Local midnights of the days that match, from `start` in `direction`, until the search is hopeless, or after the year `until`. */
function* matchingDays(cron: Cron, start: number, direction: 1 | -1, until?: number): Generator<number> {
  const startYear = new Date(start).getUTCFullYear();
  const years = cron.years;
  const farYear = years
    ? direction === 1
      ? (years.at(-1) ?? startYear)
      : (years[0] ?? startYear)
    : (until ?? startYear + direction * searchYears);
  let day = start;
  for (;;) {
    const date = new Date(day);
    const year = date.getUTCFullYear();
    const month = date.getUTCMonth();
    if (direction === 1 ? year > farYear : year < farYear) return;
    if (years && !years.includes(year)) {
      const next = direction === 1 ? years.find((y) => y > year) : years.findLast((y) => y < year);
      if (next === undefined) return;
      day = direction === 1 ? Date.UTC(next, 0, 1) : Date.UTC(next, 11, 31);
    } else if (!cron.months.includes(month + 1)) {
      day = direction === 1 ? Date.UTC(year, month + 1, 1) : Date.UTC(year, month, 0);
    } else {
      if (dayMatches(cron, date)) yield day;
      day += direction * dayMs;
    }
  }
}

/** Whole minutes: the least fire at or after `from`, or (direction -1) the greatest at or before it. */
function search(cron: Cron, timezone: string, from: number, direction: 1 | -1): Date | null {
  const local = toLocal(timezone, from);
  const today = Math.floor(local / dayMs) * dayMs;
  let found: number | null = null;
  let foundDay = 0;
  // Two days back: a fire that a gap moved has the date that it was meant for, and a whole day was skipped before.
  for (const day of matchingDays(cron, today - direction * 2 * dayMs, direction)) {
    // After a fold at midnight the next day's times can lie before this day's repeated ones; so one day more.
    if (found !== null && Math.abs(day - foundDay) > dayMs) break;
    const fires = firesOfDay(cron, timezone, day, (first, last) =>
      direction === 1 ? last > from : first <= from,
    );
    const fire = direction === 1 ? fires.find((f) => f >= from) : fires.findLast((f) => f <= from);
    if (fire === undefined) continue;
    if (found === null) foundDay = day;
    if (found === null || (fire - found) * direction < 0) found = fire;
    if (day > foundDay || day < foundDay) break;
  }
  return found === null ? null : new Date(found);
}

/**
 * The first fire after (not at) an instant; null when there is none, as when all its years are past.
 * @throws RangeError for an unknown zone
 */
export function nextFire(cron: Cron, timezone: string, after: Date): Date | null {
  return search(cron, timezone, (Math.floor(after.getTime() / minuteMs) + 1) * minuteMs, 1);
}

/**
 * The last fire at or before an instant: what a scheduler that was down should have run. Null when there is none.
 * @throws RangeError for an unknown zone
 */
export function latestFire(cron: Cron, timezone: string, before: Date): Date | null {
  return search(cron, timezone, Math.floor(before.getTime() / minuteMs) * minuteMs, -1);
}

/**
 * Fires after `from` and up to and including `to`, in order, at most `limit` (default 1,000).
 * @throws RangeError for an unknown zone
 */
export function fireTimes(cron: Cron, timezone: string, from: Date, to: Date, limit = 1000): Date[] {
  const first = (Math.floor(from.getTime() / minuteMs) + 1) * minuteMs;
  const last = to.getTime();
  const start = Math.floor(toLocal(timezone, first) / dayMs) * dayMs - 2 * dayMs;
  const fires = new Set<number>();
  // After a fold at midnight, and where a gap moved a fire, days overlap: two more are read than the limit needs.
  let enough = Number.POSITIVE_INFINITY;
  for (const day of matchingDays(cron, start, 1, to.getUTCFullYear() + 1)) {
    if (day > Math.min(enough, last) + 2 * dayMs) break;
    for (const fire of firesOfDay(cron, timezone, day, (begin, end) => end > first && begin <= last)) {
      if (fire >= first && fire <= last) fires.add(fire);
    }
    if (fires.size >= limit) enough = Math.min(enough, day);
  }
  const sorted = [...fires].sort((a, b) => a - b);
  return sorted.slice(0, Math.max(0, limit)).map((fire) => new Date(fire));
}
