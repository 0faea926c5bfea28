import { expect } from "chai";
import { flowFor, flowsOf, isOrchestrated } from "../../providers/flows.js";
import { fullPlan, planOf } from "./plans.js";

describe("flows: which jobs an orchestrator runs in what order", () => {
  const plan = fullPlan("aws", { granularity: "task" });

  it("none with granularity project: the runner orders the tasks of the one job", () => {
    const project = fullPlan("aws", { granularity: "project" });
    expect(isOrchestrated(project)).to.equal(false);
    expect(flowsOf(project)).to.deep.equal([]);
  });

  it("one for each selection of jobs; schedules and triggers that select the same share it", () => {
    expect(flowsOf(plan).map(({ name, jobs }) => [name, jobs.map((job) => job.name)])).to.deep.equal([
      ["all", ["extract", "reference", "load", "report"]],
      ["for-weekdays", ["load", "report"]],
      ["for-first-or-monday", ["extract", "reference"]],
    ]);
  });

  it("a job of a flow waits only for jobs of the flow", () => {
    const waits = (tasks: string[]) =>
      flowFor(plan, tasks).jobs.map(({ name, dependsOn }) => [name, [...dependsOn]]);
    expect(waits([])).to.deep.equal([
      ["extract", []],
      ["reference", []],
      ["load", ["extract", "reference"]],
      ["report", ["load"]],
    ]);
    expect(waits(["report", "load"])).to.deep.equal([
      ["load", []],
      ["report", ["load"]],
    ]);
  });

  it("a selection of all tasks by name is the flow of all", () => {
    expect(flowFor(plan, ["report", "load", "extract", "reference"]).name).to.equal("all");
  });

  it("a selection that nothing in the plan makes is a mistake of the caller's", () => {
    expect(() => flowFor(plan, ["report"])).to.throw("no schedule or trigger of the plan selects report");
  });

  it("keeps names apart, and every job after those it waits for, in a larger graph", () => {
    const tasks = Array.from(
      { length: 30 },
      (_, i) =>
        `- {name: t${i}, depends_on: [${i === 0 ? "" : `t${Math.floor((i - 1) / 2)}`}], commands: [{command: echo}]}`,
    ).reverse();
    const large = planOf(
      `version: 1\nname: large\ndeploy: {granularity: task}\ntasks:\n${tasks.join("\n")}\nschedules:\n- {name: a, cron: "0 1 * * *", tasks: [t1, t3, t4, t20]}\n- {name: b, cron: "0 1 * * *", tasks: [t5]}\n`,
      "aws",
    );
    const flows = flowsOf(large);
    expect(new Set(flows.map(({ name }) => name)).size).to.equal(3);
    for (const { jobs } of flows) {
      jobs.forEach(({ dependsOn }, index) => {
        const before = jobs.slice(0, index).map(({ name }) => name);
        expect(before).to.include.members([...dependsOn]);
      });
    }
  });
});
