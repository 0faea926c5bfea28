import { expect } from "chai";
import { awsFires } from "./interpret/aws.js";
import { azureCronFires, recurrenceFires } from "./interpret/azure.js";
import { changesBetween } from "./interpret/clock.js";
import { Refused } from "./interpret/fields.js";
import { gcpFires } from "./interpret/gcp.js";

const at = (text: string): number => Date.parse(text);
const shown = (fires: readonly number[]): string[] =>
  fires.map((fire) => new Date(fire).toISOString().replace(":00.000Z", "Z"));
const aws = (scheduleExpression: string, zone: string, from: string, to: string): string[] =>
  shown(
    awsFires(
      { scheduleExpression, scheduleExpressionTimezone: zone, flexibleTimeWindow: { mode: "OFF" } },
      at(from),
      at(to),
    ),
  );
const gcp = (schedule: string, timeZone: string, from: string, to: string): string[] =>
  shown(gcpFires({ schedule, timeZone }, at(from), at(to)));

/** The interpreters are the measure of the renderers: what they say is held by the examples of the clouds' documents. */
describe("conformance: interpreters of the clouds' schedules", () => {
  it("find the changes of a clock", () => {
    expect(
      changesBetween("Europe/Paris", at("2026-01-10T00:00:00Z"), at("2026-12-20T00:00:00Z")),
    ).to.deep.equal([
      {
        kind: "gap",
        instant: at("2026-03-29T01:00:00Z"),
        wallFrom: at("2026-03-29T02:00:00Z"),
        wallTo: at("2026-03-29T03:00:00Z"),
      },
      {
        kind: "fold",
        instant: at("2026-10-25T01:00:00Z"),
        wallFrom: at("2026-10-25T02:00:00Z"),
        wallTo: at("2026-10-25T03:00:00Z"),
      },
    ]);
    const [lordHowe] = changesBetween(
      "Australia/Lord_Howe",
      at("2026-09-01T00:00:00Z"),
      at("2026-11-01T00:00:00Z"),
    );
    expect((lordHowe?.wallTo ?? 0) - (lordHowe?.wallFrom ?? 0)).to.equal(30 * 60_000);
    expect(
      changesBetween("Asia/Kolkata", at("2026-01-10T00:00:00Z"), at("2026-12-20T00:00:00Z")),
    ).to.deep.equal([]);
  });

  it("AWS: weekdays count from 1 for Sunday, years are the last field", () => {
    const week = ["2026-06-01T00:00:00Z", "2026-06-08T00:00:00Z"] as const;
    expect(aws("cron(0 6 ? * 2-3 2026)", "UTC", ...week)).to.deep.equal([
      "2026-06-01T06:00Z",
      "2026-06-02T06:00Z",
    ]);
    expect(aws("cron(0 6 ? * SUN *)", "Asia/Tokyo", ...week)).to.deep.equal(["2026-06-06T21:00Z"]);
    expect(aws("cron(0/20 6 3 6 ? 2026)", "UTC", ...week)).to.deep.equal([
      "2026-06-03T06:00Z",
      "2026-06-03T06:20Z",
      "2026-06-03T06:40Z",
    ]);
    expect(aws("cron(0 6 ? * SUN 2027)", "UTC", ...week)).to.deep.equal([]);
  });

  it("AWS: a time that the clocks skip is skipped, one that is shown twice fires once", () => {
    expect(
      aws("cron(30 2 * * ? *)", "Europe/Paris", "2026-03-28T00:00:00Z", "2026-03-30T12:00:00Z"),
    ).to.deep.equal(["2026-03-28T01:30Z", "2026-03-30T00:30Z"]);
    expect(
      aws("cron(30 2 * * ? *)", "Europe/Paris", "2026-10-25T00:00:00Z", "2026-10-25T12:00:00Z"),
    ).to.deep.equal(["2026-10-25T00:30Z"]);
  });

  it("AWS: refuses what the API refuses", () => {
    for (const expression of [
      "cron(0 6 * * * *)",
      "cron(0 6 ? * ? *)",
      "cron(0 6 1 * MON *)",
      "cron(0 6 * * *)",
      "cron(0 6 ? * 0 *)",
      "cron(0 6 ? * FRI-MON *)",
      "cron(60 6 ? * MON *)",
      "0 6 * * ? *",
      `cron(${"0,".repeat(130)}0 6 * * ? *)`,
    ]) {
      expect(
        () => aws(expression, "UTC", "2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z"),
        expression,
      ).to.throw(Refused);
    }
  });

  it("GCP: the two day fields are an OR unless one is a star", () => {
    const days = ["2026-06-01T00:00:00Z", "2026-06-14T00:00:00Z"] as const;
    expect(gcp("0 6 3 * SAT", "UTC", ...days)).to.deep.equal([
      "2026-06-03T06:00Z",
      "2026-06-06T06:00Z",
      "2026-06-13T06:00Z",
    ]);
    expect(gcp("0 6 * * 7", "UTC", ...days)).to.deep.equal(["2026-06-07T06:00Z"]);
    expect(gcp("0 6 3 * *", "UTC", ...days)).to.deep.equal(["2026-06-03T06:00Z"]);
    expect(gcp("0 6 1-31 * MON", "UTC", ...days)).to.have.length(13);
    expect(() => gcp("0 6 */2 * MON", "UTC", ...days)).to.throw(Refused);
    expect(() => gcp("0 6 * * MON 2026", "UTC", ...days)).to.throw(Refused);
  });

  it("Azure: cron in UTC, recurrences in the zone, a skipped time an hour late", () => {
    const june = [at("2026-06-01T00:00:00Z"), at("2026-06-03T00:00:00Z")] as const;
    expect(shown(azureCronFires("30 20 * * 1-5", ...june))).to.deep.equal([
      "2026-06-01T20:30Z",
      "2026-06-02T20:30Z",
    ]);
    // The example of Microsoft's documentation: 2:30 AM daily in Central Time, on 2019-03-10 at 3:30 AM; 11-03 at 2:30.
    const daily = {
      frequency: "Day",
      interval: 1,
      timeZone: "Eastern Standard Time",
      schedule: { hours: [2], minutes: [30] },
    };
    expect(
      shown(recurrenceFires(daily, at("2019-03-09T00:00:00Z"), at("2019-03-12T00:00:00Z"))),
    ).to.deep.equal(["2019-03-09T07:30Z", "2019-03-10T07:30Z", "2019-03-11T06:30Z"]);
    const early = { ...daily, schedule: { hours: ["1"], minutes: [30] } };
    expect(
      shown(recurrenceFires(early, at("2019-11-02T00:00:00Z"), at("2019-11-05T00:00:00Z"))),
    ).to.deep.equal(["2019-11-02T05:30Z", "2019-11-03T05:30Z", "2019-11-04T06:30Z"]);
    const weekly = { ...daily, frequency: "Week", schedule: { ...daily.schedule, weekDays: ["Monday"] } };
    expect(shown(recurrenceFires(weekly, ...june))).to.deep.equal(["2026-06-01T06:30Z"]);
    expect(() => recurrenceFires({ ...daily, schedule: { hours: [2] } }, ...june)).to.throw(Refused);
    expect(() => recurrenceFires({ ...daily, timeZone: "Europe/Paris" }, ...june)).to.throw(Refused);
  });
});
