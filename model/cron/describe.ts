import type { Cron } from "./parse.js";

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = "January February March April May June July August September October November December".split(
  " ",
);

/** `1, 2, 3, 7` as `1-3, 7`. */
function ranges(values: readonly number[], name: (value: number) => string): string {
  const parts: string[] = [];
  for (let i = 0; i < values.length; ) {
    let end = i;
    while ((values[end + 1] ?? Number.NaN) === (values[end] ?? 0) + 1) end++;
    const first = name(values[i] ?? 0);
    const last = name(values[end] ?? 0);
    parts.push(end === i ? first : end === i + 1 ? `${first}, ${last}` : `${first}-${last}`);
    i = end + 1;
  }
  return parts.join(", ");
}

/** Distance of evenly spaced values that go round `size`, such as 15 for 0, 15, 30, 45; null when they don't. */
function step(values: readonly number[], size: number): number | null {
  const distance = size / values.length;
  return Number.isInteger(distance) && values.every((v, i) => v === i * distance) ? distance : null;
}

function timeOfDay({ minutes, hours }: Cron): string {
  const two = (n: number): string => String(n).padStart(2, "0");
  if (hours.length * minutes.length <= 4) {
    return `at ${hours.flatMap((h) => minutes.map((m) => `${two(h)}:${two(m)}`)).join(", ")}`;
  }
  const every = step(minutes, 60);
  const minuteText =
    every === 1
      ? "every minute"
      : every !== null && minutes.length > 1
        ? `every ${every} minutes`
        : minutes.length === 1 && minutes[0] === 0
          ? "on the hour"
          : `at minute ${ranges(minutes, String)}`;
  if (hours.length === 24) return minuteText === "on the hour" ? "every hour" : minuteText;
  return `${minuteText} of hours ${ranges(hours, String)}`;
}

/** A schedule in a few English words, for lists: `at 06:00 on Monday-Friday`. */
export function describeCron(cron: Cron): string {
  const parts = [timeOfDay(cron)];
  const dayParts: string[] = [];
  if (cron.daysOfMonthRestricted) dayParts.push(`day ${ranges(cron.daysOfMonth, String)} of the month`);
  if (cron.daysOfWeekRestricted) dayParts.push(ranges(cron.daysOfWeek, (d) => days[d] ?? ""));
  if (dayParts.length > 0) parts.push(`on ${dayParts.join(" or ")}`);
  if (cron.months.length < 12) parts.push(`in ${ranges(cron.months, (m) => months[m - 1] ?? "")}`);
  if (cron.years) parts.push(`in ${ranges(cron.years, String)}`);
  if (parts.length === 1 && parts[0]?.startsWith("at ") && !parts[0].startsWith("at minute"))
    parts.push("every day");
  return parts.join(" ");
}
