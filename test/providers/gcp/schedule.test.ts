import { expect } from "chai";
import fc from "fast-check";
import { parseCron } from "../../../model/cron.js";
import { checkSchedule, renderSchedules } from "../../../providers/gcp/schedule.js";
import { makeSchedule } from "../../support/model.js";

const scheduleOf = (cron: string, timezone = "UTC") => makeSchedule(cron, { timezone });

function rendered(cron: string): string {
  const [only, ...others] = renderSchedules(scheduleOf(cron));
  expect(others).to.have.length(0);
  return only?.expression ?? "";
}

/** Cloud Scheduler's rule as its documentation has it, on what it would be given. */
function fires(expression: string, at: Date): boolean {
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = expression.split(" ");
  const matches = (field: string, value: number, max: number) =>
    field.split(",").some((part) => {
      const [range = "", step = "1"] = part.split("/");
      const [from = "", to = from] = range === "*" ? ["0", String(max)] : range.split("-");
      return value >= Number(from) && value <= Number(to) && (value - Number(from)) % Number(step) === 0;
    });
  const dayOfMonth = matches(day, at.getUTCDate(), 31);
  const dayOfWeek = matches(weekday, at.getUTCDay(), 6);
  const days = day !== "*" && weekday !== "*" ? dayOfMonth || dayOfWeek : dayOfMonth && dayOfWeek;
  return (
    matches(minute, at.getUTCMinutes(), 59) &&
    matches(hour, at.getUTCHours(), 23) &&
    matches(month, at.getUTCMonth() + 1, 12) &&
    days
  );
}

const value = (min: number, max: number) => fc.integer({ min, max });
function field(min: number, max: number, step = true) {
  const range = fc
    .tuple(value(min, max), value(min, max))
    .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  const simple = fc.oneof(value(min, max).map(String), range);
  const list = fc.array(simple, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(","));
  const stepped = fc
    .tuple(fc.oneof(fc.constant("*"), range), value(1, Math.max(1, max - 1)))
    .map(([a, b]) => `${a}/${b}`);
  return fc.oneof(fc.constant("*"), list, ...(step ? [stepped] : []));
}

describe("schedules of Cloud Scheduler", () => {
  it("are short where the sets allow it", () => {
    expect(rendered("0 6 * * MON-FRI")).to.equal("0 6 * * 1-5");
    expect(rendered("*/10 8-18 * * 1-5")).to.equal("*/10 8-18 * * 1-5");
    expect(rendered("30 6 ? * MON-FRI *")).to.equal("30 6 * * 1-5");
    expect(rendered("0 0 * * 7")).to.equal("0 0 * * 0");
    expect(rendered("0 0 1 */3 *")).to.equal("0 0 1 1,4,7,10 *");
    expect(rendered("* * * * *")).to.equal("* * * * *");
    expect(rendered("5,6,7,9 0,12 * * *")).to.equal("5-7,9 */12 * * *");
  });

  it("keep unix's OR of the two day fields in one schedule", () => {
    expect(rendered("15 6 1 * MON")).to.equal("15 6 1 * 1");
    expect(rendered("15 6 1-31 * MON")).to.equal("15 6 * * *");
    expect(rendered("15 6 */2 * MON")).to.equal("15 6 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31 * 1");
  });

  it("have the schedule's own zone", () => {
    expect(renderSchedules(scheduleOf("0 6 * * *", "Europe/Paris"))).to.deep.equal([
      { expression: "0 6 * * *", timezone: "Europe/Paris" },
    ]);
  });

  it("fire when the neutral expression does, for any expression and time", () => {
    const expressions = fc
      .tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6))
      .map((fields) => fields.join(" "))
      .filter((text) => {
        try {
          parseCron(text);
          return true;
        } catch {
          return false;
        }
      });
    const minutes = fc
      .integer({ min: 0, max: 4 * 366 * 1440 })
      .map((m) => new Date(Date.UTC(2026, 0, 1, 0, m)));
    void fc.assert(
      fc.property(expressions, fc.array(minutes, { minLength: 50, maxLength: 50 }), (text, times) => {
        const cron = parseCron(text);
        const expression = rendered(text);
        // Of random minutes few match: the hour and minute are set to ones that do.
        for (const time of times) {
          const at = new Date(time);
          at.setUTCHours(cron.hours[time.getUTCHours() % cron.hours.length] ?? 0);
          at.setUTCMinutes(cron.minutes[time.getUTCMinutes() % cron.minutes.length] ?? 0);
          for (const instant of [time, at]) {
            const dom = cron.daysOfMonth.includes(instant.getUTCDate());
            const dow = cron.daysOfWeek.includes(instant.getUTCDay());
            const days = cron.daysOfMonthRestricted && cron.daysOfWeekRestricted ? dom || dow : dom && dow;
            const expected =
              days &&
              cron.minutes.includes(instant.getUTCMinutes()) &&
              cron.hours.includes(instant.getUTCHours()) &&
              cron.months.includes(instant.getUTCMonth() + 1);
            expect(
              fires(expression, instant),
              `${text} as ${expression} at ${instant.toISOString()}`,
            ).to.equal(expected);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("can't name years", () => {
    expect(
      checkSchedule(scheduleOf("0 6 ? * MON 2027")).map(({ code, severity }) => [severity, code]),
    ).to.deep.equal([["error", "gcp-cron-year"]]);
    expect(checkSchedule(scheduleOf("0 6 ? * MON *"))).to.deep.equal([]);
    expect(checkSchedule(scheduleOf("0 6 1 * MON"))).to.deep.equal([]);
  });
});
