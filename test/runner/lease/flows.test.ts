/** Flows as they are rendered for Step Functions and Workflows, with real containers of the bundled runner. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { DeployPlan, PlannedJob } from "../../../model/plan-types.js";
import { scheduledFlow } from "../../../providers/aws/schedules.js";
import { jobCall } from "../../../providers/container.js";
import { gcp } from "../../../providers/gcp/index.js";
import { runnerEntry } from "../../../providers/local/entries.js";
import { evaluate, printable } from "../../../providers/rendering.js";
import { listRecords } from "../../../runner-image/src/records.js";
import { folderObjects } from "../../../runner-image/src/store/folder-objects.js";
import { execute as executeMachine, type Outcome } from "../../providers/aws/interpreter.js";
import { ofType, parsed, rendered } from "../../providers/aws/support.js";
import { execute as executeWorkflow, WorkflowError } from "../../providers/gcp/workflow-interpreter.js";
import { planOf } from "../../providers/plans.js";
import { Workspaces } from "../store/workspace.js";

// biome-ignore lint/suspicious/noExplicitAny: JSON of other languages
type Value = any;

const note = (task: string) => `echo "$HANDOFF_RUN_ID ${task} $HANDOFF_SCHEDULED_AT" >> "$PLACE/ran"`;
const yaml = `version: 1
name: fx
deploy: {granularity: task}
tasks:
- {name: extract, commands: [{command: '${note("extract")}'}]}
- name: load
  depends_on: [extract]
  retries: {max: 1, delay: 1s}
  commands: [{command: '${note("load")}'}, {command: 'test -e "$PLACE/mended"'}]
- {name: report, depends_on: [load], commands: [{command: '${note("report")}'}]}
schedules:
- {name: first-or-monday, cron: "0 6 1 * MON"}
`;

describe("runner/lease: flows as platforms run them", function () {
  this.timeout(300_000);
  let at: Workspaces;
  let place: string;
  let root: string;
  beforeEach(() => {
    at = new Workspaces();
    place = at.make();
    root = at.make();
    for (const folder of ["project", "venvs"]) mkdirSync(join(root, folder));
  });
  afterEach(() => at.remove());

  const jobOf = (plan: DeployPlan, name: string): PlannedJob => {
    const job = plan.jobs.find((candidate) => candidate.name === name);
    if (!job) throw new Error(`no job ${name}`);
    return job;
  };
  /** Exit code of a container of the job, with what the platform changes of it. */
  const start = (
    plan: DeployPlan,
    job: PlannedJob,
    args: readonly string[] | undefined,
    env: Record<string, string>,
  ) => {
    writeFileSync(join(root, "spec.json"), JSON.stringify(plan.spec));
    const call = jobCall(plan, job);
    const { status, stdout, stderr } = spawnSync(process.execPath, [runnerEntry(), ...(args ?? call.args)], {
      encoding: "utf8",
      env: {
        ...{ PATH: process.env.PATH ?? "", PLACE: place, HANDOFF_ROOT: root, HANDOFF_WORK: at.make() },
        HANDOFF_ARTIFACTS: join(place, "store"),
        ...call.env,
        ...env,
      },
    });
    if (status !== 0 && status !== 1) throw new Error(stdout + stderr);
    return status;
  };
  const ran = () => readFileSync(join(place, "ran"), "utf8");
  const statuses = async (runId: string) =>
    Object.fromEntries(
      (await listRecords(folderObjects(join(place, "store")), { runId })).map(({ job, status }) => [
        job,
        status,
      ]),
    );
  const skipped = { extract: "skipped", load: "skipped", report: "skipped" };
  const lines = (runId: string, instant: string) =>
    ["extract", "load", "load", "report"].map((task) => `${runId} ${task} ${instant}\n`).join("");

  it("Step Functions: a start while the first goes on is skipped as a whole, and so is the second of one date", async () => {
    const plan = planOf(yaml, "aws");
    const [schedule] = plan.schedules;
    const [machine] = ofType(rendered(plan), "StateMachine");
    if (!schedule || !machine) throw new Error("there is no flow");
    const fire = (name: string, instant: string, meanwhile: () => void = () => {}) => {
      const text = JSON.stringify(
        evaluate(scheduledFlow({ plan }, schedule), { reference: () => "", secret: () => "" }),
      );
      const input = JSON.parse(text.replace("<aws.scheduler.scheduled-time>", instant));
      const call = (state: string, _: string, parameters: Value): Outcome => {
        const [override] = parameters.Overrides.ContainerOverrides;
        const env = Object.fromEntries(override.Environment.map(({ Name, Value }: Value) => [Name, Value]));
        const name = state.replace(/: run$/, "");
        const code = start(plan, jobOf(plan, name), override.Command, env);
        if (code === 0) return { output: {} };
        meanwhile();
        return { error: "States.TaskFailed", cause: `{"Containers":[{"ExitCode":${code}}]}` };
      };
      return executeMachine(parsed(machine.inputs.definition), input, call, name).status;
    };
    const meanwhile = () => {
      // Before the second attempt at `load`, which is all that goes on of the first execution.
      expect(fire("second", "2026-06-02T06:00:00Z")).to.equal("SUCCEEDED");
      writeFileSync(join(place, "mended"), "");
    };
    expect(fire("first", "2026-06-01T06:00:00Z", meanwhile)).to.equal("SUCCEEDED");
    expect(fire("twin", "2026-06-01T06:00:00Z")).to.equal("SUCCEEDED");
    expect(ran()).to.equal(lines("first", "2026-06-01T06:00:00.000Z"));
    expect(await statuses("first")).to.deep.equal({ extract: "success", load: "success", report: "success" });
    expect(await statuses("second")).to.deep.equal(skipped);
    expect(await statuses("twin")).to.deep.equal(skipped);
    expect(fire("next", "2026-06-08T06:00:00Z")).to.equal("SUCCEEDED");
    expect(await statuses("next")).to.deep.equal({ extract: "success", load: "success", report: "success" });
  });

  it("Workflows: the same, with the instant of the workflow's start for all jobs and attempts", async () => {
    const plan = planOf(yaml, "gcp");
    const { resources } = gcp.render(plan, { name: "fx", pulumiProject: "pipelines" });
    const inputsOf = (type: string): Value => printable(resources.find((one) => one.type === type)?.inputs);
    const source = JSON.parse(inputsOf("gcp:workflows/workflow:Workflow").sourceContents);
    const { body } = inputsOf("gcp:cloudscheduler/job:Job").httpTarget;
    const { argument } = JSON.parse(Buffer.from(body, "base64").toString("utf8"));
    const fire = async (name: string, time: string, meanwhile: () => Promise<void> = async () => {}) => {
      let seconds = Date.parse(time) / 1000;
      const call = async (connector: string, args: Value): Promise<Value> => {
        expect(connector).to.equal("googleapis.run.v1.namespaces.jobs.run");
        const job = plan.jobs.find(
          (one) => args.name.includes(`-${one.name}-`) || args.name.endsWith(`-${one.name}`),
        );
        if (!job) throw new Error(`no job is called ${args.name}`);
        const [override] = args.body.overrides.containerOverrides;
        const env = Object.fromEntries(override.env.map((one: Value) => [one.name, one.value]));
        const code = start(plan, job, override.args, env);
        seconds += 3600 * 24 * 10; // later jobs and attempts come after the schedule's next times
        if (code === 0) return { metadata: { name: "e" }, status: { succeededCount: 1 } };
        await meanwhile();
        return { metadata: { name: "e" }, status: { failedCount: 1 } };
      };
      const world = {
        env: { GOOGLE_CLOUD_WORKFLOW_EXECUTION_ID: name },
        get now() {
          return seconds;
        },
        slept: () => {},
        call,
      };
      await executeWorkflow(source, JSON.parse(argument), world).catch((error: unknown) => {
        if (error instanceof WorkflowError) throw new Error(`it failed: ${error.message}`);
        throw error;
      });
    };
    await fire("first", "2026-06-01T06:00:05Z", async () => {
      await fire("second", "2026-06-08T06:00:05Z");
      writeFileSync(join(place, "mended"), "");
    });
    await fire("twin", "2026-06-01T06:00:35Z");
    expect(ran()).to.equal(lines("first", "2026-06-01T06:00:00.000Z"));
    expect(await statuses("second")).to.deep.equal(skipped);
    expect(await statuses("twin")).to.deep.equal(skipped);
    await fire("wanted", "2026-06-01T09:00:00Z");
    expect(await statuses("wanted")).to.deep.equal({
      extract: "success",
      load: "success",
      report: "success",
    });
  });
});
