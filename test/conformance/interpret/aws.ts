/**
 * When an EventBridge Scheduler schedule fires, from AWS's own rules (User Guide, "Schedule types", and the knowledge
 * centre's article on daylight saving time; read 2026-11-21):
 *   - `cron(minutes hours day-of-month month day-of-week year)`; of the two day fields exactly one is `?`;
 *     days of the week are 1-7 or SUN-SAT; years 1970-2199.
 *   - A time that the clocks skip is skipped. A time that is shown twice fires once.
 */
import { clockOf } from "./clock.js";
import { dayNames, monthNames, Refused, readField } from "./fields.js";

export interface AwsSchedule {
  readonly scheduleExpression: string;
  readonly scheduleExpressionTimezone?: string;
  readonly state?: string;
  readonly flexibleTimeWindow?: { readonly mode?: string };
}

const day = 86_400_000;

/** Fires from `from` up to and including `to`, in order. @throws Refused what the API would refuse */
export function awsFires(schedule: AwsSchedule, from: number, to: number): number[] {
  const { scheduleExpression, scheduleExpressionTimezone: zone = "UTC" } = schedule;
  if (scheduleExpression.length > 256) throw new Refused("the expression is longer than 256 characters");
  if (zone.length > 50) throw new Refused("the time zone is longer than 50 characters");
  if (schedule.flexibleTimeWindow?.mode !== "OFF") throw new Refused("the time window is not OFF");
  if (schedule.state === "DISABLED") return [];
  const match = /^cron\((.*)\)$/.exec(scheduleExpression);
  const fields = match?.[1]?.split(" ") ?? [];
  const [minutes = "", hours = "", dayOfMonth = "", month = "", dayOfWeek = "", year = ""] = fields;
  if (fields.length !== 6) throw new Refused(`${scheduleExpression} has not six fields`);
  if ((dayOfMonth === "?") === (dayOfWeek === "?"))
    throw new Refused(`${scheduleExpression}: exactly one of the day fields must be ?`);

  const minuteSet = readField(minutes, { name: "minute", min: 0, max: 59, step: "from" });
  const hourSet = readField(hours, { name: "hour", min: 0, max: 23, step: "from" });
  const monthSet = readField(month, { name: "month", min: 1, max: 12, names: monthNames, step: "from" });
  const yearSet = readField(year, { name: "year", min: 1970, max: 2199, step: "from" });
  const inMonth =
    dayOfMonth === "?"
      ? null
      : readField(dayOfMonth, { name: "day of the month", min: 1, max: 31, step: "from" });
  const inWeek =
    dayOfWeek === "?"
      ? null
      : readField(dayOfWeek, { name: "day of the week", min: 1, max: 7, names: dayNames, step: "from" });

  const clock = clockOf(zone, from, to);
  const fires: number[] = [];
  for (const midnight of clock.days(from, to)) {
    const date = new Date(midnight);
    if (!monthSet.has(date.getUTCMonth() + 1) || !yearSet.has(date.getUTCFullYear())) continue;
    if (inMonth && !inMonth.has(date.getUTCDate())) continue;
    if (inWeek && !inWeek.has(date.getUTCDay() + 1)) continue;
    for (let time = midnight; time < midnight + day; time += 3_600_000) {
      if (!hourSet.has((time - midnight) / 3_600_000)) continue;
      for (const minute of minuteSet) {
        const [first] = clock.instantsOf(time + minute * 60_000);
        if (first !== undefined && first >= from && first <= to) fires.push(first);
      }
    }
  }
  return fires.sort((a, b) => a - b);
}
