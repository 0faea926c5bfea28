import { expect } from "chai";
import { cost, prices } from "../../../providers/azure/cost.js";
import { totalOf, usageOf } from "../../../providers/cost.js";
import { fullPlan, planOf, samplePlan } from "../plans.js";

const hourly = `version: 1
name: etl
tasks:
- {name: a, pipeline: [{command: "true"}], resources: {cpu: 2, memory: 4Gi}}
schedules:
- {name: hourly, cron: "0 * * * *"}
`;

describe("cost on Azure", () => {
  it("is the size times the seconds, less the free grant", () => {
    const plan = planOf(hourly, "azure");
    const usage = usageOf(plan, { secondsOf: () => 600 });
    const runs = (24 * 365.25) / 12;
    const [cpu, memory] = cost(plan, usage).filter(({ item }) => item === "compute");
    expect(cpu?.quantity).to.be.closeTo(runs * 600 * 2, 1);
    expect(cpu?.amount).to.be.closeTo((runs * 600 * 2 - 180_000) * 0.000_024, 0.001);
    expect(memory?.amount).to.be.closeTo((runs * 600 * 4 - 360_000) * 0.000_003, 0.001);
  });

  it("charges nothing within the free grant, and shows it", () => {
    const plan = samplePlan("azure");
    const [cpu] = cost(plan, usageOf(plan));
    expect(cpu?.amount).to.equal(0);
    expect(cpu?.freeUnits).to.equal(180_000);
    expect(cpu?.quantity).to.be.closeTo((365.25 / 12) * 300 * 0.5, 10);
  });

  it("has a Logic App's price only for schedules that need one", () => {
    const items = (zone: string) => {
      const plan = planOf(hourly.replace('"0 * * * *"', `"0 6 * * *", timezone: ${zone}`), "azure");
      return cost(plan, usageOf(plan)).filter(({ item }) => item === "schedules");
    };
    expect(items("UTC")).to.deep.equal([]);
    expect(items("Asia/Tokyo")).to.deep.equal([]);
    expect(items("Europe/Paris")).to.have.length(1);
  });

  it("has a line for each part of a full project, in either granularity, each with its source", () => {
    for (const granularity of ["project", "task"] as const) {
      const plan = fullPlan("azure", { granularity, network: { mode: "nat" } });
      const lines = cost(plan, usageOf(plan));
      const items = new Set(lines.map(({ item }) => item));
      for (const item of [
        "compute",
        "schedules",
        "logs",
        "secrets",
        "registry",
        "storage",
        "alerts",
        "network",
      ])
        expect(items.has(item), `${item} (${granularity})`).to.equal(true);
      expect(items.has("orchestration")).to.equal(granularity === "task");
      for (const line of lines) {
        expect(line.source).not.to.equal("");
        expect(line.amount).to.be.closeTo(Math.max(0, line.quantity - line.freeUnits) * line.unitPrice, 1e-9);
      }
      expect(totalOf(lines)).to.be.greaterThan(30);
    }
  });

  it("has no registry where the image is given", () => {
    const plan = samplePlan("azure", { image: `registry.example.com/fx@sha256:${"0".repeat(64)}` });
    expect(cost(plan, usageOf(plan)).filter(({ item }) => item === "registry")).to.deep.equal([]);
    expect(prices.registry.usd).to.equal(0.167);
  });
});
