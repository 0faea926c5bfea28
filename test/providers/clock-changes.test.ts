import { expect } from "chai";
import { parseCron } from "../../model/cron.js";
import { clockEffects } from "../../providers/clock-changes.js";

const effects = (expression: string, timezone: string): string => {
  const { skipped, repeated, everyHour } = clockEffects(parseCron(expression), timezone);
  return [skipped && "skipped", repeated && "repeated", everyHour && "every hour"].filter(Boolean).join(", ");
};

describe("clockEffects", () => {
  const cases: [string, string, string][] = [
    ["30 2 * * *", "Europe/Paris", "skipped, repeated"],
    ["30 1 * * *", "Europe/Paris", ""],
    ["0 3 * * *", "Europe/Paris", ""],
    ["59 2 * * MON", "Europe/Paris", "skipped, repeated"],
    ["30 2 * * *", "America/New_York", "skipped"],
    ["30 1 * * *", "America/New_York", "repeated"],
    ["0 0 * * *", "America/Havana", "skipped, repeated"],
    // The hour before midnight is the one that Santiago repeats; the one after it is skipped.
    ["30 23 * * *", "America/Santiago", "repeated"],
    ["30 0 * * *", "America/Santiago", "skipped"],
    // Half an hour only.
    ["15 2 * * *", "Australia/Lord_Howe", "skipped"],
    ["45 1 * * *", "Australia/Lord_Howe", "repeated"],
    ["45 2 * * *", "Australia/Lord_Howe", ""],
    ["*/15 * * * *", "Europe/Paris", "repeated, every hour"],
    ["*/15 * * * *", "UTC", "every hour"],
    ["30 2 * * *", "Asia/Kolkata", ""],
  ];
  for (const [expression, timezone, expected] of cases) {
    it(`${expression} in ${timezone}: ${expected || "nothing"}`, () => {
      expect(effects(expression, timezone)).to.equal(expected);
    });
  }
});
