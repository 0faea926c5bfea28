import { expect } from "chai";
import fc from "fast-check";
import { fireTimes, parseCron } from "../../../model/cron.js";
import {
  checkSchedule,
  isNative,
  type RenderedSchedule,
  renderSchedules,
  windowsZone,
} from "../../../providers/azure/schedule.js";
import { utcOffsets } from "../../../providers/azure/utc-cron.js";
import { makeSchedule } from "../../support/model.js";

const scheduleOf = (cron: string, timezone = "UTC") => makeSchedule(cron, { timezone });

function rendered(cron: string, timezone = "UTC"): RenderedSchedule {
  const [only, ...others] = renderSchedules(scheduleOf(cron, timezone));
  if (only === undefined || others.length > 0) throw new Error("expected one");
  return only;
}

function expressionOf(cron: string, timezone = "UTC"): string {
  const found = rendered(cron, timezone);
  if (found.kind !== "cron") throw new Error(`${cron} in ${timezone} is a recurrence`);
  return found.expression;
}

/** Five fields as the cron of Kubernetes reads them, which runs the jobs: in UTC, the two day fields joined by OR. */
function fires(expression: string, at: Date): boolean {
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = expression.split(" ");
  const matches = (text: string, value: number) =>
    text === "*" ||
    text.split(",").some((item) => {
      const [first = "", last = first] = item.split("-");
      return value >= Number(first) && value <= Number(last);
    });
  const dayOfMonth = matches(day, at.getUTCDate());
  const dayOfWeek = matches(weekday, at.getUTCDay());
  return (
    matches(minute, at.getUTCMinutes()) &&
    matches(hour, at.getUTCHours()) &&
    matches(month, at.getUTCMonth() + 1) &&
    (day !== "*" && weekday !== "*" ? dayOfMonth || dayOfWeek : dayOfMonth && dayOfWeek)
  );
}

/** A Recurrence and its condition as the documentation of Logic Apps has them, on a clock without changes of `offset` minutes. */
function recurs(found: RenderedSchedule, offset: number, at: Date): boolean {
  if (found.kind !== "recurrence") throw new Error("expected a recurrence");
  const local = new Date(at.getTime() + offset * 60_000);
  const { hours, minutes, weekDays } = found.recurrence.schedule;
  const name = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"][
    local.getUTCDay()
  ];
  if (!hours.includes(local.getUTCHours()) || !minutes.includes(local.getUTCMinutes())) return false;
  if (weekDays && !weekDays.includes(name ?? "")) return false;
  return found.condition === undefined || holds(found.condition, local);
}

/** The condition's few functions, by an interpreter of their text. */
function holds(condition: string, local: Date): boolean {
  const parts: Readonly<Record<string, number>> = {
    dd: local.getUTCDate(),
    MM: local.getUTCMonth() + 1,
    yyyy: local.getUTCFullYear(),
  };
  const scheduled = /coalesce\(trigger\(\)\?\['scheduledTime'\], utcNow\(\)\)/g;
  const text = condition
    .replace(scheduled, "NOW")
    .replace(/int\(convertFromUtc\(NOW, '[^']+', '(dd|MM|yyyy)'\)\)/g, (_, format) => String(parts[format]))
    .replace(/dayOfWeek\(convertFromUtc\(NOW, '[^']+'\)\)/g, String(local.getUTCDay()))
    .replace(/contains\(createArray\(([^)]*)\), (\d+)\)/g, (_, list: string, value) =>
      String(list.split(", ").includes(value)),
    );
  const reduced = (function reduce(rest: string): string {
    const next = rest.replace(/(and|or)\(((?:true|false)(?:, (?:true|false))*)\)/, (_, name, list: string) =>
      String(name === "and" ? !list.includes("false") : list.includes("true")),
    );
    return next === rest ? rest : reduce(next);
  })(text);
  if (reduced !== "true" && reduced !== "false") throw new Error(`not understood: ${reduced}`);
  return reduced === "true";
}

const value = (min: number, max: number) => fc.integer({ min, max });
function field(min: number, max: number) {
  const range = fc
    .tuple(value(min, max), value(min, max))
    .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  const list = fc
    .array(fc.oneof(value(min, max).map(String), range), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join(","));
  return fc.oneof(
    fc.constant("*"),
    list,
    value(2, Math.max(2, max - 1)).map((step) => `*/${step}`),
  );
}
const crons = fc
  .tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6))
  .map((fields) => fields.join(" "))
  .filter((text) => {
    try {
      return parseCron(text) !== null;
    } catch {
      return false;
    }
  });
/** Often used days, so that most of the expressions are of the kind that can be shifted. */
const plainCrons = fc
  .tuple(field(0, 59), field(0, 23), fc.oneof(fc.constant("*"), field(0, 6)))
  .map(([minute, hour, weekday]) => `${minute} ${hour} * * ${weekday}`);

const fixedZones = [
  "UTC",
  "Asia/Tokyo",
  "Asia/Kolkata",
  "Asia/Kathmandu",
  "America/Phoenix",
  "America/Sao_Paulo",
  "Pacific/Kiritimati",
  "Pacific/Pago_Pago",
  "Australia/Brisbane",
  "Pacific/Marquesas",
];

describe("schedules on Azure", () => {
  it("are the same expression in UTC", () => {
    expect(expressionOf("0 6 * * MON-FRI")).to.equal("0 6 * * 1-5");
    expect(expressionOf("*/10 8-18 * * 1-5")).to.equal("0,10,20,30,40,50 8-18 * * 1-5");
    expect(expressionOf("30 6 ? * MON-FRI *")).to.equal("30 6 * * 1-5");
    expect(expressionOf("0 0 1 */3 *")).to.equal("0 0 1 1,4,7,10 *");
    expect(expressionOf("15 6 1 * MON")).to.equal("15 6 1 * 1");
    expect(expressionOf("* * * * *")).to.equal("* * * * *");
  });

  it("are shifted to UTC where clocks are never changed, with the weekday where it changes", () => {
    expect(expressionOf("0 12 * * MON-FRI", "Asia/Tokyo")).to.equal("0 3 * * 1-5");
    expect(expressionOf("0 3 * * MON-FRI", "Asia/Tokyo")).to.equal("0 18 * * 0-4");
    expect(expressionOf("0 20 * * SAT", "America/Phoenix")).to.equal("0 3 * * 0");
    expect(expressionOf("0 2 * * 1", "Asia/Kolkata")).to.equal("30 20 * * 0");
    expect(expressionOf("0 */6 * * *", "Asia/Kathmandu")).to.equal("15 0,6,12,18 * * *");
    expect(expressionOf("0 12 1 * *", "Asia/Tokyo")).to.equal("0 3 1 * *");
  });

  it("that follow real time need only the minutes of the zone", () => {
    expect(expressionOf("*/15 * * * *", "Europe/Paris")).to.equal("0,15,30,45 * * * *");
    expect(rendered("*/15 * * * MON", "Europe/Paris").kind).to.equal("recurrence");
    expect(rendered("0 * * * *", "Australia/Lord_Howe").kind).to.equal("recurrence");
  });

  it("are a Recurrence where no single expression in UTC means the same", () => {
    expect(rendered("0 6 * * *", "Europe/Paris")).to.deep.equal({
      kind: "recurrence",
      recurrence: {
        frequency: "Day",
        interval: 1,
        timeZone: "Romance Standard Time",
        schedule: { hours: [6], minutes: [0] },
      },
    });
    expect(rendered("30 6,18 * * MON,FRI", "America/New_York")).to.deep.equal({
      kind: "recurrence",
      recurrence: {
        frequency: "Week",
        interval: 1,
        timeZone: "Eastern Standard Time",
        schedule: { hours: [6, 18], minutes: [30], weekDays: ["Monday", "Friday"] },
      },
    });
    for (const cron of ["0 6 1 * *", "0 6 1 * MON", "0 6 * 2 *", "0 6,12 * * MON", "0 6 ? * MON 2027"]) {
      expect(rendered(cron, "Asia/Tokyo").kind, cron).to.equal("recurrence");
    }
  });

  it("fire when the model's do, for any expression in zones without changes", function () {
    this.timeout(120_000);
    const start = fc.integer({ min: 0, max: 6 * 365 }).map((day) => Date.UTC(2026, 0, 1 + day));
    let native = 0;
    let recurring = 0;
    void fc.assert(
      fc.property(fc.oneof(plainCrons, crons), fc.constantFrom(...fixedZones), start, (cron, zone, at) => {
        const found = rendered(cron, zone);
        const days = found.kind === "cron" ? 9 : 40;
        const end = at + days * 86_400_000;
        const all = fireTimes(parseCron(cron), zone, new Date(at - 1), new Date(end - 1), 4000);
        const expected = new Set(all.map((time) => time.getTime()));
        // As far as the model was asked: every minute would be too many.
        const last = all.length === 4000 ? (all.at(-1)?.getTime() ?? end) : end - 1;
        const [offset = 0] = utcOffsets(zone);
        if (found.kind === "cron") native++;
        else recurring++;
        for (let minute = at; minute <= last; minute += 60_000) {
          const time = new Date(minute);
          const fired = found.kind === "cron" ? fires(found.expression, time) : recurs(found, offset, time);
          if (fired !== expected.has(minute)) {
            expect.fail(`${cron} in ${zone} at ${time.toISOString()}: ${JSON.stringify(found)}`);
          }
        }
      }),
      { numRuns: 150, seed: 7 },
    );
    expect(native).to.be.greaterThan(40);
    expect(recurring).to.be.greaterThan(20);
  });

  it("of every hour fire when the model's do, also where clocks change", () => {
    const changes = [Date.UTC(2026, 2, 28), Date.UTC(2026, 9, 24), Date.UTC(2027, 2, 13)];
    for (const zone of ["Europe/Paris", "America/New_York", "Africa/Casablanca"]) {
      const expression = expressionOf("7,37 * * * *", zone);
      for (const at of changes) {
        const all = fireTimes(
          parseCron("7,37 * * * *"),
          zone,
          new Date(at - 1),
          new Date(at + 3 * 86_400_000 - 1),
        );
        const expected = all.map((time) => time.getTime());
        const actual: number[] = [];
        for (let minute = at; minute < at + 3 * 86_400_000; minute += 60_000) {
          if (fires(expression, new Date(minute))) actual.push(minute);
        }
        expect(actual).to.deep.equal(expected);
      }
    }
  });

  it("in a zone without a Windows name are an error, unless UTC will do", () => {
    expect(windowsZone("Antarctica/Troll")).to.equal(undefined);
    expect(checkSchedule(scheduleOf("0 6 * * *", "Antarctica/Troll")).map(({ code }) => code)).to.deep.equal([
      "azure-timezone",
    ]);
    expect(checkSchedule(scheduleOf("*/5 * * * *", "Antarctica/Troll"))).to.deep.equal([]);
  });

  it("find a Windows name for nearly every zone, and for all whose clocks are not changed", () => {
    const missing = Intl.supportedValuesOf("timeZone").filter((zone) => windowsZone(zone) === undefined);
    expect(missing.length, missing.join(", ")).to.be.lessThan(5);
    expect(missing.filter((zone) => utcOffsets(zone).length === 1)).to.deep.equal([]);
  });

  it("say where the change of clocks is Azure's to decide", () => {
    const codes = (cron: string, zone: string) =>
      checkSchedule(scheduleOf(cron, zone)).map(({ severity, code }) => `${severity} ${code}`);
    expect(codes("30 2 * * *", "Europe/Paris")).to.deep.equal(["info azure-clock-change"]);
    expect(codes("30 6 * * *", "Europe/Paris")).to.deep.equal([]);
    expect(codes("30 2 1 * *", "Asia/Tokyo")).to.deep.equal([]);
    expect(isNative(scheduleOf("30 2 * * *", "Asia/Tokyo"))).to.equal(true);
    expect(isNative(scheduleOf("30 2 * * *", "Europe/Paris"))).to.equal(false);
  });
});
