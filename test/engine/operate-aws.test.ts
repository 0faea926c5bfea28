/**
 * The commands that operate a stack, from the command line to AWS's protocol: the real engine deploys to a simulated AWS, whose
 * outputs moto is given; the tests play the containers, which moto doesn't run.
 */
import { ListTasksCommand } from "@aws-sdk/client-ecs";
import { expect } from "chai";
import { up } from "../../deploy/stack.js";
import { cli } from "../cli/support.js";
import { type AwsStack, type AwsWorld, type Outputs, startAwsWorld } from "../providers/aws/operate-world.js";
import { planOf } from "../providers/plans.js";
import { type Clouds, makeClouds } from "./clouds.js";
import { configure } from "./project.js";

const project = `version: 1
name: fx
tasks:
- name: fetch
  commands:
  - {command: echo hello}
schedules:
- {name: daily, cron: "0 6 * * *", timezone: Europe/Berlin, tasks: [fetch], overlap: skip}
`;

describe("operating a stack on AWS from the command line", function () {
  this.timeout(10 * 60_000);
  let repo: Clouds;
  let world: AwsWorld;
  let stack: AwsStack;

  const handoff = async (...argv: string[]) => {
    const env = { ...repo.env, AWS_ENDPOINT_URL: world.endpoint, NO_COLOR: "1", TZ: "UTC" };
    return await cli([...argv, "-s", "dev"], { cwd: repo.root, env, now: () => new Date() });
  };
  const succeeds = async (...argv: string[]) => {
    const { code, stdout, stderr } = await handoff(...argv);
    expect(code, stderr).to.equal(0);
    return { stdout, stderr };
  };

  before(async () => {
    repo = makeClouds();
    configure(repo, "aws");
    repo.write("project.yml", project);
    world = await startAwsWorld();
    const { outputs } = await up(repo.options);
    stack = await world.adopt(outputs as unknown as Outputs, planOf(project, "aws"));
  });
  after(async () => {
    await world?.stop();
    repo?.remove();
  });

  /** Containers that succeed at once, each with the run's id that it was given; ends when `until` is done. */
  async function play(until: Promise<unknown>): Promise<void> {
    let over = false;
    void until.finally(() => {
      over = true;
    });
    const played = new Set<string>();
    while (!over) {
      const { taskArns = [] } = await stack.clients.ecs.send(
        new ListTasksCommand({ cluster: String(stack.outputs.cluster) }),
      );
      for (const arn of taskArns) {
        const id = arn.slice(arn.lastIndexOf("/") + 1);
        if (played.has(id)) continue;
        played.add(id);
        const task = await stack.task(id);
        const environment = task?.overrides?.containerOverrides?.[0]?.environment ?? [];
        const given = Object.fromEntries(environment.map(({ name, value }) => [name, value]));
        const runId = given.HANDOFF_RUN_ID ?? "";
        const lines = [
          { message: `for ${given.HANDOFF_SCHEDULED_AT}`, runId },
          { message: "ended", event: "run.end" as const, runId },
        ];
        await stack.print("fx", id, lines);
        await stack.record({
          runId,
          execution: id,
          schedule: given.HANDOFF_SCHEDULE ?? null,
          scheduledAt: given.HANDOFF_SCHEDULED_AT ?? "",
        });
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  it("says that nothing has run", async () => {
    expect((await succeeds("runs")).stderr).to.include("dev has not run yet");
    const { code, stderr } = await handoff("logs");
    expect({ code, stderr }).to.deep.include({ code: 2 });
    expect(stderr).to.include("nothing has run yet");
  });

  it("triggers, follows, waits and lists", async () => {
    const waiting = succeeds("trigger", "--wait", "--json", "-v", "a=b");
    await play(waiting);
    const { stdout, stderr } = await waiting;
    const run = JSON.parse(stdout);
    expect(run).to.deep.include({
      schemaVersion: 1,
      status: "success",
      exitCode: 0,
      stack: "dev",
      job: "fx",
    });
    expect(stderr).to.match(/\d\d:\d\d:\d\d for 20.*\n\d\d:\d\d:\d\d ended\n$/);
    expect((await succeeds("logs", run.runId)).stdout).to.match(/ for 20.*\n.* ended\n$/);
    const { runs } = JSON.parse((await succeeds("runs", "--json")).stdout);
    expect(runs.map(({ runId }: { runId: string }) => runId)).to.deep.equal([run.runId]);
  });

  it("pauses and resumes a schedule", async () => {
    await succeeds("schedules", "pause", "daily");
    expect(await stack.stateOf("daily")).to.equal("DISABLED");
    expect((await succeeds("schedules", "list")).stdout).to.match(/daily .* paused/);
    const { stderr } = await succeeds("schedules", "resume", "daily");
    expect(stderr).to.match(/daily fires again; next: \d{4}-\d\d-\d\d 06:00/);
    expect(await stack.stateOf("daily")).to.equal("ENABLED");
  });

  it("runs a schedule again for its times in the past", async () => {
    const filling = succeeds(
      ...["backfill", "daily", "--from", "2026-03-01", "--to", "2026-03-04", "--parallel", "2", "--json"],
    );
    await play(filling);
    const { runs } = JSON.parse((await filling).stdout);
    expect(
      runs.map(({ scheduledAt, status }: Record<string, unknown>) => [scheduledAt, status]),
    ).to.deep.equal([
      ["2026-03-01T05:00:00.000Z", "success"],
      ["2026-03-02T05:00:00.000Z", "success"],
      ["2026-03-03T05:00:00.000Z", "success"],
    ]);
  });

  it("shows how it is", async () => {
    const env = { ...repo.env, AWS_ENDPOINT_URL: world.endpoint };
    const { code, stdout, stderr } = await cli(["status", "dev", "--json"], {
      cwd: repo.root,
      env,
      now: () => new Date(),
    });
    expect(code, stderr).to.equal(0);
    const [found] = JSON.parse(stdout).stacks;
    expect(found).to.deep.include({ stack: "dev", platform: "aws", failedLately: 0, paused: [] });
    expect(found.lastRun).to.include({ status: "success", job: "fx" });
    expect(found.next).to.match(/^\d{4}-\d\d-\d\dT0[45]:00:00.000Z$/);
  });

  it("says what AWS refuses, without a stack trace", async () => {
    const env = { ...repo.env, AWS_ENDPOINT_URL: "http://127.0.0.1:1", AWS_MAX_ATTEMPTS: "1" };
    const { code, stdout, stderr } = await cli(["trigger", "-s", "dev"], { cwd: repo.root, env });
    expect({ code, stdout }).to.deep.equal({ code: 1, stdout: "" });
    expect(stderr)
      .to.include("can't start fx")
      .and.include("ECONNREFUSED")
      .and.not.match(/\n {4}at /);
  });
});
