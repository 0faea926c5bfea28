import { expect } from "chai";
import { secretVariable } from "../../model/container-env.js";
import { UserError } from "../../model/diagnostic.js";
import { jobCall, scheduleCall } from "../../providers/container.js";
import { containerJob, containerRun } from "../../runner-image/src/container.js";
import { planOf } from "../providers/plans.js";

const plan = planOf(
  `version: 1
name: fx
secrets: [{key: API_KEY}]
deploy: {retries: {max: 1}}
tasks:
- {name: fetch, retries: {max: 2, delay: 1s}, commands: [{command: "true"}]}
- {name: load, commands: [{command: "true"}]}
schedules:
- {name: daily, cron: "0 6 * * *", timezone: Europe/Paris, tasks: [load], vars: {day: "a=b"}, envs: {MODE: full}}
`,
  "aws",
);
const [job] = plan.jobs;
const [schedule] = plan.schedules;
if (!job || !schedule) throw new Error("the plan has no job or no schedule");
const source = {
  args: [] as string[],
  env: {},
  spec: plan.spec,
  now: new Date("2026-03-05T12:00:00Z"),
  runId: "r1",
};

describe("the runner in a container", () => {
  it("understands what a deployment calls a job with", () => {
    const { args, env } = jobCall(plan, job);
    const { request } = containerRun({ ...source, args: args.slice(1), env });
    expect(request).to.deep.include({ tasks: ["fetch", "load"], stage: "prod", runId: "r1", attempt: 1 });
    expect(request).to.not.have.property("schedule");
    expect(request.scheduledAt).to.equal("2026-03-05T12:00:00.000Z");
  });

  it("takes a schedule's tasks, vars and envs, and the instant that the platform gives", () => {
    const { args, env } = scheduleCall(plan, job, schedule);
    const given = { ...env, HANDOFF_SCHEDULED_AT: "2026-03-05T05:00:00Z" };
    const { request } = containerRun({ ...source, args: args.slice(1), env: given });
    expect(request).to.deep.include({
      tasks: ["load"],
      vars: { day: "a=b" },
      envs: { MODE: "full" },
      schedule: "daily",
      scheduledAt: "2026-03-05T05:00:00.000Z",
    });
  });

  it("stands for the schedule's latest fire time where the platform gives none", () => {
    const { request } = containerRun({ ...source, env: { HANDOFF_SCHEDULE: "daily" } });
    expect(request.scheduledAt).to.equal("2026-03-05T05:00:00.000Z");
  });

  it("stands for the same instant in each job of a flow, and in an attempt after hours", () => {
    const started = { HANDOFF_STARTED_AT: "2026-03-05T05:00:03.123456Z" };
    const at = (env: Record<string, string>, now: string) =>
      containerRun({ ...source, now: new Date(now), env: { ...env, ...started } }).request.scheduledAt;
    expect(at({ HANDOFF_SCHEDULE: "daily" }, "2026-03-05T05:00:30Z")).to.equal("2026-03-05T05:00:00.000Z");
    expect(at({ HANDOFF_SCHEDULE: "daily" }, "2026-03-06T09:00:00Z")).to.equal("2026-03-05T05:00:00.000Z");
    expect(at({}, "2026-03-06T09:00:00Z")).to.equal("2026-03-05T05:00:03.123Z");
  });

  it("takes secrets from their variables, and hands none of these on", () => {
    const env = {
      [secretVariable("API_KEY")]: "planted",
      HOME: "/home/x",
      HANDOFF_SECRET_OTHER: "planted too",
    };
    const { secrets, baseEnv } = containerRun({ ...source, env });
    expect([...secrets]).to.deep.equal([["API_KEY", "planted"]]);
    expect(baseEnv).to.deep.equal({ HOME: "/home/x" });
  });

  it("leaves retries to an orchestrator that makes them", () => {
    const retries = (args: string[]) => {
      const { tasks, deploy } = containerRun({ ...source, args }).spec.project;
      return [...tasks.map((task) => task.retries?.max), deploy.retries?.max];
    };
    expect(retries([])).to.deep.equal([2, 1, 1]);
    expect(retries(["--no-retries"])).to.deep.equal([undefined, undefined, undefined]);
  });

  it("says what is wrong with arguments and variables", () => {
    const refused = (change: Partial<typeof source>) => () => containerRun({ ...source, ...change });
    expect(refused({ args: ["-v", "x"] })).to.throw(UserError, "-v x has no KEY=");
    expect(refused({ args: ["--nope"] })).to.throw(UserError, "--nope");
    expect(refused({ env: { HANDOFF_SCHEDULED_AT: "soon" } })).to.throw(UserError, "no instant");
    expect(refused({ env: { HANDOFF_STARTED_AT: "then" } })).to.throw(
      UserError,
      "HANDOFF_STARTED_AT is then",
    );
    for (const HANDOFF_RUN_ID of ["a/b", "..", "run (1)"])
      expect(refused({ env: { HANDOFF_RUN_ID } })).to.throw(UserError, "can't name a run");
    expect(refused({ env: { HANDOFF_ATTEMPT: "0" } })).to.throw(UserError, "no number from 1");
  });

  it("hides every secret of its environment, also those that the project doesn't use", () => {
    const env = { [secretVariable("API_KEY")]: "one", [secretVariable("GIT_TOKEN")]: "two", PLAIN: "three" };
    const contents = { spec: plan.spec, codeDir: "/code", venvsDir: "/venvs" };
    const { context } = containerJob(contents, env, { args: [], now: source.now, runId: "r1" });
    expect([...context.secrets]).to.deep.equal([["API_KEY", "one"]]);
    expect(context.hidden).to.have.members(["one", "two"]);
    expect(context.baseEnv).to.deep.equal({ PLAIN: "three" });
  });
});
