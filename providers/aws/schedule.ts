/** Cron for EventBridge Scheduler: written anew from the sets of values that an expression means. */
import { type Cron, parseCron } from "../../model/cron.js";
import type { Diagnostic } from "../../model/diagnostic.js";
import type { Schedule } from "../../model/project.js";
import { clockEffects } from "../clock-changes.js";
import { listOf } from "../cron-fields.js";

/** Limits of CreateSchedule (botocore 1.44.5, read 2026-11-21). */
export const limits = { expression: 256, timezone: 50 } as const;

const dayNames = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] as const;

/**
 * `cron(…)` expressions that together mean the schedule: one, or two where either day field may match. AWS has 6 fields, the
 * year last, and exactly one of the two day fields is `?`; its weekdays count from 1, so they are named (UNCONFIRMED).
 */
export function renderSchedules({ cron }: Pick<Schedule, "cron">): string[] {
  const parsed = parseCron(cron);
  const { minutes, hours, months, years } = parsed;
  const time = `${field(minutes, 0, 59)} ${field(hours, 0, 23)}`;
  const year = years === null ? "*" : field(years, 1970, 2199);
  return days(parsed).map(
    ([ofMonth, ofWeek]) => `cron(${time} ${ofMonth} ${field(months, 1, 12)} ${ofWeek} ${year})`,
  );
}

/** What EventBridge Scheduler can't express. */
export function checkSchedule(schedule: Schedule): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const expressions = renderSchedules(schedule);
  for (const expression of expressions) {
    if (expression.length <= limits.expression) continue;
    diagnostics.push({
      severity: "error",
      code: "aws-cron-too-long",
      message: `schedule ${schedule.name}: \`${expression.slice(0, 60)}…\` is ${expression.length} characters, and AWS takes ${limits.expression}`,
      hint: "use ranges and steps in place of single values, or several schedules",
    });
  }
  if (schedule.timezone.length > limits.timezone) {
    diagnostics.push({
      severity: "error",
      code: "aws-timezone-too-long",
      message: `schedule ${schedule.name}: AWS takes the names of time zones up to ${limits.timezone} characters`,
      hint: "use another name of the zone",
    });
  }
  if (expressions.length > 1) {
    diagnostics.push({
      severity: schedule.overlap === "allow" ? "warning" : "info",
      code: "aws-cron-or-days",
      message: `schedule ${schedule.name} becomes two on AWS, by day of month and by weekday: on a date that matches both, both start a run`,
      hint:
        schedule.overlap === "allow"
          ? "leave `overlap: skip`, so that the second is skipped, or write two schedules yourself"
          : "nothing: `overlap: skip` skips the second, while the first runs and after it has succeeded",
    });
  }
  return [...diagnostics, ...checkClock(schedule)];
}

/** EventBridge Scheduler skips a time that the clocks skip, and fires once at one that they show twice (docs/cloud-facts.md). */
function checkClock({ name, cron, timezone }: Schedule): Diagnostic[] {
  const { skipped, repeated, everyHour } = clockEffects(parseCron(cron), timezone);
  const differences = [
    ...(skipped ? ["a time that they skip going forward isn't made up for"] : []),
    ...(repeated && everyHour ? ["the hour that they repeat going back has no second round"] : []),
  ];
  if (differences.length === 0) return [];
  return [
    {
      severity: "info",
      code: "aws-clock-change",
      message: `schedule ${name}: on the days when clocks in ${timezone} change, AWS differs from other platforms: ${differences.join("; ")}`,
      hint: "keep away from the hour of the change, or use timezone: UTC, where that matters",
    },
  ];
}

/** Day of month and day of week, as pairs. */
function days(cron: Cron): (readonly [string, string])[] {
  const ofMonth = cron.daysOfMonthRestricted ? field(cron.daysOfMonth, 1, 31) : "*";
  const ofWeek = field(cron.daysOfWeek, 0, 6, dayNames);
  // `*/1` and `0-6` are restricted in name only; a union with every day is every day.
  const everyDay = ofMonth === "*" || ofWeek === "*";
  if (cron.daysOfMonthRestricted && cron.daysOfWeekRestricted && !everyDay) {
    return [
      [ofMonth, "?"],
      ["?", ofWeek],
    ];
  }
  if (cron.daysOfWeekRestricted && !cron.daysOfMonthRestricted) return [["?", ofWeek]];
  if (cron.daysOfMonthRestricted && !cron.daysOfWeekRestricted) return [[ofMonth, "?"]];
  return [["*", "?"]];
}

/** The shortest of: `*`, `from/step` to the end of the field, a list of values and ranges. */
function field(values: readonly number[], min: number, max: number, named?: readonly string[]): string {
  if (values.length === max - min + 1) return "*";
  const list = listOf(values, (value) => named?.[value] ?? String(value));
  const stepped = named ? undefined : asStep(values, max);
  return stepped !== undefined && stepped.length < list.length ? stepped : list;
}

function asStep(values: readonly number[], max: number): string | undefined {
  const [first, second] = values;
  if (first === undefined || second === undefined) return undefined;
  const step = second - first;
  const even = values.every((value, index) => value === first + index * step);
  return even && first + values.length * step > max ? `${first}/${step}` : undefined;
}
