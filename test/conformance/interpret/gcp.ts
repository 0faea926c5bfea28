/**
 * When a Cloud Scheduler job fires, from Google's own rules (documentation, "Cron job format and time zone", read
 * 2026-11-21):
 *   - five unix-cron fields; `*`, lists, ranges, `range/n` and `star/n`; names in capitals; Sunday is 0 or 7.
 *   - The two day fields are an inclusive OR, unless one of them is `*`.
 *   - "Cloud Scheduler runs on wall clock time": a skipped time doesn't come; of one that is shown twice the documentation
 *     says only that the job may run unexpectedly. UNCONFIRMED: taken here as both times, which is the literal reading.
 */
import { clockOf } from "./clock.js";
import { dayNames, monthNames, Refused, readField } from "./fields.js";

export interface GcpSchedule {
  readonly schedule: string;
  readonly timeZone?: string;
  readonly paused?: boolean;
}

/** Fires from `from` up to and including `to`, in order. @throws Refused what the API would refuse or isn't documented */
export function gcpFires(
  { schedule, timeZone = "Etc/UTC", paused }: GcpSchedule,
  from: number,
  to: number,
): number[] {
  if (paused === true) return [];
  const fires: number[] = [];
  const wanted = unixCron(schedule);
  const clock = clockOf(timeZone, from, to);
  for (const midnight of clock.days(from, to)) {
    if (!wanted.day(new Date(midnight))) continue;
    for (const hour of wanted.hours) {
      for (const minute of wanted.minutes) {
        const instants = clock.instantsOf(midnight + hour * 3_600_000 + minute * 60_000);
        fires.push(...instants.filter((instant) => instant >= from && instant <= to));
      }
    }
  }
  return fires.sort((a, b) => a - b);
}

/** Five fields, read as Cloud Scheduler and Container Apps jobs both document them. */
export function unixCron(expression: string): {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  day(date: Date): boolean;
} {
  const fields = expression.split(" ");
  const [minutes = "", hours = "", dayOfMonth = "", month = "", dayOfWeek = ""] = fields;
  if (fields.length !== 5) throw new Refused(`${expression} has not five fields`);
  // Unix daemons disagree about `*/2 * MON`: whether a field that only starts with a star is restricted.
  if (dayOfMonth !== "*" && dayOfWeek !== "*" && `${dayOfMonth}${dayOfWeek}`.includes("*"))
    throw new Refused(`${expression}: a star with a step beside another day field is read in two ways`);
  const months = readField(month, { name: "month", min: 1, max: 12, names: monthNames, step: "range" });
  const inMonth = readField(dayOfMonth, { name: "day of the month", min: 1, max: 31, step: "range" });
  const inWeek = new Set(
    [
      ...readField(dayOfWeek, { name: "day of the week", min: 0, max: 7, names: dayNames, step: "range" }),
    ].map((value) => value % 7),
  );
  const either = dayOfMonth !== "*" && dayOfWeek !== "*";
  return {
    minutes: readField(minutes, { name: "minute", min: 0, max: 59, step: "range" }),
    hours: readField(hours, { name: "hour", min: 0, max: 23, step: "range" }),
    day(date) {
      if (!months.has(date.getUTCMonth() + 1)) return false;
      const month = inMonth.has(date.getUTCDate());
      const week = inWeek.has(date.getUTCDay());
      return either ? month || week : month && week;
    },
  };
}
