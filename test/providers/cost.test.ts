import { expect } from "chai";
import { fireTimes, parseCron } from "../../model/cron.js";
import {
  assumedSeconds,
  costLine,
  firesPerMonth,
  secondsPerMonth,
  totalOf,
  usageOf,
} from "../../providers/cost.js";
import { estimateCost } from "../../providers/estimate.js";
import { jobsOf } from "../../providers/flows.js";
import { fullPlan, planOf, samplePlan } from "./plans.js";

const from = new Date("2026-01-01T00:00:00Z");

describe("cost: how often schedules fire", () => {
  const cases = [
    ["0 6 * * *", 365.25 / 12],
    ["0 6,18 * * *", (2 * 365.25) / 12],
    ["* * * * *", secondsPerMonth / 60],
    ["0 6 * * MON", 365.25 / 7 / 12],
    ["0 0 29 2 *", 0.25 / 12],
    ["0 0 1 * *", 1],
    ["0 0 1 1 ? 2020", 0],
    ["0 0 1 1 ? 2031", 1 / 12],
  ] as const;
  for (const [cron, expected] of cases) {
    it(`${cron}: ${expected.toFixed(3)} a month`, () => {
      expect(firesPerMonth(cron, from)).to.be.closeTo(expected, 1e-9);
    });
  }

  it("equals what the schedules' own code fires in the 28 years after which the calendar repeats", () => {
    const end = new Date(Date.UTC(2026 + 28, 0, 1));
    for (const cron of ["0 6 1,15 * MON", "30 4 31 * *", "0 */6 13 * FRI", "15 3 * 2 *", "5 5 ? 3-5 SUN *"]) {
      const fires = fireTimes(parseCron(cron), "UTC", from, end, 100_000).length;
      expect(firesPerMonth(cron, from), cron).to.be.closeTo(fires / 28 / 12, 1e-9);
    }
  });

  it("adds up what a job's schedules start; a disabled one starts nothing, a selection only its jobs", () => {
    const usage = usageOf(fullPlan("local", { granularity: "task" }));
    const runs = Object.fromEntries(usage.jobs.map(({ job, runsPerMonth }) => [job, runsPerMonth]));
    const daily = 365.25 / 12;
    const weekdays = (daily * 5) / 7;
    const firstOrMonday = 1 + (daily - 1) / 7;
    const often = weekdays * 11 * 6;
    expect(runs.extract).to.be.closeTo(daily + firstOrMonday, 1e-9);
    expect(runs.load).to.be.closeTo(daily + weekdays + often, 1e-9);
    expect(usage.fires).to.be.closeTo(daily + weekdays + firstOrMonday + often, 1e-9);
  });
});

describe("cost: lines", () => {
  const price = { usd: 0.5, unit: "GB", free: 10, source: "a page, read 2026-11-21" };

  it("takes what is free off, and never pays back", () => {
    expect(costLine("logs", "fx", 12, price)).to.deep.equal({
      item: "logs",
      detail: "fx",
      quantity: 12,
      unit: "GB",
      unitPrice: 0.5,
      freeUnits: 10,
      amount: 1,
      source: "a page, read 2026-11-21",
    });
    expect(costLine("logs", "fx", 9, price).amount).to.equal(0);
    expect(totalOf([costLine("a", "", 12, price), costLine("b", "", 14, price)])).to.equal(3);
  });

  it("without a free part pays for all", () => {
    const { freeUnits, amount } = costLine("a", "", 2, { usd: 3, unit: "x", source: "s" });
    expect({ freeUnits, amount }).to.deep.equal({ freeUnits: 0, amount: 6 });
  });
});

describe("cost: an estimate says what it supposes", () => {
  it("5 minutes where nothing is known, and who said the rest", () => {
    const plan = fullPlan("local", { granularity: "task" });
    const estimate = estimateCost(
      plan,
      new Map([
        ["extract", { seconds: 90, from: "declared" }],
        ["load", { seconds: 61.4, from: "history", runs: 7 }],
      ]),
    );
    expect(
      Object.fromEntries(
        estimate.jobs.map(({ job, secondsPerRun, durationFrom }) => [job, [secondsPerRun, durationFrom]]),
      ),
    ).to.deep.equal({
      extract: [90, "declared"],
      reference: [assumedSeconds, "assumed"],
      load: [61.4, "history"],
      report: [assumedSeconds, "assumed"],
    });
    const notes = estimate.notes.join("\n");
    expect(notes).to.include("reference, report: 5m a run is assumed");
    expect(notes).to.include("load: 1m1s a run, the median of 7 successful runs on this machine");
    expect(notes).to.include("Runs that triggers start are not counted");
  });

  it("shows short runs as what they are", () => {
    const { notes } = estimateCost(
      samplePlan("local"),
      new Map([["fx", { seconds: 0.0514, from: "history", runs: 2 }]]),
    );
    expect(notes.join("\n")).to.include("fx: 0.051s a run, the median of 2 successful runs");
  });

  it("nothing of that kind for a project that says it all", () => {
    const estimate = estimateCost(samplePlan("local"), new Map([["fx", { seconds: 1, from: "declared" }]]));
    expect(estimate.notes).to.deep.equal(["This machine is paid for already: nothing is counted."]);
    expect(estimate.perMonth).to.equal(0);
  });

  it("says that nothing runs by itself without an enabled schedule", () => {
    const plan = planOf("version: 1\nname: a\ntasks: [{name: t, commands: [{command: echo}]}]\n", "local");
    expect(estimateCost(plan).notes).to.include("No schedule is enabled: runs are not counted.");
  });
});

describe("cost: jobs of a selection", () => {
  it("granularity project: the one job; task: those selected; nothing selected: all", () => {
    const names = (granularity: "project" | "task", tasks: string[]) =>
      jobsOf(fullPlan("local", { granularity }), tasks).map(({ name }) => name);
    expect(names("project", ["load"])).to.deep.equal(["fx-rates"]);
    expect(names("task", ["report", "load"])).to.deep.equal(["load", "report"]);
    expect(names("task", [])).to.deep.equal(["extract", "reference", "load", "report"]);
  });
});
