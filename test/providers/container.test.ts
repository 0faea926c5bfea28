import { expect } from "chai";
import type { DeployPlan, PlannedJob } from "../../model/plan-types.js";
import type { Schedule } from "../../model/project.js";
import {
  jobCall,
  scheduleCall,
  secretVariable,
  storeVariable,
  triggerCall,
} from "../../providers/container.js";
import { fullPlan, weekdaysOptions } from "./plans.js";

function jobOf(plan: DeployPlan, name: string): PlannedJob {
  const job = plan.jobs.find((each) => each.name === name);
  if (!job) throw new Error(`the plan has no job ${name}`);
  return job;
}

function scheduleOf(plan: DeployPlan, name: string): Schedule {
  const schedule = plan.schedules.find((each) => each.name === name);
  if (!schedule) throw new Error(`the plan has no schedule ${name}`);
  return schedule;
}

describe("container: how a job's container is called", () => {
  const project = fullPlan("aws", { granularity: "project" });
  const task = fullPlan("aws", { granularity: "task" });

  it("granularity project: the runner runs every active task, and retries them", () => {
    const { args, env } = jobCall(project, jobOf(project, "fx-rates"));
    expect(args).to.deep.equal(["run", "extract", "reference", "load", "report"]);
    expect(env).to.deep.include({
      HANDOFF_CLIENT: "client-a",
      HANDOFF_JOB: "fx-rates",
      HANDOFF_LOG_FORMAT: "json",
      HANDOFF_STACK: "prod",
      HANDOFF_STAGE: "prod",
    });
  });

  it("granularity task: one task, which the orchestrator retries", () => {
    expect(jobCall(task, jobOf(task, "load")).args).to.deep.equal(["run", "--no-retries", "load"]);
  });

  it("no value of a secret or of the project's is in the environment, whose keys are sorted", () => {
    const { env } = jobCall(project, jobOf(project, "fx-rates"));
    expect(Object.keys(env)).to.deep.equal(Object.keys(env).sort());
    expect(Object.keys(env).every((key) => key.startsWith("HANDOFF_"))).to.equal(true);
  });

  it("a schedule selects tasks in the job's order and sets its vars and envs, whatever is in them", () => {
    const call = scheduleCall(project, jobOf(project, "fx-rates"), scheduleOf(project, "weekdays"));
    expect(call).to.deep.equal({
      args: ["run", ...weekdaysOptions, "load", "report"],
      env: { HANDOFF_SCHEDULE: "weekdays" },
    });
  });

  it("a schedule without a selection runs all that the job has", () => {
    expect(scheduleCall(task, jobOf(task, "extract"), scheduleOf(task, "nightly")).args).to.deep.equal([
      "run",
      "--no-retries",
      "extract",
    ]);
  });

  it("a trigger selects tasks; its message is not an argument", () => {
    expect(
      triggerCall(project, jobOf(project, "fx-rates"), { name: "orders", tasks: ["report", "load"] }),
    ).to.deep.equal({ args: ["run", "load", "report"], env: { HANDOFF_TRIGGER: "orders" } });
    expect(triggerCall(project, jobOf(project, "fx-rates"), { name: "any", tasks: [] }).args).to.have.length(
      5,
    );
  });

  it("names variables as shells can have them", () => {
    expect(secretVariable("db-url.1")).to.equal("HANDOFF_SECRET_DB_URL_1");
    expect(storeVariable("raw-files")).to.equal("HANDOFF_STORE_RAW_FILES");
  });
});
