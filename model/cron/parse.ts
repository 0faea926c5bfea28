import { UserError } from "../diagnostic.js";

/** When something fires, as sets of values; each is sorted, without duplicates, and never empty. Plain JSON. */
export interface Cron {
  /** 0-59. */
  readonly minutes: readonly number[];
  /** 0-23. */
  readonly hours: readonly number[];
  /** 1-31. */
  readonly daysOfMonth: readonly number[];
  /** 1-12. */
  readonly months: readonly number[];
  /** 0-6, Sunday is 0. */
  readonly daysOfWeek: readonly number[];
  /** 1970-2199; null: every year. */
  readonly years: readonly number[] | null;
  /** False when the field is `*` or `?`. When both are restricted, a day that matches either one fires. */
  readonly daysOfMonthRestricted: boolean;
  readonly daysOfWeekRestricted: boolean;
}

/** The expression can't be read (`bad-cron`), or there is no day that it means (`cron-never-fires`). */
export class CronError extends UserError {
  constructor(message: string, hint: string, code: "bad-cron" | "cron-never-fires" = "bad-cron") {
    super(message, { code, hint });
  }
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: Readonly<Record<string, number>>;
}

const monthNames = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" ");
const dayNames = "SUN MON TUE WED THU FRI SAT".split(" ");
const numbered = (names: readonly string[], first: number) =>
  Object.fromEntries(names.map((name, i) => [name, i + first]));

const minute: Field = { name: "minute", min: 0, max: 59 };
const hour: Field = { name: "hour", min: 0, max: 23 };
const dayOfMonth: Field = { name: "day of month", min: 1, max: 31 };
const month: Field = { name: "month", min: 1, max: 12, names: numbered(monthNames, 1) };
/** Unix: 0-7, both 0 and 7 are Sunday. */
const unixDayOfWeek: Field = { name: "day of week", min: 0, max: 7, names: numbered(dayNames, 0) };
/** EventBridge: 1-7, from Sunday. */
const eventBridgeDayOfWeek: Field = { name: "day of week", min: 1, max: 7, names: numbered(dayNames, 1) };
const year: Field = { name: "year", min: 1970, max: 2199 };

const aliases: Readonly<Record<string, string>> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
};

const forms =
  "write 5 fields, `minute hour day-of-month month day-of-week` (`0 6 * * MON-FRI`), or EventBridge's 6 with the year last (`0 6 ? * MON-FRI *`)";

function fail(message: string, hint: string): never {
  throw new CronError(message, hint);
}

function number(text: string, field: Field, whole: string): number {
  const named = field.names?.[text.toUpperCase()];
  if (named !== undefined) return named;
  if (!/^\d{1,4}$/.test(text)) {
    const names = field.names ? `, or one of ${Object.keys(field.names).join(", ")}` : "";
    return fail(
      `\`${whole}\` is not a ${field.name}`,
      `use numbers from ${field.min} to ${field.max}${names}, with \`,\`, \`-\`, \`/\` and \`*\``,
    );
  }
  const value = Number(text);
  if (value < field.min || value > field.max) {
    return fail(
      `${value} is out of range for the ${field.name}`,
      `use a number from ${field.min} to ${field.max}`,
    );
  }
  return value;
}

/** What Quartz and EventBridge have beyond sets of values, and no other platform can do. */
function rejectSpecial(text: string, field: Field): void {
  const isDay = field.name.startsWith("day");
  if (isDay && text.includes("#")) {
    fail(
      `\`#\` (the nth weekday of a month) is not supported in the ${field.name}: \`${text}\``,
      "give the days of the month that it can be and check the weekday in the command, as only some platforms can do it",
    );
  }
  if (isDay && /^(\d*L(W)?|L-\d+|[A-Za-z]{3}L)$/i.test(text)) {
    fail(
      `\`L\` (the last day) is not supported in the ${field.name}: \`${text}\``,
      "fire on the first day of the next month instead (`0 0 1 * *`) and use `{{ scheduled_at | shift(days=-1) }}`",
    );
  }
  if (field === dayOfMonth && /^\d+W$/i.test(text)) {
    fail(
      `\`W\` (the nearest weekday) is not supported in the ${field.name}: \`${text}\``,
      "fire on weekdays (`0 6 * * MON-FRI`) and decide in the command",
    );
  }
}

/** Values of one field, or null for all of them (`*`, and `?` where `questionMark`). */
function values(text: string, field: Field, questionMark: boolean): number[] | null {
  if (text === "*") return null;
  if (text === "?") {
    if (questionMark) return null;
    return fail(`\`?\` can't stand for the ${field.name}`, "write `*`; `?` is for the two day fields");
  }
  const found = new Set<number>();
  for (const part of text.split(",")) {
    rejectSpecial(part, field);
    const match = /^([^/-]+)(?:-([^/-]+))?(?:\/([^/-]+))?$/.exec(part);
    if (!match) {
      fail(`\`${part}\` is not a ${field.name}`, "use values, `a-b`, `a-b/step`, `*/step`, joined by commas");
    }
    const [, from = "", to, stepText] = match ?? [];
    const step = stepText === undefined ? 1 : /^\d{1,4}$/.test(stepText) ? Number(stepText) : 0;
    if (step < 1 || step > field.max) {
      fail(`the step of \`${part}\` is out of range`, `use a number from 1 to ${field.max} after \`/\``);
    }
    if (from === "*" && to !== undefined)
      fail(`\`${part}\` is not a ${field.name}`, "write `*` or a range `a-b`");
    const first = from === "*" ? field.min : number(from, field, part);
    const last =
      to !== undefined ? number(to, field, part) : from === "*" || stepText !== undefined ? field.max : first;
    if (first <= last) {
      for (let value = first; value <= last; value += step) found.add(value);
    } else if (field.names) {
      // FRI-MON and NOV-FEB go round the end; in other fields a falling range is more likely a mistake. The unix
      // week has two Sundays, 0 and 7: the wheel has 7 days all the same.
      const size = field === month ? 12 : 7;
      const end = field === unixDayOfWeek ? field.max - 1 : field.max;
      for (let value = first; value <= last + size; value += step) {
        found.add(value > end ? value - size : value);
      }
    } else {
      fail(
        `the range \`${part}\` runs backwards`,
        `write the smaller ${field.name} first, or two parts joined by a comma`,
      );
    }
  }
  return [...found].sort((a, b) => a - b);
}

const all = (field: Field): number[] =>
  Array.from({ length: field.max - field.min + 1 }, (_, i) => field.min + i);

/** Latest day that a month has in any of the years (null: any year at all). */
function longestDay(monthNumber: number, years: readonly number[] | null): number {
  if (monthNumber !== 2) return [4, 6, 9, 11].includes(monthNumber) ? 30 : 31;
  const leap = (y: number): boolean => (y % 4 === 0 && y % 100 !== 0) || y % 400 === 0;
  return years === null || years.some(leap) ? 29 : 28;
}

/**
 * Reads a cron expression: 5 fields as unix writes them, 6 as EventBridge does (with or without `cron(…)`), or
 * `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. The number of fields tells them apart.
 * @throws CronError with a hint; also for dates that don't exist, such as 30 February
 */
export function parseCron(expression: string): Cron {
  if (expression.length > 1000) fail("the cron expression is longer than 1,000 characters", forms);
  const wrapped = /^\s*cron\s*\(([^()]*)\)\s*$/i.exec(expression);
  const text = (wrapped?.[1] ?? expression).trim();
  if (text === "") fail("the cron expression is empty", forms);
  if (/^(rate|at)\s*\(/i.test(text)) {
    fail(
      `\`${text}\` is not a cron expression`,
      "write it as one: `rate(5 minutes)` is `*/5 * * * *`, `rate(1 hour)` is `0 * * * *`, `rate(1 day)` is `0 0 * * *`",
    );
  }
  if (text.startsWith("@")) {
    const known = aliases[text.toLowerCase()];
    if (known === undefined) {
      fail(`\`${text}\` is not known`, `use ${Object.keys(aliases).join(", ")}, or ${forms}`);
    } else {
      return parseCron(known);
    }
  }
  const fields = text.split(/\s+/);
  const [m = "", h = "", dom = "", mon = "", dow = "", yr] = fields;
  if (fields.length !== 5 && fields.length !== 6) {
    const hint = fields.length === 7 ? `there are no seconds: ${forms}` : forms;
    fail(`a cron expression has 5 or 6 fields, \`${text}\` has ${fields.length}`, hint);
  }
  const eventBridge = yr !== undefined;
  if (yr !== undefined && !/^(\*(\/\d+)?|\d{4}(?=$|[-,/])[-,/\d]*)$/.test(yr)) {
    fail(
      `the 6th field of \`${text}\` is not a year: \`${yr}\``,
      "with 6 fields the last is the year or `*`, as EventBridge writes them; if the first is meant to be seconds, leave it out: schedules fire on whole minutes",
    );
  }
  const dayOfWeek = eventBridge ? eventBridgeDayOfWeek : unixDayOfWeek;
  const weekdays = values(dow, dayOfWeek, true);
  const cron: Cron = {
    minutes: values(m, minute, false) ?? all(minute),
    hours: values(h, hour, false) ?? all(hour),
    daysOfMonth: values(dom, dayOfMonth, true) ?? all(dayOfMonth),
    months: values(mon, month, false) ?? all(month),
    daysOfWeek: weekdays
      ? [...new Set(weekdays.map((d) => (eventBridge ? d - 1 : d % 7)))].sort((a, b) => a - b)
      : [0, 1, 2, 3, 4, 5, 6],
    years: yr === undefined ? null : values(yr, year, false),
    daysOfMonthRestricted: dom !== "*" && dom !== "?",
    daysOfWeekRestricted: dow !== "*" && dow !== "?",
  };
  if (eventBridge && cron.daysOfMonthRestricted && cron.daysOfWeekRestricted) {
    fail(
      `\`${text}\` names both days of the month and days of the week`,
      "with 6 fields one of the two must be `?`; 5 fields fire when either matches",
    );
  }
  // `0 0 12 * * *` is noon with seconds to one tool and midnight of the 12th to a careless reader: EventBridge takes neither.
  if (eventBridge && dom !== "?" && dow !== "?") {
    const other = cron.daysOfWeekRestricted ? [m, h, "?", mon, dow, yr] : [m, h, dom, mon, "?", yr];
    fail(
      `\`${text}\` has 6 fields and no \`?\``,
      `EventBridge's 6 fields have the year last and \`?\` for one of the two day fields: \`${other.join(" ")}\`; if the first is meant to be seconds, leave it out: \`${fields.slice(1).join(" ")}\``,
    );
  }
  if (dom === "?" && dow === "?")
    fail(`\`${text}\` has \`?\` for both day fields`, "write `*` for one of them");
  if (cron.daysOfMonthRestricted && !cron.daysOfWeekRestricted) {
    const first = cron.daysOfMonth[0] ?? 1;
    if (cron.months.every((name) => first > longestDay(name, cron.years))) {
      const names = cron.months.map((name) => monthNames[name - 1]).join(", ");
      throw new CronError(
        `\`${text}\` never fires: there is no day ${first} in ${names}${cron.years && first === 29 ? ` ${cron.years.join(", ")}` : ""}`,
        "correct the day of month or the month",
        "cron-never-fires",
      );
    }
  }
  return cron;
}
