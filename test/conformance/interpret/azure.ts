/**
 * When a Container Apps job or a Logic App with a Recurrence trigger starts, from Microsoft's own rules (documentation,
 * "Jobs in Azure Container Apps" and "Schedules for recurring triggers", read 2026-11-21):
 *   - A job's `cronExpression` has five fields and is in UTC.
 *   - A Recurrence of frequency Day or Week, interval 1, starts at each of `schedule.hours` and `schedule.minutes`; with
 *     Week only on `weekDays`, with Month on `monthDays`. `timeZone` is a Windows name.
 *   - A time that the clocks skip comes as late as if they had not been changed (2:30 at 3:30); of a time that is shown
 *     twice, the first one counts.
 */
import { clockOf } from "./clock.js";
import { Refused } from "./fields.js";
import { unixCron } from "./gcp.js";
import { ianaOf } from "./windows-zones.js";

/** `configuration.scheduleTriggerConfig.cronExpression` of a job. @throws Refused what the API would refuse */
export function azureCronFires(cronExpression: string, from: number, to: number): number[] {
  const wanted = unixCron(cronExpression);
  const fires: number[] = [];
  for (const midnight of clockOf("UTC", from, to).days(from, to)) {
    if (!wanted.day(new Date(midnight))) continue;
    for (const hour of wanted.hours) {
      for (const minute of wanted.minutes) {
        const instant = midnight + hour * 3_600_000 + minute * 60_000;
        if (instant >= from && instant <= to) fires.push(instant);
      }
    }
  }
  return fires.sort((a, b) => a - b);
}

export interface Recurrence {
  readonly frequency: string;
  readonly interval: number;
  readonly timeZone?: string;
  readonly startTime?: string;
  readonly endTime?: string;
  readonly schedule?: {
    readonly hours?: readonly (number | string)[];
    readonly minutes?: readonly (number | string)[];
    readonly weekDays?: readonly string[];
    readonly monthDays?: readonly (number | string)[];
  };
}

const weekDays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** Starts from `from` up to and including `to`, in order. @throws Refused what the API would refuse */
export function recurrenceFires(recurrence: Recurrence, from: number, to: number): number[] {
  const { frequency, interval, timeZone = "UTC", schedule } = recurrence;
  if (interval !== 1) throw new Refused(`interval ${interval}: the first start decides all others`);
  // Without hours and minutes it starts when it was last saved, and drifts.
  if (!schedule?.hours?.length || !schedule.minutes?.length)
    throw new Refused("a recurrence without hours and minutes starts when it is deployed");
  const hours = numbers(schedule.hours, 0, 23);
  const minutes = numbers(schedule.minutes, 0, 59);
  const days = dayFilter(frequency, schedule.weekDays, schedule.monthDays);
  const zone = ianaOf(timeZone);
  const clock = clockOf(zone, from, to);
  const fires = new Set<number>();
  for (const midnight of clock.days(from, to)) {
    if (!days(new Date(midnight))) continue;
    for (const hour of hours) {
      for (const minute of minutes) {
        const wall = midnight + hour * 3_600_000 + minute * 60_000;
        const instant = clock.instantsOf(wall)[0] ?? asIfUnchanged(clock, wall);
        if (instant !== undefined && instant >= from && instant <= to) fires.add(instant);
      }
    }
  }
  return [...fires].sort((a, b) => a - b);
}

function asIfUnchanged(clock: ReturnType<typeof clockOf>, wall: number): number | undefined {
  const inGap = clock.changes().some(({ kind, wallFrom, wallTo }) => {
    return kind === "gap" && wall >= wallFrom && wall < wallTo;
  });
  return inGap ? clock.asIfUnchanged(wall) : undefined;
}

function dayFilter(
  frequency: string,
  inWeek: readonly string[] | undefined,
  inMonth: readonly (number | string)[] | undefined,
): (date: Date) => boolean {
  if (frequency === "Day") {
    if (inWeek || inMonth) throw new Refused("days can't be given with frequency Day");
    return () => true;
  }
  if (frequency === "Week") {
    if (!inWeek?.length || inMonth) throw new Refused("frequency Week needs weekDays and takes no monthDays");
    const wanted = new Set(inWeek.map((name) => weekDays.indexOf(name)));
    if (wanted.has(-1)) throw new Refused(`${inWeek.join(", ")} are not all days of the week`);
    return (date) => wanted.has(date.getUTCDay());
  }
  if (frequency === "Month") {
    if (!inMonth?.length || inWeek)
      throw new Refused("frequency Month needs monthDays and takes no weekDays");
    const wanted = numbers(inMonth, 1, 31);
    return (date) => wanted.includes(date.getUTCDate());
  }
  throw new Refused(`frequency ${frequency} starts when it is deployed`);
}

function numbers(values: readonly (number | string)[], min: number, max: number): number[] {
  return values.map((value) => {
    const number = Number(value);
    if (!Number.isInteger(number) || number < min || number > max)
      throw new Refused(`${value} is not from ${min} to ${max}`);
    return number;
  });
}
