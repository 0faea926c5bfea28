import { expect } from "chai";
import fc from "fast-check";
import { parseCron } from "../../../model/cron.js";
import { checkSchedule, renderSchedules } from "../../../providers/aws/schedule.js";
import { samplePlan } from "../plans.js";

const dayNames = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/** Values of one field, read by EventBridge's rules and none of ours. */
function read(field: string, min: number, max: number): Set<number> {
  const found = new Set<number>();
  const value = (text: string) => (dayNames.includes(text) ? dayNames.indexOf(text) : Number(text));
  for (const part of field.split(",")) {
    const [range = "", step = "1"] = part.split("/");
    const [from = "", to] = range.split("-");
    const first = from === "*" ? min : value(from);
    const last = to !== undefined ? value(to) : from === "*" || part.includes("/") ? max : first;
    if (!(first >= min && first <= last && last <= max)) throw new Error(`${field} is out of range`);
    for (let n = first; n <= last; n += Number(step)) found.add(n);
  }
  return found;
}

/** Whether an EventBridge expression fires at a local time. */
function fires(expression: string, at: Date): boolean {
  const match = /^cron\((.*)\)$/.exec(expression);
  const [minutes = "", hours = "", ofMonth = "", months = "", ofWeek = "", years = ""] = (
    match?.[1] ?? ""
  ).split(" ");
  expect(
    [ofMonth, ofWeek].filter((field) => field === "?"),
    expression,
  ).to.have.length(1);
  return (
    read(minutes, 0, 59).has(at.getUTCMinutes()) &&
    read(hours, 0, 23).has(at.getUTCHours()) &&
    (ofMonth === "?" || read(ofMonth, 1, 31).has(at.getUTCDate())) &&
    read(months, 1, 12).has(at.getUTCMonth() + 1) &&
    (ofWeek === "?" || read(ofWeek, 0, 6).has(at.getUTCDay())) &&
    read(years, 1970, 2199).has(at.getUTCFullYear())
  );
}

/** Whether the project's expression does: unix rules over the parsed sets. */
function meant(cron: string, at: Date): boolean {
  const parsed = parseCron(cron);
  const ofMonth = parsed.daysOfMonth.includes(at.getUTCDate());
  const ofWeek = parsed.daysOfWeek.includes(at.getUTCDay());
  const either = parsed.daysOfMonthRestricted && parsed.daysOfWeekRestricted;
  return (
    parsed.minutes.includes(at.getUTCMinutes()) &&
    parsed.hours.includes(at.getUTCHours()) &&
    parsed.months.includes(at.getUTCMonth() + 1) &&
    (parsed.years === null || parsed.years.includes(at.getUTCFullYear())) &&
    (either ? ofMonth || ofWeek : ofMonth && ofWeek)
  );
}

const field = (min: number, max: number) => {
  const number = fc.integer({ min, max });
  const range = fc.tuple(number, number).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  const step = fc.integer({ min: 1, max: Math.max(1, max >> 1) });
  const part = fc.oneof(
    number.map(String),
    range,
    fc.tuple(range, step).map(([r, s]) => `${r}/${s}`),
    step.map((s) => `*/${s}`),
  );
  const list = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(","));
  return fc.oneof(fc.constant("*"), list);
};
const cron = fc
  .tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
  .map((all) => all.join(" "));
const instants = fc
  .tuple(fc.integer({ min: 0, max: 1460 }), fc.integer({ min: 0, max: 1439 }))
  .map(([day, minute]) => new Date(Date.UTC(2026, 0, 1) + day * 86_400_000 + minute * 60_000));

describe("AWS schedules", function () {
  this.timeout(120_000);

  it("fire when the project's expression does", () => {
    void fc.assert(
      fc.property(cron, fc.array(instants, { minLength: 20, maxLength: 20 }), (expression, times) => {
        const rendered = renderSchedules({ cron: expression });
        const wrong = times.find((at) => rendered.some((one) => fires(one, at)) !== meant(expression, at));
        expect(wrong, `${expression} as ${rendered}`).to.equal(undefined);
      }),
      { numRuns: 200 },
    );
  });

  const examples: Readonly<Record<string, readonly string[]>> = {
    "0 6 * * *": ["cron(0 6 * * ? *)"],
    "0 6 * * MON-FRI": ["cron(0 6 ? * MON-FRI *)"],
    "30 6 ? * MON-FRI *": ["cron(30 6 ? * MON-FRI *)"],
    "0 6 * * 0,6": ["cron(0 6 ? * SUN,SAT *)"],
    "15 6 1 * MON": ["cron(15 6 1 * ? *)", "cron(15 6 ? * MON *)"],
    "*/10 8-18 * * 1-5": ["cron(0/10 8-18 ? * MON-FRI *)"],
    "0 12 1 */3 *": ["cron(0 12 1 1/3 ? *)"],
    "0 0 1 1 ? 2027-2029": ["cron(0 0 1 1 ? 2027-2029)"],
    "0 0 */1 * MON": ["cron(0 0 * * ? *)"],
    "5,6,7,20 0 1,15 * *": ["cron(5-7,20 0 1,15 * ? *)"],
  };
  for (const [expression, rendered] of Object.entries(examples)) {
    it(`${expression} is ${rendered.join(" and ")}`, () => {
      expect(renderSchedules({ cron: expression })).to.deep.equal(rendered);
    });
  }

  const [daily] = samplePlan("aws").schedules;
  if (!daily) throw new Error("the sample has a schedule");

  it("an expression that AWS would cut is an error", () => {
    const years = Array.from({ length: 58 }, (_, i) => 2026 + 3 * i + (i % 2)).join(",");
    const found = checkSchedule({ ...daily, cron: `0 0 1 1 ? ${years}` });
    expect(found.map(({ severity, code }) => [severity, code])).to.deep.equal([
      ["error", "aws-cron-too-long"],
    ]);
    expect(found[0]?.message).to.contain("daily");
  });

  it("two schedules for one are said, louder where nothing skips the second", () => {
    const severities = (["skip", "allow"] as const).map((overlap) =>
      checkSchedule({ ...daily, cron: "0 6 1 * MON", overlap }).map(
        ({ severity, code }) => `${severity} ${code}`,
      ),
    );
    expect(severities).to.deep.equal([["info aws-cron-or-days"], ["warning aws-cron-or-days"]]);
    expect(checkSchedule(daily)).to.deep.equal([]);
  });
});
