import { expect } from "chai";
import fc from "fast-check";
import type { DeployPlan } from "../../../model/plan-types.js";
import { countActions, pausesOf } from "../../../providers/azure/flows.js";
import { azure } from "../../../providers/azure/index.js";
import { actionName, actionsIn, literal, maxActions, quoted } from "../../../providers/azure/logic-app.js";
import { flowsOf } from "../../../providers/flows.js";
import type { RenderedResource, Rendering } from "../../../providers/rendering.js";
import { fullPlan, planOf, weekdaysOptions } from "../plans.js";
import { type Outcome, simulate } from "./simulator.js";

const context = { pulumiProject: "p", name: "fx" };
const plan = fullPlan("azure", { granularity: "task" });

function workflows({ resources }: Rendering): RenderedResource[] {
  return resources.filter(({ type }) => type === "azure-native:logic:Workflow");
}

function definitionOf(rendering: Rendering, name: string): { triggers: never; actions: never } {
  const found = workflows(rendering).find((resource) => resource.name === name);
  if (!found) throw new Error(`no workflow ${name}`);
  return found.inputs.definition as never;
}

function run(given: DeployPlan, flow: string, outcomes: Readonly<Record<string, readonly Outcome[]>> = {}) {
  const rendering = azure.render(given, context);
  return simulate(definitionOf(rendering, flow), (job) => outcomes[job] ?? ["Succeeded"]);
}

describe("flows on Azure", () => {
  it("run the jobs in order, each once, when all goes well", () => {
    const { status, events } = run(plan, "fx-flow-all");
    expect(status).to.equal("Succeeded");
    const starts = events.filter((event) => event.startsWith("start"));
    expect(starts.toSorted()).to.deep.equal([
      "start extract",
      "start load",
      "start reference",
      "start report",
    ]);
    expect(events.indexOf("end extract Succeeded")).to.be.lessThan(events.indexOf("start load"));
    expect(events.indexOf("end reference Succeeded")).to.be.lessThan(events.indexOf("start load"));
    expect(events.indexOf("end load Succeeded")).to.be.lessThan(events.indexOf("start report"));
  });

  it("retry a job as often and as late as it says", () => {
    const { status, events } = run(plan, "fx-flow-all", {
      extract: ["Failed", "Stopped", "refused", "Succeeded"],
    });
    expect(status).to.equal("Succeeded");
    const ofExtract = events.filter((event) => /extract|wait (?!1$|30$)/.test(event));
    expect(ofExtract).to.deep.equal([
      "start extract",
      "end extract Failed",
      "wait 60",
      "start extract",
      "end extract Stopped",
      "wait 120",
      "start extract",
      "wait 240",
      "start extract",
      "end extract Succeeded",
    ]);
  });

  it("fail when a job failed for good, skip what waits for it, and go on with the rest", () => {
    const { status, events } = run(plan, "fx-flow-all", { extract: ["Failed"] });
    expect(status).to.equal("Failed");
    expect(events.filter((event) => event === "start extract")).to.have.length(4);
    expect(events).to.include("end reference Succeeded");
    expect(events).not.to.include("start load");
    expect(events).not.to.include("start report");
  });

  it("don't retry a job that has no retries", () => {
    const { status, events } = run(plan, "fx-flow-all", { report: ["Failed"] });
    expect(status).to.equal("Failed");
    expect(events.filter((event) => event === "start report")).to.have.length(1);
    expect(run(plan, "fx-flow-all", { report: ["refused"] }).status).to.equal("Failed");
  });

  it("hold for any graph: nothing starts before what it depends on is done, and everything that can run does", function () {
    this.timeout(120_000);
    const size = 7;
    const edges = fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 12 });
    const failing = fc.array(fc.nat(size - 1), { maxLength: 2 });
    const retried = fc.array(fc.nat(size - 1), { maxLength: 3 });
    void fc.assert(
      fc.property(edges, failing, retried, (pairs, bad, again) => {
        const dependsOn = (job: number) => [
          ...new Set(pairs.filter(([a, b]) => b === job && a < b).map(([a]) => a)),
        ];
        const tasks = Array.from({ length: size }, (_, job) => {
          const before = dependsOn(job).map((other) => `t${other}`);
          const retries = again.includes(job) ? ", retries: {max: 2, delay: 1s}" : "";
          return `- {name: t${job}, pipeline: [{command: "true"}], depends_on: [${before.join(", ")}]${retries}}`;
        });
        const given = planOf(
          `version: 1\nname: dag\ndeploy: {granularity: task}\ntasks:\n${tasks.join("\n")}\n`,
          "azure",
        );
        const outcomes = Object.fromEntries(bad.map((job) => [`t${job}`, ["Failed"] as const]));
        const { status, events } = run(given, "fx-flow-all", outcomes);
        const ok = (job: number): boolean => !bad.includes(job) && dependsOn(job).every(ok);
        expect(status).to.equal(bad.length > 0 ? "Failed" : "Succeeded");
        for (let job = 0; job < size; job++) {
          const starts = events.filter((event) => event === `start t${job}`).length;
          const runs = dependsOn(job).every(ok);
          expect(starts, `t${job}`).to.equal(runs ? (bad.includes(job) && again.includes(job) ? 3 : 1) : 0);
          for (const other of runs ? dependsOn(job) : []) {
            expect(events.indexOf(`end t${other} Succeeded`)).to.be.lessThan(events.indexOf(`start t${job}`));
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it("take a message, run the flow and delete it; or move it to the dead letters, and fail", () => {
    const good = run(plan, "fx-trigger-orders");
    expect(good.status).to.equal("Succeeded");
    expect(good.events.at(-1)).to.equal("DELETE queue orders");
    const bad = run(plan, "fx-trigger-orders", { load: ["Failed"] });
    expect(bad.status).to.equal("Failed");
    expect(bad.events.slice(-2)).to.deep.equal(["POST deadletters orders", "DELETE queue orders"]);
    expect(bad.events).not.to.include("start report");
  });

  it("say of each job whose run it is, once and for all attempts", () => {
    const rendering = azure.render(plan, context);
    for (const name of ["fx-flow-all", "fx-flow-for-weekdays", "fx-trigger-orders"]) {
      const { actions } = definitionOf(rendering, name) as { actions: Record<string, { inputs: unknown }> };
      const environments = actions.Environments?.inputs as Record<string, { name: string; value: string }[]>;
      expect(Object.keys(environments), name).to.not.have.length(0);
      for (const variables of Object.values(environments)) {
        const values = Object.fromEntries(variables.map((variable) => [variable.name, variable.value]));
        expect(values.HANDOFF_RUN_ID).to.equal("@{workflow()['run']['name']}");
        expect(values.HANDOFF_STARTED_AT).to.equal("@{utcNow()}");
      }
    }
  });

  it("bound the runs of a trigger, and poll with its identity", () => {
    const { triggers } = definitionOf(azure.render(plan, context), "fx-trigger-orders");
    const { message } = triggers as { message: Record<string, unknown> };
    expect(message.runtimeConfiguration).to.deep.equal({ concurrency: { runs: 5 } });
    expect(JSON.stringify(message.inputs)).to.include("fx-identity-on-orders");
  });

  it("name only actions that are beside them in runAfter, and each name once", () => {
    for (const granularity of ["project", "task"] as const) {
      for (const app of workflows(azure.render(fullPlan("azure", { granularity }), context))) {
        const { actions } = app.inputs.definition as { actions: never };
        const all = actionsIn(actions);
        expect(new Set(all.map(({ name }) => name)).size, app.name).to.equal(all.length);
        checkNames(actions);
      }
    }
  });

  it("count their actions as they are rendered", () => {
    const rendering = azure.render(plan, context);
    for (const flow of flowsOf(plan)) {
      const { actions } = definitionOf(rendering, `fx-flow-${flow.name}`);
      expect(actionsIn(actions).length, flow.name).to.equal(countActions(flow));
    }
    const tasks = Array.from({ length: 120 }, (_, i) => `- {name: t${i}, pipeline: [{command: "true"}]}`);
    const large = planOf(
      `version: 1\nname: big\ndeploy: {granularity: task}\ntasks:\n${tasks.join("\n")}\n`,
      "azure",
    );
    expect(azure.check(large).map(({ code }) => code)).to.include("azure-flow-size");
    expect(maxActions).to.equal(500);
  });

  it("hand schedules' options and variables to the jobs, texts as they are", () => {
    const { actions } = definitionOf(azure.render(plan, context), "fx-schedule-weekdays");
    const body = (actions as { Start: { inputs: { body: { options: string; env: unknown[] } } } }).Start
      .inputs.body;
    expect(JSON.parse(`["run"${body.options},"load"]`)).to.deep.equal(["run", ...weekdaysOptions, "load"]);
    expect(body.env[0]).to.deep.equal({ name: "HANDOFF_SCHEDULE", value: "weekdays" });
  });

  it("escape what would be an expression", () => {
    expect(literal("plain")).to.equal("plain");
    expect(literal("@user")).to.equal("@@user");
    expect(literal("a@{b}")).to.equal("a@@{b}");
    expect(literal("@{b}")).to.equal("@@{b}");
    expect(literal("me@example.com")).to.equal("me@example.com");
    expect(quoted("it's")).to.equal("'it''s'");
    expect(actionName("Start", "a b")).to.match(/^Start_a_b_[a-z2-7]{8}$/);
  });

  it("wait longer before each retry, and at least a second", () => {
    expect(pausesOf({ max: 3, delaySeconds: 60, backoff: 2 })).to.deep.equal([60, 120, 240]);
    expect(pausesOf({ max: 2, delaySeconds: 0, backoff: 1 })).to.deep.equal([1, 1]);
  });
});

function checkNames(
  actions: Readonly<Record<string, { runAfter: object; actions?: never; else?: { actions: never } }>>,
) {
  for (const [name, action] of Object.entries(actions)) {
    for (const before of Object.keys(action.runAfter)) expect(Object.keys(actions), name).to.include(before);
    if (action.actions) checkNames(action.actions);
    if (action.else) checkNames(action.else.actions);
  }
}
