/**
 * Schedules on Azure. A Container Apps job has one cron expression, in UTC (docs/cloud-facts.md). Where the schedule is the same in UTC
 * all year, that is what it gets: nothing else takes part in it, and it costs nothing. Any other is a Recurrence trigger of a
 * Logic App, which knows time zones; what a Recurrence can't say about days is a condition of the trigger.
 */
import { findWindows } from "windows-iana";
import { type Cron, parseCron } from "../../model/cron.js";
import type { Diagnostic } from "../../model/diagnostic.js";
import type { Schedule } from "../../model/project.js";
import { clockEffects } from "../clock-changes.js";
import { type Days, daysOf, utcCron, utcOffsets } from "./utc-cron.js";

const weekDays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;

/** `recurrence` of a trigger in a Logic App's definition. */
export interface Recurrence {
  readonly frequency: "Day" | "Week";
  readonly interval: 1;
  /** Windows' name of the zone, such as `Romance Standard Time`. */
  readonly timeZone: string;
  readonly schedule: {
    readonly hours: readonly number[];
    readonly minutes: readonly number[];
    readonly weekDays?: readonly string[];
  };
}

export interface RenderedRecurrence {
  readonly kind: "recurrence";
  readonly recurrence: Recurrence;
  /** Expression that is true on the days that fire, in the workflow definition language. */
  readonly condition?: string;
}

export type RenderedSchedule = { readonly kind: "cron"; readonly expression: string } | RenderedRecurrence;

/** The schedule in Azure's words; always one. Only for a schedule that `checkSchedule` finds no error in. */
export function renderSchedules({ cron, timezone }: Pick<Schedule, "cron" | "timezone">): RenderedSchedule[] {
  const parsed = parseCron(cron);
  const expression = utcCron(parsed, timezone);
  if (expression !== null) return [{ kind: "cron", expression }];
  const zone = windowsZone(timezone);
  if (zone === undefined) throw new Error(`no Windows name is known for ${timezone}`);
  return [recurrence(parsed, zone)];
}

/** The schedule as a Recurrence, where a Logic App is there anyhow: in UTC where that is the same, which is exact all year. */
export function recurrenceOf({ cron, timezone }: Pick<Schedule, "cron" | "timezone">): RenderedRecurrence {
  const [rendered] = renderSchedules({ cron, timezone });
  if (!rendered) throw new Error(`${cron} has no rendering`);
  return rendered.kind === "recurrence" ? rendered : recurrence(parseCron(rendered.expression), "UTC");
}

/** Whether a job's own cron trigger starts it. */
export function isNative(schedule: Pick<Schedule, "cron" | "timezone">): boolean {
  return utcCron(parseCron(schedule.cron), schedule.timezone) !== null;
}

/** What neither a job nor a Logic App can express, and what differs where the clocks are changed. */
export function checkSchedule(schedule: Schedule): Diagnostic[] {
  const { name, cron, timezone } = schedule;
  const parsed = parseCron(cron);
  if (utcCron(parsed, timezone) !== null) return [];
  if (windowsZone(timezone) === undefined) {
    return [
      {
        severity: "error",
        code: "azure-timezone",
        message: `schedule ${name}: Azure has no name for the time zone ${timezone}, and ${cron} is not the same in UTC all year`,
        hint: "use a zone of a city nearby whose clocks go the same, such as Europe/Paris",
      },
    ];
  }
  const { skipped, repeated, everyHour } = clockEffects(parsed, timezone);
  const touched = skipped || repeated || (everyHour && utcOffsets(timezone).length > 1);
  if (!touched) return [];
  return [
    {
      severity: "info",
      code: "azure-clock-change",
      message: `schedule ${name}: on the two days a year when clocks in ${timezone} change, Azure decides by its own rule when a time that is skipped or shown twice fires`,
      hint: "keep away from the hour of the change where that matters",
    },
  ];
}

/** Windows' name for an IANA zone. */
export function windowsZone(timezone: string): string | undefined {
  const found = findWindows(timezone)[0];
  const [offset = 0, ...others] = utcOffsets(timezone);
  if (found !== undefined || others.length > 0 || offset % 60 !== 0) return found;
  // Its clock is never changed: any other zone as far ahead is the same. POSIX counts to the west.
  if (offset === 0) return "UTC";
  return findWindows(`Etc/GMT${offset > 0 ? "-" : "+"}${Math.abs(offset / 60)}`)[0];
}

function recurrence(cron: Cron, timeZone: string): RenderedRecurrence {
  const days = daysOf(cron);
  const weekly = days.ofWeek !== null && !days.either;
  const condition = conditionOf(weekly ? { ...days, ofWeek: null } : days, timeZone);
  return {
    kind: "recurrence",
    recurrence: {
      frequency: weekly ? "Week" : "Day",
      interval: 1,
      timeZone,
      schedule: {
        hours: cron.hours,
        minutes: cron.minutes,
        ...(weekly && days.ofWeek ? { weekDays: days.ofWeek.map((day) => weekDays[day] ?? "") } : {}),
      },
    },
    ...(condition === null ? {} : { condition }),
  };
}

/**
 * The instant that a trigger of a Logic App stands for. That `trigger()` tells the scheduled time is UNCONFIRMED; without it,
 * it is the time at which the trigger fired, a moment later.
 */
export const scheduledTime = "coalesce(trigger()?['scheduledTime'], utcNow())";

/** Null: every day. */
function conditionOf({ ofMonth, ofWeek, months, years, either }: Days, timeZone: string): string | null {
  const local = (format: string) => `int(convertFromUtc(${scheduledTime}, '${timeZone}', '${format}'))`;
  const among = (values: readonly number[] | null, actual: string) =>
    values === null ? [] : [`contains(createArray(${values.join(", ")}), ${actual})`];
  const day = [
    ...among(ofMonth, local("dd")),
    ...among(ofWeek, `dayOfWeek(convertFromUtc(${scheduledTime}, '${timeZone}'))`),
  ];
  const all = [
    ...(either ? [`or(${day.join(", ")})`] : day),
    ...among(months, local("MM")),
    ...among(years, local("yyyy")),
  ];
  if (all.length === 0) return null;
  return all.length === 1 ? `${all[0]}` : `and(${all.join(", ")})`;
}
