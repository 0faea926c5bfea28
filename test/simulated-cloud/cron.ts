/** The cron syntax of each cloud, written from its own rules (docs/cloud-facts.md), apart from the code that renders schedules. */

interface CronField {
  readonly title: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
  /** Whole values that are allowed beside numbers. */
  readonly also?: RegExp;
}

const months = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" ");
const days = "SUN MON TUE WED THU FRI SAT".split(" ");

const minute: CronField = { title: "minutes", min: 0, max: 59 };
const hour: CronField = { title: "hours", min: 0, max: 23 };
const month: CronField = { title: "month", min: 1, max: 12, names: months };

const eventBridge: readonly CronField[] = [
  minute,
  hour,
  { title: "day of month", min: 1, max: 31, also: /^(\?|L|\d{1,2}W|LW)$/ },
  month,
  { title: "day of week", min: 1, max: 7, names: days, also: /^(\?|L|[1-7]L|[1-7]#[1-5])$/ },
  { title: "year", min: 1970, max: 2199 },
];

const unix: readonly CronField[] = [
  minute,
  hour,
  { title: "day of month", min: 1, max: 31 },
  month,
  { title: "day of week", min: 0, max: 7, names: days },
];

/** What is wrong with an expression of EventBridge Scheduler: `cron(…)` with six fields, `rate(…)` or `at(…)`. */
export function eventBridgeProblem(expression: string): string | undefined {
  if (expression.length > 256) return `has ${expression.length} characters: 256 are allowed`;
  if (/^at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)$/.test(expression)) return undefined;
  if (/^rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)$/.test(expression))
    return undefined;
  const fields = /^cron\((.*)\)$/.exec(expression)?.[1]?.split(/\s+/);
  if (!fields) return "is none of cron(…), rate(…) and at(…)";
  const problem = fieldsProblem(fields, eventBridge);
  if (problem) return problem;
  const questions = [fields[2], fields[4]].filter((field) => field === "?").length;
  return questions === 1 ? undefined : "needs `?` in exactly one of day of month and day of week";
}

/** What is wrong with a unix expression of five fields, as Cloud Scheduler and Container Apps take it. */
export function unixProblem(expression: string): string | undefined {
  return fieldsProblem(expression.trim().split(/\s+/), unix);
}

function fieldsProblem(fields: readonly string[], rules: readonly CronField[]): string | undefined {
  if (fields.length !== rules.length) return `has ${fields.length} fields instead of ${rules.length}`;
  for (const [index, rule] of rules.entries()) {
    const field = fields[index] ?? "";
    if (!isField(field, rule)) return `has '${field}' as ${rule.title}`;
  }
  return undefined;
}

function isField(field: string, rule: CronField): boolean {
  if (rule.also?.test(field)) return true;
  return field.split(",").every((part) => {
    const [range = "", step, ...more] = part.split("/");
    if (more.length > 0 || (step !== undefined && !/^[1-9]\d*$/.test(step))) return false;
    if (range === "*") return true;
    const ends = range.split("-").map((end) => numberOf(end, rule));
    if (ends.length > 2 || ends.some((end) => end === undefined)) return false;
    const [from = 0, to = from] = ends;
    return from <= to;
  });
}

function numberOf(text: string, { min, max, names = [] }: CronField): number | undefined {
  const named = names.indexOf(text.toUpperCase());
  if (named >= 0) return named + min;
  if (!/^\d+$/.test(text)) return undefined;
  const value = Number(text);
  return value >= min && value <= max ? value : undefined;
}

/** Whether a text is the name of a time zone that exists. */
export function isZone(zone: unknown): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: String(zone) });
    return true;
  } catch {
    return false;
  }
}
