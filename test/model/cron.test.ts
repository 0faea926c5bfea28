import { expect } from "chai";
import fc from "fast-check";
import {
  CronError,
  checkCron,
  describeCron,
  fireTimes,
  latestFire,
  nextFire,
  parseCron,
} from "../../model/cron.js";

const iso = (date: Date | null): string | null => date?.toISOString().replace(":00.000Z", "Z") ?? null;
const fires = (expression: string, zone: string, from: string, to: string): (string | null)[] =>
  fireTimes(parseCron(expression), zone, new Date(from), new Date(to)).map(iso);

describe("parseCron", () => {
  it("reads unix's five fields into sets", () => {
    const cron = parseCron("*/20 6-8 1,15 JAN-mar MON-FRI");
    expect(cron).to.deep.equal({
      minutes: [0, 20, 40],
      hours: [6, 7, 8],
      daysOfMonth: [1, 15],
      months: [1, 2, 3],
      daysOfWeek: [1, 2, 3, 4, 5],
      years: null,
      daysOfMonthRestricted: true,
      daysOfWeekRestricted: true,
    });
    expect(JSON.parse(JSON.stringify(cron))).to.deep.equal(cron);
  });

  it("counts weekdays from Sunday: 0 or 7 in five fields, 1 in EventBridge's six", () => {
    expect(parseCron("0 0 * * 0").daysOfWeek).to.deep.equal([0]);
    expect(parseCron("0 0 * * 7").daysOfWeek).to.deep.equal([0]);
    expect(parseCron("0 0 * * 5-7").daysOfWeek).to.deep.equal([0, 5, 6]);
    expect(parseCron("0 0 * * FRI-MON").daysOfWeek).to.deep.equal([0, 1, 5, 6]);
    expect(parseCron("0 0 ? * 1 *").daysOfWeek).to.deep.equal([0]);
    expect(parseCron("cron(0 6 ? * 2-6 *)").daysOfWeek).to.deep.equal([1, 2, 3, 4, 5]);
    expect(parseCron("0 6 ? * FRI-MON *").daysOfWeek).to.deep.equal([0, 1, 5, 6]);
  });

  it("reads years, and the usual nicknames", () => {
    expect(parseCron("0 0 1 1 ? 2027-2029").years).to.deep.equal([2027, 2028, 2029]);
    expect(parseCron("@daily")).to.deep.equal(parseCron("0 0 * * *"));
    expect(parseCron("@weekly")).to.deep.equal(parseCron("0 0 * * 0"));
  });

  const bad: [string, RegExp][] = [
    ["", /empty/],
    ["* * * *", /has 4/],
    ["0 0 0 1 1 ? 2027", /has 7/],
    ["60 * * * *", /60 is out of range for the minute/],
    ["* 24 * * *", /hour/],
    ["* * 0 * *", /day of month/],
    ["* * * 13 *", /month/],
    ["* * * * 8", /day of week/],
    ["0 0 ? * 0 *", /0 is out of range for the day of week/],
    ["* * * FOO *", /not a month/],
    ["*/0 * * * *", /step/],
    ["5-1 * * * *", /backwards/],
    ["1,,2 * * * *", /not a minute/],
    ["? * * * *", /`\?` can't stand/],
    ["0 0 L * ?", /`L`/],
    ["0 0 LW * *", /`L`/],
    ["0 0 ? * 6L *", /`L`/],
    ["0 0 15W * *", /`W`/],
    ["0 0 * * MON#2", /`#`/],
    ["rate(5 minutes)", /not a cron/],
    ["@reboot", /not known/],
    ["0 0 12 * * *", /no `\?`/],
    ["0 0 0 12 * MON", /6th field .* not a year/],
    ["0 6 1 * MON *", /both days/],
    ["0 6 ? * ? *", /both day fields/],
  ];
  for (const [expression, message] of bad) {
    it(`refuses \`${expression}\` with a hint`, () => {
      try {
        parseCron(expression);
        expect.fail("was accepted");
      } catch (error) {
        if (!(error instanceof CronError)) throw error;
        expect(error.message).to.match(message);
        expect(error.code).to.equal("bad-cron");
        expect(error.hint).to.have.length.above(10);
      }
    });
  }

  it("knows which dates don't exist", () => {
    for (const never of ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 29 2 ? 2027", "0 0 31 FEB ? *"]) {
      expect(
        checkCron(never, "UTC").map((p) => p.code),
        never,
      ).to.deep.equal(["cron-never-fires"]);
    }
    for (const fine of ["0 0 29 2 *", "0 0 31 1-4 *", "0 0 30 2 MON", "0 0 29 2 ? 2028"]) {
      expect(checkCron(fine, "UTC"), fine).to.deep.equal([]);
    }
  });

  it("only ever throws CronError, on any text", () => {
    const token = fc.constantFrom(
      "*",
      "?",
      "L",
      "W",
      "#",
      "/",
      "-",
      ",",
      " ",
      "1",
      "7",
      "31",
      "MON",
      "cron(",
      ")",
      "@",
      "2027",
    );
    void fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(token, { maxLength: 20 }).map((t) => t.join("")),
        ),
        (text) => {
          try {
            parseCron(text);
          } catch (error) {
            expect(error).to.be.instanceOf(CronError);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe("checkCron", () => {
  it("finds the zone that was meant, and takes aliases", () => {
    expect(checkCron("0 6 * * *", "Europe/Pariss")[0]).to.include({
      code: "unknown-timezone",
      hint: "did you mean `Europe/Paris`?",
    });
    expect(checkCron("0 6 * * *", "Paris")[0]?.hint).to.include("Europe/Paris");
    expect(checkCron("0 6 * * *", "New York")[0]?.hint).to.include("America/New_York");
    expect(checkCron("0 6 * * *", "zzzzzzzzzz")[0]?.hint).to.include("IANA");
    for (const zone of ["UTC", "Etc/UTC", "US/Eastern", "GMT", "Asia/Kolkata"]) {
      expect(checkCron("0 6 * * *", zone), zone).to.deep.equal([]);
    }
    for (const zone of ["", "+02:00", "Europe/", "../etc"]) {
      expect(checkCron("0 6 * * *", zone), zone).to.have.length(1);
    }
  });

  it("reports expression and zone at once", () => {
    expect(checkCron("nope", "Nowhere/Atall").map((p) => p.code)).to.deep.equal([
      "bad-cron",
      "unknown-timezone",
    ]);
  });
});

describe("nextFire", () => {
  it("fires on either day field when both are restricted", () => {
    expect(fires("0 0 15 * MON", "UTC", "2026-06-01T00:00:00Z", "2026-06-22T00:00:00Z")).to.deep.equal([
      "2026-06-08T00:00Z",
      "2026-06-15T00:00Z",
      "2026-06-22T00:00Z",
    ]);
    expect(fires("0 0 16 * MON", "UTC", "2026-06-14T00:00:00Z", "2026-06-20T00:00:00Z")).to.deep.equal([
      "2026-06-15T00:00Z",
      "2026-06-16T00:00Z",
    ]);
  });

  it("is after, never at, the instant; latestFire is at or before it", () => {
    const cron = parseCron("0 6 * * *");
    const six = new Date("2026-06-01T06:00:00Z");
    expect(iso(nextFire(cron, "UTC", six))).to.equal("2026-06-02T06:00Z");
    expect(iso(nextFire(cron, "UTC", new Date(six.getTime() - 1)))).to.equal("2026-06-01T06:00Z");
    expect(iso(latestFire(cron, "UTC", six))).to.equal("2026-06-01T06:00Z");
    expect(iso(latestFire(cron, "UTC", new Date(six.getTime() - 1)))).to.equal("2026-05-31T06:00Z");
  });

  it("looks as far as the calendar needs, and ends with the years", () => {
    expect(iso(nextFire(parseCron("0 0 29 2 *"), "UTC", new Date("2096-03-01Z")))).to.equal(
      "2104-02-29T00:00Z",
    );
    const once = parseCron("30 12 4 7 ? 2027");
    expect(iso(nextFire(once, "UTC", new Date("2026-01-01Z")))).to.equal("2027-07-04T12:30Z");
    expect(nextFire(once, "UTC", new Date("2027-07-04T12:30:00Z"))).to.equal(null);
    expect(latestFire(once, "UTC", new Date("2027-07-04T12:29:00Z"))).to.equal(null);
    expect(iso(latestFire(once, "UTC", new Date("2190-01-01Z")))).to.equal("2027-07-04T12:30Z");
  });

  // Gap: clocks skip from 2 to 3. Fold: the hour is shown twice.
  const changes = [
    {
      zone: "Europe/Paris",
      gap: "2026-03-29",
      gapEnd: "2026-03-29T01:00Z",
      fold: "2026-10-25",
      hour: 2,
      first: "2026-10-25T00:30Z",
    },
    {
      zone: "Europe/Paris",
      gap: "2027-03-28",
      gapEnd: "2027-03-28T01:00Z",
      fold: "2027-10-31",
      hour: 2,
      first: "2027-10-31T00:30Z",
    },
    {
      zone: "America/New_York",
      gap: "2026-03-08",
      gapEnd: "2026-03-08T07:00Z",
      fold: "2026-11-01",
      hour: 1,
      first: "2026-11-01T05:30Z",
    },
    {
      zone: "America/New_York",
      gap: "2027-03-14",
      gapEnd: "2027-03-14T07:00Z",
      fold: "2027-11-07",
      hour: 1,
      first: "2027-11-07T05:30Z",
    },
  ];
  for (const { zone, gap, gapEnd, fold, hour, first } of changes) {
    const around = (day: string): [string, string] => [`${day}T00:00:00Z`, `${day}T10:00:00Z`];
    it(`${zone} ${gap}: times in the gap fire once, at its end`, () => {
      expect(fires("30 2 * * *", zone, ...around(gap))).to.deep.equal([gapEnd]);
      expect(fires("10,30,50 2 * * *", zone, ...around(gap))).to.deep.equal([gapEnd]);
    });
    it(`${zone} ${fold}: a repeated time fires the first time only`, () => {
      const [from, to] = [new Date(new Date(`${fold}T00:00:00Z`).getTime() - 3_600_000), `${fold}T10:00:00Z`];
      expect(fires(`30 ${hour} * * *`, zone, from.toISOString(), to)).to.deep.equal([first]);
      expect(fires(`0,30 ${hour} * * *`, zone, from.toISOString(), to)).to.have.length(2);
    });
    it(`${zone}: what fires every hour goes on every real hour through gap and fold`, () => {
      for (const day of [gap, fold]) {
        expect(fires("30 * * * *", zone, ...around(day))).to.have.length(10);
        expect(fires("*/15 * * * *", zone, ...around(day))).to.have.length(40);
      }
    });
  }

  it("handles a zone whose whole day was skipped, and half-hour changes", () => {
    expect(
      fires("0 12 30 12 ?  2011", "Pacific/Apia", "2011-12-28T00:00:00Z", "2012-01-05T00:00:00Z"),
    ).to.deep.equal(["2011-12-30T10:00Z"]);
    expect(
      fires("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", "2026-10-04T12:00:00Z"),
    ).to.deep.equal(["2026-10-03T15:30Z"]);
  });

  it("computes 1,000 schedules in well under a second", () => {
    const crons = Array.from({ length: 1000 }, (_, i) => parseCron(`${i % 60} ${i % 24} * * *`));
    const started = performance.now();
    for (const cron of crons) nextFire(cron, "Europe/Paris", new Date("2026-03-28T12:00:00Z"));
    expect(performance.now() - started).to.be.below(5000);
  });

  it("agrees with an interpreter that tries every minute", function () {
    this.timeout(120_000);
    const field = (min: number, max: number): fc.Arbitrary<string> =>
      fc.oneof(
        { weight: 2, arbitrary: fc.constant("*") },
        { weight: 1, arbitrary: fc.integer({ min: 2, max: 7 }).map((n) => `*/${n}`) },
        {
          weight: 3,
          arbitrary: fc
            .uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 3 })
            .map((v) => v.join(",")),
        },
      );
    const expression = fc
      .tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6))
      .map((fields) => fields.join(" "));
    const start = fc.constantFrom(
      "2026-03-28T20:00:00Z",
      "2026-10-24T20:00:00Z",
      "2026-03-07T20:00:00Z",
      "2026-10-31T20:00:00Z",
      "2026-06-30T20:00:00Z",
      "2027-12-31T10:00:00Z",
    );
    const zone = fc.constantFrom(
      "Europe/Paris",
      "America/New_York",
      "UTC",
      "Asia/Kolkata",
      "Australia/Sydney",
    );
    void fc.assert(
      fc.property(expression, zone, start, (text, timezone, from) => {
        const begin = new Date(from).getTime();
        const end = begin + 40 * 3_600_000;
        const expected = bruteForce(text, timezone, begin, end);
        const cron = safeParse(text);
        if (!cron) return;
        expect(
          fireTimes(cron, timezone, new Date(begin - 1), new Date(end), 5000).map((d) => d.getTime()),
        ).to.deep.equal(expected);
        // One after the other they are the same as all at once.
        const walked: number[] = [];
        for (let at = begin - 1; ; ) {
          const next = nextFire(cron, timezone, new Date(at));
          if (next === null || next.getTime() > end || walked.length > 100) break;
          at = next.getTime();
          walked.push(at);
        }
        expect(walked.slice(0, 100)).to.deep.equal(expected.slice(0, 100));
        expect(fireTimes(cron, timezone, new Date(begin - 1), new Date(end), 7).map(Number)).to.deep.equal(
          expected.slice(0, 7),
        );
        const last = expected.at(-1);
        if (last !== undefined) expect(latestFire(cron, timezone, new Date(end))?.getTime()).to.equal(last);
      }),
      { numRuns: 120 },
    );
  });
});

function safeParse(text: string): ReturnType<typeof parseCron> | null {
  try {
    return parseCron(text);
  } catch (error) {
    if (error instanceof CronError && error.code === "cron-never-fires") return null;
    throw error;
  }
}

/** Independent of the code under test: reads the fields itself and watches the zone's clock minute by minute. */
function bruteForce(text: string, timezone: string, begin: number, end: number): number[] {
  const [m = "", h = "", dom = "", mon = "", dow = ""] = text.split(" ");
  const matches = (field: string, value: number, min: number): boolean =>
    field === "*" ||
    (field.startsWith("*/")
      ? (value - min) % Number(field.slice(2)) === 0
      : field.split(",").map(Number).includes(value));
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone: timezone,
    dateStyle: "short",
    timeStyle: "medium",
  });
  const clock = (at: number): number => Date.parse(`${format.format(at).replace(" ", "T")}Z`);
  const wanted = (local: number): boolean => {
    const d = new Date(local);
    const day = matches(dom, d.getUTCDate(), 1);
    const weekday = matches(dow, d.getUTCDay(), 0);
    return (
      matches(m, d.getUTCMinutes(), 0) &&
      matches(h, d.getUTCHours(), 0) &&
      matches(mon, d.getUTCMonth() + 1, 1) &&
      (dom !== "*" && dow !== "*" ? day || weekday : day && weekday)
    );
  };
  const everyHour = h === "*";
  const found: number[] = [];
  let shownUntil = clock(begin - 26 * 3_600_000);
  for (let at = begin - 26 * 3_600_000; at <= end; at += 60_000) {
    const local = clock(at);
    let fire = false;
    if (everyHour) {
      fire = wanted(local);
    } else {
      // Everything that the clock shows now for the first time, the skipped minutes included.
      for (let shown = shownUntil + 60_000; shown <= local; shown += 60_000) fire ||= wanted(shown);
      shownUntil = Math.max(shownUntil, local);
    }
    if (fire && at >= begin) found.push(at);
  }
  return found;
}

describe("describeCron", () => {
  it("says it in words", () => {
    const cases: [string, string][] = [
      ["0 6 * * MON-FRI", "at 06:00 on Monday-Friday"],
      ["*/15 * * * *", "every 15 minutes"],
      ["0 * * * *", "every hour"],
      ["30 2 * * *", "at 02:30 every day"],
      ["0 0 1 1 *", "at 00:00 on day 1 of the month in January"],
    ];
    for (const [expression, words] of cases) expect(describeCron(parseCron(expression))).to.equal(words);
  });
});
