import { expect } from "chai";
import type { StackSettings } from "../../../model/plan-types.js";
import { cost, transitionsOf } from "../../../providers/aws/cost.js";
import { totalOf, usageOf } from "../../../providers/cost.js";
import { fullPlan, planOf, samplePlan } from "../plans.js";

/** Of an average year, as all estimates count. */
const daysPerMonth = 365.25 / 12;

/** A project that runs once a day for so long. */
function daily(seconds: number, settings: Partial<StackSettings> = {}, resources = "{cpu: 1, memory: 2Gi}") {
  const plan = planOf(
    `version: 1\nname: fx\ntasks:\n- {name: a, resources: ${resources}, commands: [{command: ls}]}\nschedules:\n- {name: daily, cron: "0 6 * * *"}\n`,
    "aws",
    settings,
  );
  return cost(plan, usageOf(plan, { secondsOf: () => seconds }));
}
const amount = (lines: ReturnType<typeof cost>, item: string) =>
  totalOf(lines.filter((line) => line.item === item));

describe("AWS cost", function () {
  this.timeout(60_000);

  it("compute: runs x seconds x size, by hand", () => {
    const hour = daysPerMonth * 3600 * (0.0000112444 + 2 * 0.0000012347);
    expect(amount(daily(3600), "compute")).to.be.closeTo(hour, 1e-6);
    const arm = daysPerMonth * 3600 * (0.0000089944 + 2 * 0.0000009889);
    expect(amount(daily(3600, { architecture: "arm64" }), "compute")).to.be.closeTo(arm, 1e-6);
  });

  it("a run of a second is paid as a minute", () => {
    expect(amount(daily(1), "compute")).to.equal(amount(daily(60), "compute"));
    expect(amount(daily(61), "compute")).to.be.greaterThan(amount(daily(60), "compute"));
  });

  it("a public address is paid by the hour of a run; a NAT gateway all the time", () => {
    expect(amount(daily(3600), "network")).to.be.closeTo(daysPerMonth * 0.005, 1e-6);
    expect(amount(daily(3600, { network: { mode: "nat" } }), "network")).to.be.within(35, 38);
    const existing = { mode: "existing", subnets: ["subnet-01234567"], securityGroups: [] } as const;
    expect(amount(daily(3600, { network: existing }), "network")).to.equal(0);
  });

  it("disk above 20 GiB is paid by the hour", () => {
    const lines = daily(3600, {}, "{cpu: 1, memory: 2Gi, disk: 120Gi}");
    const disk = lines.filter(({ unit }) => unit === "GiB-hour");
    expect(totalOf(disk)).to.be.closeTo(daysPerMonth * 100 * 0.000111, 1e-6);
  });

  it("free grants are in the line: schedules and few logs cost nothing", () => {
    const lines = daily(60);
    expect(amount(lines, "schedules")).to.equal(0);
    expect(lines.find(({ item }) => item === "schedules")?.freeUnits).to.equal(14_000_000);
    expect(amount(lines, "logs")).to.equal(0);
  });

  it("an image that exists costs no registry", () => {
    const image = `registry.example.com/runner@sha256:${"0".repeat(64)}`;
    expect(amount(daily(60), "registry")).to.be.greaterThan(0);
    expect(amount(daily(60, { image }), "registry")).to.equal(0);
  });

  it("granularity task: transitions of each fire, counted by hand", () => {
    const plan = fullPlan("aws", { granularity: "task" });
    // Start, choice, call or default, 3 levels, end's choice, succeed: 5 + 3; extract and reference 2 each; load and report 3 each.
    expect(transitionsOf(plan, [])).to.equal(5 + 3 + 2 + 2 + 3 + 3);
    const lines = cost(plan, usageOf(plan));
    expect(lines.find(({ item }) => item === "orchestration")?.freeUnits).to.equal(4000);
    expect(amount(lines, "orchestration")).to.be.greaterThan(0);
    expect(amount(cost(fullPlan("aws"), usageOf(fullPlan("aws"))), "orchestration")).to.equal(0);
  });

  it("every line has a source, and an amount that its quantity and price make", () => {
    for (const plan of [
      samplePlan("aws"),
      fullPlan("aws", { granularity: "task", network: { mode: "nat" } }),
    ]) {
      for (const line of cost(plan, usageOf(plan))) {
        expect(line.source).not.to.equal("");
        const paid = Math.max(0, line.quantity - line.freeUnits);
        expect(line.amount).to.be.closeTo(paid * line.unitPrice, 1e-9);
      }
    }
  });
});
