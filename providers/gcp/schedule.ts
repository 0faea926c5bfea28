/**
 * Cloud Scheduler's schedules: unix cron of 5 fields with a zone of its own. Source: "Cron job format and time zone" of
 * Cloud Scheduler's documentation, read 2026-11-21: day 0 is Sunday; day of month and day of week are an inclusive OR
 * unless one of them is `*`, so that unix's OR needs one schedule only.
 */
import { type Cron, parseCron } from "../../model/cron.js";
import type { Diagnostic } from "../../model/diagnostic.js";
import type { Schedule } from "../../model/project.js";
import { clockEffects } from "../clock-changes.js";
import { listOf } from "../cron-fields.js";

export interface RenderedSchedule {
  /** 5 fields, from the sets of values. */
  readonly expression: string;
  readonly timezone: string;
}

/** The schedule in Cloud Scheduler's words; always one. Only for a schedule that `checkSchedule` finds no error in. */
export function renderSchedules(schedule: Schedule): RenderedSchedule[] {
  return [{ expression: expressionOf(parseCron(schedule.cron)), timezone: schedule.timezone }];
}

/** What Cloud Scheduler can't express, and what differs where the clocks are changed. */
export function checkSchedule(schedule: Schedule): Diagnostic[] {
  return [...checkYears(schedule), ...checkClock(schedule)];
}

/** "Cloud Scheduler runs on wall clock time" is all that Google says: both of a time that is shown twice are UNCONFIRMED. */
function checkClock({ name, cron, timezone }: Schedule): Diagnostic[] {
  const { skipped, repeated } = clockEffects(parseCron(cron), timezone);
  if (!skipped && !repeated) return [];
  const differences = [
    ...(skipped ? ["a time that they skip going forward isn't made up for"] : []),
    ...(repeated ? ["a time that they show twice going back may fire twice, or once"] : []),
  ];
  return [
    {
      severity: "info",
      code: "gcp-clock-change",
      message: `schedule ${name}: on the days when clocks in ${timezone} change, Google Cloud differs from other platforms: ${differences.join("; ")}`,
      hint: "keep away from the hour of the change, or use timezone: UTC, where that matters",
    },
  ];
}

function checkYears(schedule: Schedule): Diagnostic[] {
  if (parseCron(schedule.cron).years === null) return [];
  return [
    {
      severity: "error",
      code: "gcp-cron-year",
      message: `schedule ${schedule.name}: \`${schedule.cron}\` names years, and Cloud Scheduler's schedules have none`,
      hint: "write * as the year, and end the schedule with enabled: false or by removing it",
    },
  ];
}

function expressionOf(cron: Cron): string {
  const { days, weekdays } = dayFields(cron);
  return [
    stepped(cron.minutes, 0, 59),
    stepped(cron.hours, 0, 23),
    days,
    cron.months.length === 12 ? "*" : listOf(cron.months),
    weekdays,
  ].join(" ");
}

/** A field is `*` when it is not restricted: the other one then decides alone. Steps are spelt out for the same reason. */
function dayFields(cron: Cron): { days: string; weekdays: string } {
  const allDays = cron.daysOfMonth.length === 31;
  const allWeekdays = cron.daysOfWeek.length === 7;
  if (cron.daysOfMonthRestricted && cron.daysOfWeekRestricted) {
    // Every day, or some weekdays: every day.
    if (allDays || allWeekdays) return { days: "*", weekdays: "*" };
    return { days: listOf(cron.daysOfMonth), weekdays: listOf(cron.daysOfWeek) };
  }
  return {
    days: allDays ? "*" : listOf(cron.daysOfMonth),
    weekdays: allWeekdays ? "*" : listOf(cron.daysOfWeek),
  };
}

/** `*`, steps of the whole range, or the values. */
function stepped(values: readonly number[], min: number, max: number): string {
  const [first = min, second = max + 1] = values;
  const step = second - first;
  const even = values.every((value, index) => value === first + index * step);
  if (first === min && even && (values.at(-1) ?? max) + step > max && values.length > 1) {
    return step === 1 ? "*" : `*/${step}`;
  }
  return listOf(values);
}
