// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references as they are printed, and Workflows' expressions
import { expect } from "chai";
import { totalOf, usageOf } from "../../../providers/cost.js";
import { cost } from "../../../providers/gcp/cost.js";
import { minimumSeconds, prices } from "../../../providers/gcp/prices.js";
import { fullPlan, planOf, samplePlan } from "../plans.js";

const hourly = (tasks: string) => `version: 1
name: etl
tasks:
${tasks}
deploy: {granularity: task, resources: {cpu: 2, memory: 4Gi}}
schedules: [{name: hourly, cron: "0 * * * *"}]
`;

describe("costs on Google Cloud", () => {
  it("charges a short run for a minute", () => {
    const plan = samplePlan("gcp");
    const short = cost(plan, usageOf(plan, { secondsOf: () => 3 }));
    const minute = cost(plan, usageOf(plan, { secondsOf: () => minimumSeconds }));
    expect(short).to.deep.equal(minute);
    const compute = short.filter(({ item }) => item === "compute");
    expect(compute.map(({ unit }) => unit)).to.deep.equal(["vCPU-second", "GiB-second"]);
    expect(compute[0]?.quantity).to.be.closeTo((365.25 / 12) * 60, 15);
    expect(compute[0]?.amount).to.equal(0);
  });

  it("gives the free grant once, however many jobs share it", () => {
    const plan = planOf(
      hourly("- {name: a, pipeline: [{command: a}]}\n- {name: b, pipeline: [{command: b}]}"),
      "gcp",
    );
    const usage = usageOf(plan, { secondsOf: () => 600 });
    const cpu = cost(plan, usage).filter(({ unit }) => unit === "vCPU-second");
    const seconds = usage.jobs.reduce((sum, { runsPerMonth }) => sum + runsPerMonth * 600 * 2, 0);
    expect(cpu).to.have.length(2);
    expect(seconds).to.be.greaterThan(prices.cpu.free);
    expect(totalOf(cpu)).to.be.closeTo((seconds - prices.cpu.free) * prices.cpu.usd, 1e-6);
  });

  it("pays for schedules over three, orchestration with granularity task, and a NAT only where there is one", () => {
    const plan = fullPlan("gcp", { granularity: "task", network: { mode: "nat" } });
    const lines = cost(plan, usageOf(plan));
    const items = new Set(lines.map(({ item }) => item));
    expect([...items].sort()).to.deep.equal(
      ["compute", "logs", "network", "orchestration", "registry", "schedules", "secrets", "storage"].sort(),
    );
    expect(lines.find(({ item }) => item === "schedules")?.amount).to.be.closeTo(0.2, 1e-9);
    const small = samplePlan("gcp", { image: `r/i@sha256:${"0".repeat(64)}`, logRetentionDays: 30 });
    const smallItems = cost(small, usageOf(small)).map(({ item }) => item);
    expect(smallItems).to.deep.equal(["compute", "compute", "schedules", "logs", "storage"]);
  });

  it("says of each price where it is from", () => {
    for (const price of Object.values(prices))
      expect(price.source).to.match(/cloud\.google\.com\/run\/pricing|UNCONFIRMED/);
  });
});
