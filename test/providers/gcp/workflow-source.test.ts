// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references as they are printed, and Workflows' expressions
import { expect } from "chai";
import fc from "fast-check";
import { parse } from "yaml";
import { levelsOf } from "../../../providers/flows.js";
import { gcp } from "../../../providers/gcp/index.js";
import { literal } from "../../../providers/gcp/workflow-source.js";
import { fullPlan, planOf } from "../plans.js";

const context = { name: "fx", pulumiProject: "pipelines" };
// biome-ignore lint/suspicious/noExplicitAny: what was parsed is looked into freely
type Source = any;

function sourceOf(rendering: ReturnType<typeof gcp.render>, name: string): Source {
  const found = rendering.resources.find((resource) => resource.name === name);
  // YAML, as Workflows reads it: JSON is a part of it.
  return parse(String(found?.inputs.sourceContents));
}

interface Run {
  readonly job: string;
  readonly retry: Source;
  readonly call: Source;
  readonly seconds: number;
}

/** Calls of `run_job` by turn: those of one turn run beside each other. */
function turnsOf(steps: Source[]): Run[][] {
  return steps.flatMap((step: Source) => {
    const [body] = Object.values(step) as Source[];
    const runs = runsIn(body);
    return runs.length === 0 ? [] : [runs];
  });
}

function runsIn(body: Source): Run[] {
  if (body.call === "run_job") return [{ ...body.args, retry: undefined }];
  if (body.try?.call === "run_job") return [{ ...body.try.args, retry: body.retry }];
  if (!body.parallel) return [];
  const { branches } = body.parallel;
  expect(branches.length).to.be.at.most(10);
  return branches.flatMap((branch: Source) => {
    const [inner] = Object.values(branch) as Source[];
    expect(inner.steps).to.have.length(1);
    return runsIn(Object.values(inner.steps[0])[0]);
  });
}

/** What Workflows' syntax asks of every step: one name, and one thing to do. */
function checkSteps(steps: Source[], subworkflows: readonly string[]): void {
  const names = steps.map((step) => Object.keys(step));
  for (const keys of names) {
    expect(keys).to.have.length(1);
    expect(keys[0]).to.match(/^[A-Za-z_][A-Za-z0-9_]*$/);
  }
  expect(new Set(names.flat()).size).to.equal(steps.length);
  for (const step of steps) {
    const [body] = Object.values(step) as Source[];
    const does = ["assign", "call", "try", "switch", "return", "raise", "parallel"].filter(
      (key) => key in body,
    );
    expect(does, JSON.stringify(body)).to.have.length(1);
    const call = body.call ?? body.try?.call;
    if (call !== undefined && !/^(googleapis\.|http\.)/.test(call)) expect(subworkflows).to.include(call);
    for (const { condition } of body.switch ?? []) expect(condition).to.match(/^\$\{.*\}$/);
    if (body.try?.steps) checkSteps(body.try.steps, subworkflows);
    if (body.except) checkSteps(body.except.steps, subworkflows);
    for (const branch of body.parallel?.branches ?? []) {
      checkSteps((Object.values(branch)[0] as Source).steps, subworkflows);
    }
  }
}

const task = gcp.render(fullPlan("gcp", { granularity: "task" }), context);
const project = gcp.render(fullPlan("gcp"), context);

describe("workflows' sources", () => {
  it("have steps that Workflows can read, with every subworkflow that they call", () => {
    const workflows = [task, project].flatMap(({ resources }) =>
      resources.filter(({ type }) => type === "gcp:workflows/workflow:Workflow"),
    );
    expect(workflows.length).to.be.greaterThan(8);
    for (const { inputs } of workflows) {
      const source = parse(String(inputs.sourceContents));
      for (const [name, { params, steps }] of Object.entries(source) as [string, Source][]) {
        if (name === "main") expect(params).to.have.length(1);
        checkSteps(steps, Object.keys(source));
      }
      // No expression is longer than Workflows reads.
      const expressions = [...String(inputs.sourceContents).matchAll(/\$\{[^}]*\}/g)];
      for (const [text] of expressions) expect(text.length).to.be.at.most(400);
    }
  });

  it("run each job after those that it depends on, those of a level beside each other", () => {
    const turns = turnsOf(sourceOf(task, "fx-flow-all").main.steps);
    const jobs = turns.map((runs) =>
      runs.map(({ job }) => job.replace(/^client-a-fx-rates-prod-(\w+)-.*/, "$1")),
    );
    expect(jobs).to.deep.equal([["extract", "reference"], ["load"], ["report"]]);
    expect(turnsOf(sourceOf(task, "fx-flow-for-weekdays").main.steps)).to.have.length(2);
  });

  it("retry a job as often and with the delays that it asks for, and wait for its end", () => {
    const [[extract, reference] = [], , [report] = []] = turnsOf(sourceOf(task, "fx-flow-all").main.steps);
    expect(extract?.retry).to.deep.equal({
      predicate: "${always}",
      max_retries: 3,
      backoff: { initial_delay: 60, max_delay: 240, multiplier: 2 },
    });
    expect(reference?.retry.max_retries).to.equal(1);
    expect(report?.retry).to.equal(undefined);
    // Longer than Cloud Run's own limit of 600 + 120 s.
    expect(extract?.seconds).to.be.greaterThan(720);
    const { run_job } = sourceOf(task, "fx-flow-all");
    const [, start, check] = run_job.steps;
    expect(start.run.call).to.equal("googleapis.run.v1.namespaces.jobs.run");
    expect(start.run.args).to.deep.equal({
      name: '${"namespaces/my-project/jobs/" + job}',
      location: "us-central1",
      body: { overrides: { containerOverrides: ["${map.merge(call, named)}"] } },
      connector_params: { timeout: "${seconds}" },
    });
    expect(check.check.switch[0].raise.tags).to.deep.equal(["JobFailed"]);
  });

  it("give a triggered job the message, and keep it when the job failed", () => {
    const source = sourceOf(project, "fx-trigger-orders");
    const [, { run }] = source.main.steps;
    const [[call] = []] = turnsOf(run.try.steps);
    expect(call?.call).to.deep.equal({
      args: ["run", "load", "report"],
      env: [
        { name: "HANDOFF_TRIGGER", value: "orders" },
        { name: "HANDOFF_MESSAGE", value: "${message}" },
      ],
    });
    const [keep, told, fail] = run.except.steps;
    const topic = project.resources.find(({ name }) => name === "fx-deadletter-orders")?.inputs.name;
    expect(keep.keep_message.args.topic).to.equal(`projects/my-project/topics/${topic}`);
    expect(keep.keep_message.args.body.messages[0].data).to.equal("${data}");
    expect(told.told_by_the_job.switch).to.have.length(1);
    expect(fail).to.deep.equal({ fail: { raise: "${error}" } });
    // Where nobody watches the jobs, the workflow fails with them.
    const orchestrated = sourceOf(task, "fx-trigger-orders").main.steps[1].run;
    expect(orchestrated.except.steps.map((step: Source) => Object.keys(step)[0])).to.deep.equal([
      "keep_message",
      "fail",
    ]);
    expect(turnsOf(orchestrated.try.steps)).to.have.length(2);
  });

  it("nest what is too wide for one step", () => {
    const names = Array.from({ length: 25 }, (_, index) => `t${index}`);
    const yaml = `version: 1
name: wide
tasks:
${names.map((name) => `- {name: ${name}, pipeline: [{command: "true"}]}`).join("\n")}
deploy: {granularity: task}
`;
    const rendering = gcp.render(planOf(yaml, "gcp"), context);
    const turns = turnsOf(sourceOf(rendering, "fx-flow-all").main.steps);
    expect(turns).to.have.length(1);
    expect(new Set(turns[0]?.map(({ job }) => job)).size).to.equal(25);
  });

  it("put any graph into levels, none before what it depends on", () => {
    const graphs = fc
      .array(fc.array(fc.nat({ max: 20 }), { maxLength: 3 }), { minLength: 1, maxLength: 20 })
      .map((all) =>
        all.map((numbers, index) => ({
          name: `t${index}`,
          // On earlier ones alone: jobs come in topological order.
          dependsOn: [...new Set(numbers.filter((number) => number < index))].map((number) => `t${number}`),
        })),
      );
    void fc.assert(
      fc.property(graphs, (jobs) => {
        const levels = levelsOf(jobs);
        expect(levels.flat()).to.have.length(jobs.length);
        const done = new Set<string>();
        for (const level of levels) {
          expect(level).not.to.have.length(0);
          for (const { dependsOn } of level) for (const other of dependsOn) expect(done).to.include(other);
          for (const { name } of level) done.add(name);
        }
      }),
    );
  });

  it("take no text of the plan for an expression", () => {
    expect(literal("plain")).to.equal("plain");
    expect(literal('a ${sys.get_env("X")} b')).to.equal('${"a " + "$" + "{sys.get_env(\\"X\\")} b"}');
  });
});
