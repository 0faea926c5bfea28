/** The zones and the stretches of time that schedules are compared in. */
import { type Change, changesBetween } from "./interpret/clock.js";

/** With and without daylight saving time, both hemispheres, half hours, a change of half an hour, changes at midnight. */
export const testZones = [
  "UTC",
  "Asia/Kolkata",
  "Asia/Kathmandu",
  "Asia/Tokyo",
  "Pacific/Kiritimati",
  "America/Phoenix",
  "Europe/Paris",
  "Europe/London",
  "Europe/Bucharest",
  "America/New_York",
  "America/Los_Angeles",
  "America/St_Johns",
  "America/Havana",
  "America/Santiago",
  "Atlantic/Azores",
  "Asia/Jerusalem",
  "Australia/Sydney",
  "Australia/Adelaide",
  "Australia/Lord_Howe",
  "Pacific/Auckland",
] as const;

export interface Window {
  readonly from: number;
  readonly to: number;
  /** The change of the clock in it; schedules may be late or early around it, where a diagnostic says so. */
  readonly change?: Change;
}

const day = 86_400_000;
const year = { from: Date.UTC(2026, 0, 10), to: Date.UTC(2026, 11, 20) };

/** Three days around each of the year's changes, a month without, and the ends of February and of the year. */
export function windowsOf(zone: string): Window[] {
  return [
    ...changesBetween(zone, year.from, year.to).map((change) => ({
      from: change.instant - 1.5 * day,
      to: change.instant + 1.5 * day,
      change,
    })),
    { from: Date.UTC(2026, 5, 14), to: Date.UTC(2026, 6, 14) },
    { from: Date.UTC(2026, 1, 27), to: Date.UTC(2026, 2, 2, 12) },
    { from: Date.UTC(2026, 11, 30), to: Date.UTC(2027, 0, 2) },
  ];
}

/** Whether an instant is so near to a change of the clock that its wall time is skipped, moved or shown twice. */
export function nearChange(instant: number, { change }: Window): boolean {
  if (!change) return false;
  const size = change.wallTo - change.wallFrom;
  return instant >= change.instant - size && instant <= change.instant + size;
}
