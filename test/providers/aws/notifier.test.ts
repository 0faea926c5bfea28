import { expect } from "chai";
import type { DeployPlan } from "../../../model/plan-types.js";
import type { RunRecord } from "../../../model/run.js";
import { artifactPrefix } from "../../../providers/aws/names.js";
import { tellEnding } from "../../../runner-image/src/ending.js";
import { MemoryStore } from "../../runner/store/memory-store.js";
import { fullPlan, planOf } from "../plans.js";
import { notifyOnMoto } from "./moto/server.js";
import { ofType, rendered } from "./support.js";

const cluster = "fx-rates";
const quiet = "version: 1\nname: quiet\ntasks:\n- {name: a, commands: [{command: ls}]}\n";
const task = (id: string) => `arn:aws:ecs:us-east-1:123456789012:task/${cluster}/${id}`;
const ecs = (id: string, detail: object) => ({
  source: "aws.ecs",
  "detail-type": "ECS Task State Change",
  time: "2026-11-21T06:01:00Z",
  detail: { taskArn: task(id), lastStatus: "STOPPED", ...detail },
});
const exit = (id: string, exitCode: number, reason?: string) =>
  ecs(id, {
    stopCode: "EssentialContainerExited",
    stoppedReason: "Essential container in task exited",
    containers: [{ name: "runner", exitCode, ...(reason === undefined ? {} : { reason }) }],
  });
const record = (status: RunRecord["status"], more: Partial<RunRecord> = {}): RunRecord => ({
  schemaVersion: 1,
  runId: "20261121T060000Z-0000000001",
  status,
  exitCode: 0,
  startedAt: "2026-11-21T06:00:00.000Z",
  durationMs: 12_000,
  tasks: [],
  metrics: {},
  ...more,
});

/** What the runner wrote, as objects of the stack's bucket. */
function contents({ objects }: MemoryStore, plan: DeployPlan): Record<string, string> {
  return Object.fromEntries(
    [...objects].map(([key, { body }]) => [`${artifactPrefix(plan)}/${key}`, body.toString()]),
  );
}

describe("AWS's notifier on moto", function () {
  this.timeout(900_000);

  it("granularity project: says what the run told, else what AWS knows, in mail and JSON", async () => {
    const plan = fullPlan("aws");
    const store = new MemoryStore();
    const tell = (name: string, of: RunRecord) =>
      tellEnding(store, { name, runId: of.runId, job: "fx-rates", members: ["fx-rates"] }, of);
    await tell("aa01", record("success", { metrics: { files: 3, records: 1204 } }));
    await tell(
      "aa02",
      record("failure", { error: 'load: step "tap-x" said <!channel> \\ and\nexited with 1' }),
    );
    await tell("aa03", { ...record("skipped"), reason: "another run is under way" });
    await tell("aa04", record("timeout", { error: "fetch: took longer than 60 s" }));
    // Told before it was killed for its memory, as if by an earlier part of the run.
    await tell("aa05", record("success"));
    const alert = (name: string) => `${plan.spec.project.name}-alert-${name}`;
    const [well, failed, skipped, late, killed, lost, pulled, notstarted, missed] = notifyOnMoto(
      rendered(plan),
      contents(store, plan),
      [
        { rule: alert("success"), event: exit("aa01", 0) },
        { rule: alert("failure"), event: exit("aa02", 1) },
        { rule: alert("success"), event: exit("aa03", 0) },
        { rule: alert("timeout"), event: exit("aa04", 124) },
        { rule: alert("failure"), event: exit("aa05", 137, "OutOfMemoryError: killed due to memory usage") },
        { rule: alert("failure"), event: exit("aa07", 139) },
        {
          rule: alert("failure"),
          event: ecs("aa06", {
            stopCode: "TaskFailedToStart",
            stoppedReason: "CannotPullContainerError: not found",
            containers: [{ name: "runner" }],
          }),
        },
        {
          rule: alert("notstarted"),
          event: {
            source: "aws.states",
            time: "2026-11-21T06:01:00Z",
            detail: { executionArn: "arn:x", name: "e1", status: "FAILED" },
          },
        },
        {
          rule: alert("missed"),
          event: {
            source: "aws.cloudwatch",
            time: "2026-11-21T07:00:00Z",
            detail: { state: { value: "ALARM" } },
          },
        },
      ],
    );
    const who = `${plan.spec.project.name} (${plan.settings.client})`;
    const log = `handoff logs -s ${plan.settings.stack}`;
    expect(well?.error).to.equal(null);
    expect(well?.mails).to.have.length(1);
    expect(well?.mails[0]?.subject).to.equal(`${who}: succeeded`);
    expect(well?.mails[0]?.text.split("\n").slice(0, 3)).to.deep.equal([
      `${who}: succeeded in 12 s, 1,204 records, 3 files.`,
      "",
      `Log: ${log} 20261121T060000Z-0000000001`,
    ]);
    expect(well?.posts.map(({ target }) => target)).to.deep.equal([
      `${plan.spec.project.name}-alerttarget-postsuccess-webhook-1`,
    ]);
    expect(well?.posts[0]?.detail).to.deep.include({
      schemaVersion: 1,
      text: `${who}: succeeded in 12 s, 1,204 records, 3 files. Log: ${log} 20261121T060000Z-0000000001`,
      event: "success",
      project: plan.spec.project.name,
      client: plan.settings.client,
      stack: plan.settings.stack,
      runId: "20261121T060000Z-0000000001",
      status: "success",
      metrics: { files: 3, records: 1204 },
      time: "2026-11-21T06:01:00Z",
    });
    expect(failed?.mails[0]?.text).to.contain(
      `${who}: failed after 12 s: load: step "tap-x" said <!channel> \\ and exited with 1.\n`,
    );
    expect(failed?.posts.map(({ target }) => target.replace(/.*-/, ""))).to.deep.equal(["1", "2"]);
    expect(failed?.posts[0]?.detail.text).to.contain(
      'step "tap-x" said &lt;!channel&gt; \\ and exited with 1',
    );
    expect(skipped).to.deep.equal({ status: "SUCCEEDED", error: null, mails: [], posts: [] });
    expect(late?.mails[0]?.text).to.contain("timed out after 12 s: fetch: took longer than 60 s.");
    // moto makes a list of what a path with an index finds, when it stands in a function.
    const said = (result: typeof well) => result?.mails[0]?.text.split("\n")[0]?.replace(/\[(.*)\]/, "$1");
    expect(said(killed)).to.equal(`${who}: failed: OutOfMemoryError: killed due to memory usage.`);
    expect(killed?.posts[0]?.detail).to.deep.include({ runId: "", status: "failure", metrics: {} });
    expect(said(lost)).to.equal(`${who}: failed with exit code 139.`);
    expect(said(pulled)).to.equal(`${who}: failed: CannotPullContainerError: not found.`);
    expect(said(notstarted)).to.contain(`${who}: a message could not start a run;`);
    expect(said(missed)).to.contain(`${who}: a schedule could not start its job; its call is in the queue `);
    expect(missed?.mails[0]?.subject).to.equal(`${who}: missed`);
  });

  it("granularity task: sums up what the jobs told; of a job that could not tell, the flow's end is all that is known", async () => {
    const plan = fullPlan("aws", { granularity: "task" });
    const members = plan.jobs.map(({ name }) => name);
    const store = new MemoryStore();
    const tell = (name: string, job: string, of: RunRecord) =>
      tellEnding(store, { name, runId: name, job, members }, of);
    for (const [index, job] of members.entries()) {
      const startedAt = new Date(Date.UTC(2026, 10, 21, 6, index)).toISOString();
      await tell("well", job, record("success", { startedAt, metrics: { records: 600 } }));
    }
    await tell("bad", members[0] ?? "", record("success"));
    await tell("bad", members[1] ?? "", record("failure", { error: "tap-x exited with 1" }));
    await tell("silent", members[0] ?? "", record("success"));
    const flow = (name: string, status: string, error?: string) => ({
      source: "aws.states",
      time: "2026-11-21T06:10:00Z",
      detail: { executionArn: `arn:aws:states:::execution:flow:${name}`, name, status, error: error ?? null },
    });
    const alert = (name: string) => `${plan.spec.project.name}-alert-${name}`;
    const results = notifyOnMoto(rendered(plan), contents(store, plan), [
      { rule: alert("success"), event: flow("well", "SUCCEEDED") },
      { rule: alert("failure"), event: flow("bad", "FAILED", "Handoff.Failure") },
      { rule: alert("failure"), event: flow("silent", "FAILED", "Handoff.Failure") },
    ]);
    const who = `${plan.spec.project.name} (${plan.settings.client})`;
    const total = (members.length * 600).toLocaleString("en");
    expect(results.map(({ mails }) => mails[0]?.text.split("\n")[0])).to.deep.equal([
      `${who}: succeeded in ${members.length - 1} min 12 s, ${total} records.`,
      `${who}: failed after 12 s: ${members[1]}: tap-x exited with 1.`,
      `${who}: failed.`,
    ]);
    expect(results[0]?.mails[0]?.text).to.contain(`handoff logs -s ${plan.settings.stack} well\n`);
  });

  it("is there only when somebody is to be told, and may do only what it needs for them", () => {
    const names = (notifications: string) =>
      ofType(rendered(planOf(`${quiet}${notifications}`, "aws")), "RolePolicy")
        .filter(({ name }) => /notifier|alerts/.test(name))
        .map(({ name, inputs }) => [
          name.replace(/.*-/, ""),
          [...JSON.stringify(inputs.policy).matchAll(/"Sid":"(\w+)"/g)].map(([, sid]) => sid),
        ]);
    expect(names("")).to.deep.equal([]);
    expect(names("notifications:\n- {on: [failure], email: a@example.com}\n")).to.deep.equal([
      ["notifierpolicy", ["ReadEndings", "SendMail"]],
      ["alertspolicy", ["StartNotifier"]],
    ]);
    expect(
      names("notifications:\n- {on: [failure], webhook: {url: 'https://example.com/a'}}\n"),
    ).to.deep.equal([
      ["notifierpolicy", ["ReadEndings", "TellTheBus"]],
      ["alertspolicy", ["StartNotifier", "CallWebhooks"]],
    ]);
  });
});
