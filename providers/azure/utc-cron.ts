/** A schedule in a zone's time as one cron expression in UTC, where that means the same on every day of the future. */

import { offsetAt } from "../../model/cron/zone.js";
import type { Cron } from "../../model/cron.js";
import { listOf } from "../cron-fields.js";

const dayMinutes = 1440;
const minuteMs = 60_000;

/** Rules that are known are looked at from and until here: a rendering must not depend on the day that it is made on. */
const from = Date.UTC(2026, 0, 1);
const until = Date.UTC(2038, 0, 1);
/** Ramadan's clocks (Morocco) stay as they are for about 30 days, all others for longer. */
const stepMs = 7 * 24 * 60 * minuteMs;

const known = new Map<string, readonly number[]>();

/** Minutes that the zone's clock is ahead of UTC: one number, or several where the clocks are changed. Sorted. */
export function utcOffsets(timezone: string): readonly number[] {
  const before = known.get(timezone);
  if (before) return before;
  const offsets = new Set<number>();
  for (let at = from; at < until; at += stepMs) offsets.add(offsetAt(timezone, at) / minuteMs);
  const sorted = [...offsets].sort((a, b) => a - b);
  known.set(timezone, sorted);
  return sorted;
}

/** Which days fire: null is every one. With `either`, a day that matches one of the two is enough. */
export interface Days {
  readonly ofMonth: readonly number[] | null;
  /** Sunday is 0. */
  readonly ofWeek: readonly number[] | null;
  readonly months: readonly number[] | null;
  readonly years: readonly number[] | null;
  readonly either: boolean;
}

/** The days of an expression, without what restricts nothing. */
export function daysOf(cron: Cron): Days {
  const ofMonth = cron.daysOfMonth.length === 31 ? null : cron.daysOfMonth;
  const ofWeek = cron.daysOfWeek.length === 7 ? null : cron.daysOfWeek;
  const both = cron.daysOfMonthRestricted && cron.daysOfWeekRestricted;
  // Every day of the month, or some weekdays: every day.
  const all = both && (ofMonth === null || ofWeek === null);
  return {
    ofMonth: all ? null : ofMonth,
    ofWeek: all ? null : ofWeek,
    months: cron.months.length === 12 ? null : cron.months,
    years: cron.years,
    either: both && !all,
  };
}

/**
 * The expression of 5 fields that fires in UTC when `cron` does in the zone; null where no single one does: the clocks are
 * changed, a day of the month or a month begins at another hour in UTC, the times don't make a rectangle of hours and
 * minutes, or it names years.
 */
export function utcCron(cron: Cron, timezone: string): string | null {
  const days = daysOf(cron);
  if (days.years !== null) return null;
  const offset = constantOffset(cron, days, timezone);
  if (offset === null) return null;
  const times = cron.hours.flatMap((hour) =>
    cron.minutes.map((minute) => {
      const at = hour * 60 + minute - offset;
      return { day: Math.floor(at / dayMinutes), minute: ((at % dayMinutes) + dayMinutes) % dayMinutes };
    }),
  );
  const hours = values(times.map(({ minute }) => Math.floor(minute / 60)));
  const minutes = values(times.map(({ minute }) => minute % 60));
  if (hours.length * minutes.length !== times.length) return null;
  const shifted = shiftDays(days, values(times.map(({ day }) => day)));
  if (shifted === null) return null;
  return [
    field(minutes, 60),
    field(hours, 24),
    field(shifted.ofMonth, 31),
    field(shifted.months, 12),
    field(shifted.ofWeek, 7),
  ].join(" ");
}

/** Minutes ahead of UTC, as far as they matter to the expression. */
function constantOffset(cron: Cron, days: Days, timezone: string): number | null {
  const offsets = utcOffsets(timezone);
  const [first = 0] = offsets;
  if (offsets.length === 1) return first;
  // Every hour of every day follows real time (docs/schedules.md): only the minutes are the zone's.
  const everyHour = cron.hours.length === 24 && everyDay(days);
  const minutes = new Set(offsets.map((offset) => ((offset % 60) + 60) % 60));
  return everyHour && minutes.size === 1 ? first : null;
}

/** The days in UTC of times that are all so many days away from the zone's date; null where that is no set of days. */
function shiftDays(days: Days, shifts: readonly number[]): Days | null {
  if (everyDay(days)) return days;
  const [shift = 0, ...others] = shifts;
  if (others.length > 0) return null;
  if (shift === 0) return days;
  if (days.ofMonth !== null || days.months !== null || days.ofWeek === null) return null;
  return { ...days, ofWeek: values(days.ofWeek.map((day) => (day + shift + 7) % 7)) };
}

function everyDay({ ofMonth, ofWeek, months, years }: Days): boolean {
  return ofMonth === null && ofWeek === null && months === null && years === null;
}

/** `*` or the values, three or more in a row as a range. No steps: `*` in a day field would change what the other means. */
function field(values: readonly number[] | null, count: number): string {
  if (values === null || values.length === count) return "*";
  return listOf(values);
}

/** Sorted, each once. */
function values(all: readonly number[]): number[] {
  return [...new Set(all)].sort((a, b) => a - b);
}
