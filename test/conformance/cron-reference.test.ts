import { expect } from "chai";
import { Cron as Croner } from "croner";
import fc from "fast-check";
import { fireTimes, parseCron } from "../../model/cron.js";
import { type RandomCron, randomCron } from "./cron-arbitrary.js";
import { nearChange, testZones, type Window, windowsOf } from "./windows.js";

const hour = 3_600_000;

/** Half a day around each change, and two days at each of the other times: croner is slow. */
function shortWindows(zone: string): Window[] {
  return windowsOf(zone).map((window) =>
    window.change
      ? { ...window, from: window.change.instant - 7 * hour, to: window.change.instant + 7 * hour }
      : { ...window, to: Math.min(window.to, window.from + 50 * hour) },
  );
}

function cronerFires({ croner }: RandomCron, timezone: string, { from, to }: Window): number[] {
  const mode = croner.split(" ").length === 7 ? "7-part" : "5-part";
  const cron = new Croner(croner, { timezone, mode });
  const fires: number[] = [];
  for (let at = cron.nextRun(new Date(from)); at && at.getTime() <= to; at = cron.nextRun(at)) {
    fires.push(at.getTime());
  }
  return fires;
}

/**
 * The schedules of the clouds are compared to `fireTimes`; here `fireTimes` is compared to croner, the reference. Where the
 * clocks change, croner moves a time out of the gap and fires once in the fold only for an expression that names a
 * single time of the day. With several it skips the gap and repeats the fold, although the same times as expressions of their
 * own would not: there `fireTimes` is the reference (model/cron/fire.ts).
 */
describe("conformance: the model's fire times", () => {
  it("are croner's for 500 random expressions, save its several times of a day around a change", function () {
    this.timeout(300_000);
    const expressions = fc.sample(randomCron, { numRuns: 500, seed: 20261121 });
    let single = 0;
    let elsewhere = 0;
    expressions.forEach((random, index) => {
      const cron = parseCron(random.expression);
      const [minute = "", hourOfDay = ""] = random.croner
        .split(" ")
        .slice(random.croner.split(" ").length === 7 ? 1 : 0);
      const oneTime = /^\d+$/.test(minute) && /^\d+$/.test(hourOfDay);
      const zone = testZones[index % testZones.length] ?? "UTC";
      for (const window of shortWindows(zone)) {
        const relevant = (fires: readonly number[]): number[] =>
          oneTime || cron.hours.length === 24
            ? [...fires]
            : fires.filter((fire) => !nearChange(fire, window));
        const expected = relevant(cronerFires(random, zone, window));
        const limit = (window.to - window.from) / 60_000 + 1;
        const found = fireTimes(cron, zone, new Date(window.from), new Date(window.to), limit).map(Number);
        expect(relevant(found).map(iso), `${random.expression} in ${zone}`).to.deep.equal(expected.map(iso));
        if (window.change && oneTime) single++;
        elsewhere += expected.length;
      }
    });
    // The comparison would hold of nothing, too.
    expect(single).to.be.above(50);
    expect(elsewhere).to.be.above(10_000);
  });
});

const iso = (fire: number): string => new Date(fire).toISOString();
