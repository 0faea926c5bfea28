/** Random cron expressions that are valid in the model, each with what croner, the reference, reads as the same. */
import fc from "fast-check";
import { checkCron } from "../../model/cron.js";

export interface RandomCron {
  /** In handoff's form: five fields, or EventBridge's six. */
  readonly expression: string;
  /** The same for croner: five fields, or seven with seconds and years. */
  readonly croner: string;
}

/** One field as its author wrote it, and as croner takes it (which has no ranges round the end and no `a/n`). */
interface Field {
  readonly text: string;
  readonly croner: string;
}

const months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const weekDays = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const same = (text: string): Field => ({ text, croner: text });

function lists(values: readonly string[], max = 4): fc.Arbitrary<Field> {
  return fc.subarray([...values], { minLength: 1, maxLength: max }).map((some) => same(some.join(",")));
}

function ranges(min: number, max: number): fc.Arbitrary<Field> {
  return fc
    .tuple(fc.integer({ min, max }), fc.integer({ min, max }), fc.option(fc.integer({ min: 2, max: 5 })))
    .map(([a, b, step]) =>
      same(`${Math.min(a, b)}-${Math.max(a, b)}${step === null || a === b ? "" : `/${step}`}`),
    );
}

/** `5/10`: from the fifth on, every tenth. */
function starts(min: number, max: number): fc.Arbitrary<Field> {
  return fc.tuple(fc.integer({ min, max }), fc.integer({ min: 7, max: 20 })).map(([first, step]) => {
    const values: number[] = [];
    for (let value = first; value <= max; value += step) values.push(value);
    return { text: `${first}/${step}`, croner: values.join(",") };
  });
}

const numbersFrom = (min: number, max: number): string[] =>
  Array.from({ length: max - min + 1 }, (_, i) => String(min + i));
const steps = (...values: number[]): fc.Arbitrary<Field> =>
  fc.constantFrom(...values.map((step) => same(`*/${step}`)));

const minute: fc.Arbitrary<Field> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(same("*")) },
  { weight: 6, arbitrary: lists(numbersFrom(0, 59), 1) },
  { weight: 4, arbitrary: lists(["0", "10", "15", "30", "45", "59"]) },
  { weight: 2, arbitrary: ranges(0, 59) },
  { weight: 3, arbitrary: steps(7, 15, 20, 30, 40) },
  { weight: 1, arbitrary: starts(0, 59) },
);
/** The hours in which clocks change, more often than others. */
const hour: fc.Arbitrary<Field> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(same("*")) },
  { weight: 6, arbitrary: lists(["0", "1", "2", "3", "4", "23"]) },
  { weight: 3, arbitrary: lists(numbersFrom(0, 23)) },
  { weight: 2, arbitrary: ranges(0, 23) },
  { weight: 2, arbitrary: steps(2, 3, 5, 6, 12) },
  { weight: 1, arbitrary: starts(0, 23) },
);
const dayOfMonth: fc.Arbitrary<Field> = fc.oneof(
  { weight: 4, arbitrary: lists(["1", "2", "15", "28", "29", "30", "31"]) },
  { weight: 3, arbitrary: lists(numbersFrom(1, 31)) },
  { weight: 2, arbitrary: ranges(1, 31) },
  { weight: 1, arbitrary: steps(2, 3, 10) },
  // All days, but given: beside a day of the week it means every day.
  { weight: 1, arbitrary: fc.constant(same("1-31")) },
);
const month: fc.Arbitrary<Field> = fc.oneof(
  { weight: 8, arbitrary: fc.constant(same("*")) },
  { weight: 2, arbitrary: lists(numbersFrom(1, 12), 8) },
  { weight: 2, arbitrary: lists(months, 8) },
  { weight: 1, arbitrary: ranges(1, 12) },
  { weight: 1, arbitrary: steps(2, 3) },
  { weight: 1, arbitrary: fc.constant({ text: "NOV-APR", croner: "11,12,1,2,3,4" }) },
);
const dayOfWeek: fc.Arbitrary<Field> = fc.oneof(
  { weight: 3, arbitrary: lists(weekDays) },
  { weight: 3, arbitrary: lists(numbersFrom(0, 7)) },
  { weight: 3, arbitrary: fc.constantFrom(same("MON-FRI"), same("1-5"), same("6,0"), same("SUN-SAT")) },
  { weight: 2, arbitrary: fc.constantFrom({ text: "FRI-MON", croner: "FRI,SAT,SUN,MON" }, same("5-7")) },
  { weight: 1, arbitrary: fc.constantFrom(same("*/2"), same("*/3"), same("0-6")) },
);
/** EventBridge: 1 is Sunday. */
const numberedFromOne: fc.Arbitrary<Field> = fc
  .subarray([1, 2, 3, 4, 5, 6, 7], { minLength: 1, maxLength: 4 })
  .map((days) => ({ text: days.join(","), croner: days.map((day) => day - 1).join(",") }));
const year: fc.Arbitrary<Field> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(same("*")) },
  { weight: 1, arbitrary: fc.constantFrom(same("2026"), same("2026-2028"), same("2025,2027"), same("2027")) },
);

const any = fc.constant(same("*"));

const five: fc.Arbitrary<RandomCron> = fc
  .tuple(
    minute,
    hour,
    fc.oneof({ weight: 6, arbitrary: any }, { weight: 3, arbitrary: dayOfMonth }),
    month,
    fc.oneof({ weight: 6, arbitrary: any }, { weight: 5, arbitrary: dayOfWeek }),
  )
  .map((fields) => ({
    expression: fields.map(({ text }) => text).join(" "),
    croner: fields.map(({ croner }) => croner).join(" "),
  }));

const six: fc.Arbitrary<RandomCron> = fc
  .tuple(
    minute,
    hour,
    fc.oneof(
      dayOfMonth.map((inMonth) => [inMonth, { text: "?", croner: "*" }] as const),
      fc
        .oneof(
          numberedFromOne,
          fc.constantFrom(same("MON-FRI"), { text: "SAT-MON", croner: "SAT,SUN,MON" }, same("*")),
        )
        .map((inWeek) => [{ text: "?", croner: "*" }, inWeek] as const),
    ),
    month,
    year,
    fc.boolean(),
  )
  .map(([minutes, hours, [inMonth, inWeek], inYear, years, wrapped]) => {
    const fields = [minutes, hours, inMonth, inYear, inWeek, years];
    const text = fields.map((field) => field.text).join(" ");
    return {
      expression: wrapped ? `cron(${text})` : text,
      croner: `0 ${fields.map(({ croner }) => croner).join(" ")}`,
    };
  });

const nicknames = fc.constantFrom(
  { expression: "@hourly", croner: "0 * * * *" },
  { expression: "@daily", croner: "0 0 * * *" },
  { expression: "@weekly", croner: "0 0 * * 0" },
  { expression: "@monthly", croner: "0 0 1 * *" },
);

/** An expression that fires at some time or other. */
export const randomCron: fc.Arbitrary<RandomCron> = fc
  .oneof({ weight: 24, arbitrary: five }, { weight: 7, arbitrary: six }, { weight: 1, arbitrary: nicknames })
  .filter(({ expression }) => checkCron(expression, "UTC").length === 0);
