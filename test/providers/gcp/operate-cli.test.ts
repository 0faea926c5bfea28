/**
 * The commands on a stack that the real engine has deployed to a simulated Google Cloud, with records in a server of Cloud
 * Storage. What the containers would do is done here.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { up } from "../../../deploy/stack.js";
import { writeRecord } from "../../../runner-image/src/records.js";
import { openObjects } from "../../../runner-image/src/store/objects.js";
import { cli, execute, type Outcome, root } from "../../cli/support.js";
import { type Clouds, makeClouds } from "../../engine/clouds.js";
import { configure } from "../../engine/project.js";
import { type GcsServer, startGcs } from "../../runner/store/gcs-server.js";
import { GcpServer } from "./operate-server.js";

const project = `version: 1
name: fx
tasks:
- name: fetch
  commands:
  - {command: echo hello}
schedules:
- {name: daily, cron: "0 6 * * *", timezone: Europe/Paris, tasks: [fetch]}
`;

describe("gcp: the commands that operate a stack", function () {
  this.timeout(600_000);
  let repo: Clouds;
  let gcs: GcsServer;
  const server = new GcpServer();
  let env: Readonly<Record<string, string | undefined>>;
  /** Instants whose runs fail. */
  const failing = new Set<string>();
  /** Runs that go on now, and the most that there were. */
  let running = 0;
  let most = 0;

  before(async () => {
    repo = makeClouds();
    repo.write("project.yml", project);
    configure(repo, "gcp");
    const { outputs } = (await up(repo.options)) as unknown as { outputs: Outputs };
    const { jobs, schedules, stores } = outputs;
    const [, bucket = ""] = /^gs:\/\/([^/]+)/.exec(stores.artifacts) ?? [];
    gcs = await startGcs(bucket);
    server.executions.set(jobs.fx.name, []);
    server.schedules.set(schedules.daily, {
      schedule: "0 6 * * *",
      timeZone: "Europe/Paris",
      state: "ENABLED",
    });
    env = {
      ...repo.env,
      HANDOFF_GCP_ENDPOINT: await server.listen(),
      STORAGE_EMULATOR_HOST: gcs.endpoint,
      NO_COLOR: "1",
      TZ: "UTC",
    };
    server.onStart = (name) => void container(name, jobs.fx.name, stores.artifacts);
  });
  after(async () => {
    await server.close();
    await gcs?.stop();
    repo?.remove();
  });

  interface Outputs {
    readonly jobs: { readonly fx: { readonly name: string } };
    readonly schedules: { readonly daily: string };
    readonly stores: { readonly artifacts: string };
  }

  /** What a container does, in a second: a line, a record, an end. */
  async function container(name: string, job: string, artifacts: string): Promise<void> {
    running += 1;
    most = Math.max(most, running);
    const execution = server.executions.get(job)?.find((one) => one.name === name);
    const given = new Map(execution?.template?.containers?.[0]?.env?.map(({ name, value }) => [name, value]));
    const runId = given.get("HANDOFF_RUN_ID") ?? "";
    const scheduledAt = given.get("HANDOFF_SCHEDULED_AT") ?? "";
    const id = name.split("/").at(-1) ?? "";
    const startedAt = new Date().toISOString();
    Object.assign(execution ?? {}, { startTime: startedAt });
    const say = (message: string, line: object = {}) => {
      const now = new Date().toISOString();
      server.entries.push({
        insertId: String(server.entries.length),
        logName: "projects/my-project/logs/run.googleapis.com%2Fstdout",
        resource: { type: "cloud_run_job", labels: { location: "us-central1", job_name: job } },
        labels: { "run.googleapis.com/execution_name": id },
        severity: "DEFAULT",
        timestamp: now,
        receiveTimestamp: now,
        jsonPayload: { level: "info", runId, message, ...line },
      });
    };
    say("hello", { task: "fetch", stream: "stdout" });
    await sleep(300);
    const isBad = failing.has(scheduledAt);
    const status = isBad ? "failure" : "success";
    say(`run ${status}`, { event: "run.end", status });
    await writeRecord(await openObjects(artifacts, env), {
      schemaVersion: 1,
      runId,
      status,
      exitCode: isBad ? 1 : 0,
      startedAt,
      durationMs: 300,
      tasks: [],
      metrics: {},
      job: "fx",
      schedule: given.get("HANDOFF_SCHEDULE") ?? null,
      trigger: null,
      scheduledAt,
      endedAt: new Date().toISOString(),
      attempt: 1,
      execution: id,
      ...(isBad ? { error: "task fetch, step echo exited with 1" } : {}),
    });
    const state = isBad ? "CONDITION_FAILED" : "CONDITION_SUCCEEDED";
    Object.assign(execution ?? {}, {
      completionTime: new Date().toISOString(),
      conditions: [{ type: "Completed", state }],
    });
    running -= 1;
  }

  const handoff = (...argv: string[]): Promise<Outcome> =>
    cli([...argv, "-s", "dev"], { cwd: repo.root, env, now: () => new Date() });

  it("run it now, and show its log and its end", async () => {
    const { code, stdout, stderr } = await handoff("trigger", "--wait", "--json");
    expect(code, stderr).to.equal(0);
    const run = JSON.parse(stdout);
    expect(run).to.deep.include({
      schemaVersion: 1,
      status: "success",
      job: "fx",
      stack: "dev",
      durationMs: 300,
    });
    expect(stderr)
      .to.match(/fetch hello\n/)
      .and.match(/run success\n/);

    const table = await handoff("runs");
    expect(table.stdout).to.include(run.runId).and.include("success");
    const logs = await handoff("logs", run.runId, "--json", "--follow");
    expect(
      logs.stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).message),
    ).to.deep.equal(["hello", "run success"]);
  });

  it("pause a schedule and resume it", async () => {
    const paused = await handoff("schedules", "pause", "daily");
    expect(paused.code, paused.stderr).to.equal(0);
    expect((await handoff("schedules", "list")).stdout).to.match(/daily .* paused/);
    const status = await cli(["status", "--all", "--json"], { cwd: repo.root, env, now: () => new Date() });
    expect(JSON.parse(status.stdout).stacks).to.have.length(1);
    expect(JSON.parse(status.stdout).stacks[0]).to.deep.include({
      platform: "gcp",
      paused: ["daily"],
      next: null,
    });
    const resumed = await handoff("schedules", "resume", "daily");
    expect(resumed.stderr).to.match(/daily fires again; next: .* 06:00/);
    expect((await handoff("schedules", "pause", "dialy")).stderr).to.include("did you mean daily?");
  });

  it("run a schedule again for each of its times, some at a time", async () => {
    const days = ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"];
    failing.add("2026-03-03T05:00:00.000Z");
    most = 0;
    const { code, stdout, stderr } = await handoff(
      ...[
        "backfill",
        "daily",
        "--from",
        "2026-03-01",
        "--to",
        "2026-03-05",
        "--parallel",
        "2",
        "--keep-going",
      ],
      "--json",
    );
    expect(code, stderr).to.equal(1);
    const { runs } = JSON.parse(stdout);
    expect(
      runs.map((run: { scheduledAt: string; status: string }) => [run.scheduledAt, run.status]),
    ).to.deep.equal(
      days.map((day) => [`${day}T05:00:00.000Z`, day === "2026-03-03" ? "failure" : "success"]),
    );
    expect(most).to.equal(2);
    // The built command, whose libraries are in one file, sees them too.
    const built = await execute(
      process.execPath,
      [join(root, "bin/handoff"), "runs", "-s", "dev", "--json"],
      {
        cwd: repo.root,
        env: env as NodeJS.ProcessEnv,
      },
    );
    expect(built.code, built.stderr).to.equal(0);
    const listed = JSON.parse(built.stdout).runs as {
      schedule: string | null;
      status: string;
      reason: string;
    }[];
    expect(listed.filter(({ schedule }) => schedule === "daily")).to.have.length(4);
    expect(listed.find(({ status }) => status === "failure")?.reason).to.equal(
      "task fetch, step echo exited with 1",
    );
  });
});
