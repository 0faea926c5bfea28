// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references as they are printed, and Workflows' expressions
import { expect } from "chai";
import type { DeployPlan } from "../../../model/plan-types.js";
import { gcp } from "../../../providers/gcp/index.js";
import { printable } from "../../../providers/rendering.js";
import { fullPlan, planOf } from "../plans.js";
import { execute, WorkflowError, type World } from "./workflow-interpreter.js";

// biome-ignore lint/suspicious/noExplicitAny: what the interpreter hands over
type Value = any;

interface Started {
  readonly job: string;
  readonly override: Value;
  readonly timeout: number;
  /** Executions that had ended before. */
  readonly after: number;
}

class Cloud implements World {
  readonly env = { GOOGLE_CLOUD_WORKFLOW_EXECUTION_ID: "execution-1" };
  /** A second goes by with each look. */
  get now(): number {
    return Date.UTC(2026, 0, 1, 6) / 1000 + this.#looks++;
  }
  #looks = 0;
  readonly started: Started[] = [];
  readonly published: Value[] = [];
  readonly posted: Value[] = [];
  readonly delays: number[] = [];
  #ended = 0;
  /** Failures that are left, by task. */
  readonly #failures: Map<string, number>;
  readonly #error: Value;

  constructor(failures: Readonly<Record<string, number>> = {}, error?: Value) {
    this.#failures = new Map(Object.entries(failures));
    this.#error = error;
  }

  slept(seconds: number): void {
    this.delays.push(seconds);
  }

  async call(name: string, args: Value): Promise<Value> {
    switch (name) {
      case "googleapis.run.v1.namespaces.jobs.run":
        return await this.#run(args);
      case "googleapis.pubsub.v1.projects.topics.publish":
        this.published.push(args);
        return {};
      case "googleapis.secretmanager.v1.projects.secrets.versions.accessString":
        return `https://hooks.example.com/${args.secret_id}`;
      case "http.post":
        this.posted.push(args);
        return { code: 200 };
      default:
        throw new Error(`${name} is not known`);
    }
  }

  async #run({ name, body, connector_params }: Value): Promise<Value> {
    if (this.#error) throw new WorkflowError(this.#error);
    const job = name
      .replace("namespaces/my-project/jobs/client-a-fx-rates-prod-", "")
      .replace(/(^|-)\w{8}$/, "");
    const [override] = body.overrides.containerOverrides;
    this.started.push({ job, override, timeout: connector_params.timeout, after: this.#ended });
    await new Promise((resolve) => setImmediate(resolve));
    this.#ended++;
    const left = this.#failures.get(job) ?? 0;
    this.#failures.set(job, left - 1);
    const metadata = { name: `${job}-execution` };
    return { metadata, status: left > 0 ? { failedCount: 1 } : { succeededCount: 1 } };
  }

  get jobs(): string[] {
    return this.started.map(({ job }) => job);
  }
}

function inputsOf(plan: DeployPlan, name: string): Value {
  const { resources } = gcp.render(plan, { name: "fx", pulumiProject: "pipelines" });
  return printable(resources.find((resource) => resource.name === name)?.inputs);
}
const sourceOf = (plan: DeployPlan, name: string) => JSON.parse(inputsOf(plan, name).sourceContents);
const task = fullPlan("gcp", { granularity: "task" });
const project = fullPlan("gcp");

/** What Cloud Scheduler would give the workflow. */
function argumentOf(schedule: string): Value {
  const { body } = inputsOf(task, schedule).httpTarget;
  return JSON.parse(JSON.parse(Buffer.from(body, "base64").toString("utf8")).argument);
}

async function failed(run: Promise<Value>): Promise<Value> {
  return await run.then(
    () => expect.fail("it didn't fail"),
    (error) => {
      if (error instanceof WorkflowError) return error.value;
      throw error;
    },
  );
}

/** What the workflow says of its run to each job. */
const run = [
  { name: "HANDOFF_RUN_ID", value: "execution-1" },
  { name: "HANDOFF_STARTED_AT", value: "2026-01-01T06:00:00.000Z" },
];

const event = (message: string) => ({ data: { message: { data: Buffer.from(message).toString("base64") } } });

describe("workflows as they run", () => {
  it("run all jobs in order with what the schedule says of each", async () => {
    const cloud = new Cloud();
    await execute(sourceOf(task, "fx-flow-for-weekdays"), argumentOf("fx-schedule-weekdays"), cloud);
    expect(cloud.jobs).to.deep.equal(["load", "report"]);
    expect(cloud.started[0]?.override.args.slice(0, 4)).to.deep.equal([
      "run",
      "--no-retries",
      "-v",
      'base=EUR & "GBP"',
    ]);
    expect(cloud.started[0]?.override.args.at(-1)).to.equal("load");
    const schedule = { name: "HANDOFF_SCHEDULE", value: "weekdays" };
    // Jobs and attempts of one run, and of one instant.
    for (const { override } of cloud.started) expect(override.env).to.deep.equal([schedule, ...run]);
    expect(cloud.started[1]?.after).to.equal(1);
  });

  it("run jobs as they are deployed when they are started without an argument", async () => {
    const cloud = new Cloud();
    await execute(sourceOf(task, "fx-flow-all"), null, cloud);
    expect(cloud.jobs).to.have.members(["extract", "reference", "load", "report"]);
    for (const { override } of cloud.started) expect(override).to.deep.equal({ env: run });
    // Beside each other, and the next after both.
    expect(cloud.started.map(({ after }) => after)).to.deep.equal([0, 0, 2, 3]);
  });

  it("retry a job with growing delays, and go on when it succeeds", async () => {
    const cloud = new Cloud({ extract: 3 });
    await execute(sourceOf(task, "fx-flow-all"), {}, cloud);
    expect(cloud.delays).to.deep.equal([60, 120, 240]);
    expect(cloud.jobs.filter((job) => job === "extract")).to.have.length(4);
    expect(cloud.jobs.at(-1)).to.equal("report");
  });

  it("fail after the last retry, let what runs beside it end, and start nothing after it", async () => {
    const cloud = new Cloud({ extract: 99 });
    const error = await failed(execute(sourceOf(task, "fx-flow-all"), {}, cloud));
    expect(error.tags).to.deep.equal(["UnhandledBranchError"]);
    expect(JSON.stringify(error)).to.include("extract-execution");
    expect(cloud.jobs.filter((job) => job === "extract")).to.have.length(4);
    expect(cloud.jobs).to.include("reference").and.not.include("load");
  });

  it("don't retry a job that asks for none", async () => {
    const cloud = new Cloud({ report: 1 });
    await failed(execute(sourceOf(task, "fx-flow-all"), {}, cloud));
    expect(cloud.jobs.filter((job) => job === "report")).to.have.length(1);
  });

  it("give a triggered run the message, whatever is in it", async () => {
    const message = 'é "${sys.get_env("X")}" \n{"id": 1}';
    for (const plan of [project, task]) {
      const cloud = new Cloud();
      await execute(sourceOf(plan, "fx-trigger-orders"), event(message), cloud);
      expect(cloud.started).not.to.have.length(0);
      for (const { override } of cloud.started) {
        expect(override.env).to.deep.include({ name: "HANDOFF_MESSAGE", value: message });
        expect(override.env).to.deep.include({ name: "HANDOFF_TRIGGER", value: "orders" });
      }
      expect(cloud.published).to.deep.equal([]);
    }
  });

  it("keep the message of a failed run, once", async () => {
    const cloud = new Cloud({ load: 99 });
    const error = await failed(execute(sourceOf(task, "fx-trigger-orders"), event("42"), cloud));
    expect(error.tags).to.deep.equal(["JobFailed"]);
    expect(cloud.published).to.have.length(1);
    const [{ data, attributes }] = cloud.published[0].body.messages;
    expect(Buffer.from(data, "base64").toString("utf8")).to.equal("42");
    expect(attributes).to.deep.equal({ "handoff-trigger": "orders", "handoff-execution": "execution-1" });
  });

  it("leave a failed job of a project to the job's own alert, but not one that could not start", async () => {
    // The one job of a project has no name beside the project's.
    const failing = new Cloud({ "": 1 });
    expect(await execute(sourceOf(project, "fx-trigger-any"), event("42"), failing)).to.include(
      "dead-letter",
    );
    expect(failing.published).to.have.length(1);
    const refused = new Cloud({}, { tags: ["HttpError"], code: 403, message: "denied" });
    const error = await failed(execute(sourceOf(project, "fx-trigger-any"), event("42"), refused));
    expect(error.code).to.equal(403);
    expect(refused.published).to.have.length(1);
  });

  it("call a webhook with what a chat shows, at the address that is secret", async () => {
    const incident = {
      summary: "long",
      url: "https://console.cloud.google.com/x",
      documentation: { content: "fx: failed: <!channel> & more." },
      policy_user_labels: { "handoff-event": "failure" },
    };
    const cloud = new Cloud();
    await execute(
      sourceOf(project, "fx-notifier-webhook-SLACK_URL"),
      event(JSON.stringify({ incident })),
      cloud,
    );
    expect(cloud.posted).to.have.length(1);
    expect(cloud.posted[0].url).to.match(/^https:\/\/hooks\.example\.com\/.*SLACK_URL/);
    expect(cloud.posted[0].body).to.deep.equal({
      text: "fx: failed: &lt;!channel&gt; &amp; more.",
      event: "failure",
      project: "fx-rates",
      client: "client-a",
      stack: "prod",
      link: "https://console.cloud.google.com/x",
    });
    const plain = new Cloud();
    const url = gcp
      .render(project, { name: "fx", pulumiProject: "p" })
      .resources.find(({ name }) => name.startsWith("fx-notifier-url-"))?.name;
    const bare = { incident: { summary: "it failed" } };
    await execute(sourceOf(project, String(url)), event(JSON.stringify(bare)), plain);
    expect(plain.posted[0].url).to.equal("https://hooks.example.com/fx");
    expect(plain.posted[0].body).to.include({ text: "it failed", event: "", link: "" });
  });

  it("run any width of jobs", async () => {
    const names = Array.from({ length: 25 }, (_, index) => `t${index}`);
    const yaml = `version: 1
name: fx-rates
tasks:
${names.map((name) => `- {name: ${name}, pipeline: [{command: "true"}]}`).join("\n")}
deploy: {granularity: task}
`;
    const cloud = new Cloud();
    await execute(sourceOf(planOf(yaml, "gcp"), "fx-flow-all"), null, cloud);
    expect(cloud.jobs).to.have.members(names);
    expect(cloud.started.every(({ after }) => after === 0)).to.equal(true);
  });
});
