/**
 * The commands on a stack that the real engine has deployed to a simulated Azure, with records in azurite. What the
 * containers would do is done here.
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
import { type Azurite, startAzurite } from "../../runner/store/azurite.js";
import { AzureServer, customerId, type ServedJob } from "./operate-server.js";

const project = `version: 1
name: fx
tasks:
- name: fetch
  commands:
  - {command: echo hello}
schedules:
- {name: daily, cron: "0 6 * * *", tasks: [fetch], vars: {day: "{{ scheduled_at }}"}}
- {name: paris, cron: "0 6 * * *", timezone: Europe/Paris}
`;

interface Outputs {
  readonly jobs: { readonly fx: string };
  readonly schedules: { readonly daily: string; readonly paris: string };
  readonly stores: { readonly artifacts: string };
  readonly logs: string;
}

describe("azure: the commands that operate a stack", function () {
  this.timeout(600_000);
  let repo: Clouds;
  let azurite: Azurite;
  let server: AzureServer;
  let outputs: Outputs;
  let env: Readonly<Record<string, string | undefined>>;
  /** Instants whose runs fail. */
  const failing = new Set<string>();
  /** Runs that go on now, and the most that there were. */
  let running = 0;
  let most = 0;
  /** What goes wrong in a container that nobody waits for. */
  const wrong: unknown[] = [];

  before(async () => {
    repo = makeClouds();
    repo.write("project.yml", project);
    configure(repo, "azure");
    ({ outputs } = (await up(repo.options)) as unknown as { outputs: Outputs });
    const held = repo.held("azure-native");
    const subscription = outputs.logs.split("/")[2] ?? "";
    server = new AzureServer(subscription);
    server.workspace = outputs.logs;
    for (const { type, id, inputs } of held) {
      const name = id.split("/").at(-1) ?? "";
      if (type === "azure-native:app:Job") {
        const { configuration, template } = inputs as ServedJob["properties"];
        const properties = { runningState: "Ready", configuration, template };
        server.jobs.set(name, { id, name, properties, executions: [] });
      }
      if (type === "azure-native:logic:Workflow") {
        const properties = { state: String(inputs.state), definition: inputs.definition };
        server.workflows.set(name, { id, name, properties, runs: [] });
      }
    }
    azurite = await startAzurite(new URL(outputs.stores.artifacts).pathname.split("/")[1] ?? "");
    env = {
      ...repo.env,
      ...azurite.env,
      HANDOFF_AZURE_ENDPOINT: await server.listen(),
      NO_COLOR: "1",
      TZ: "UTC",
    };
    server.onStart = (name) => void container(name).catch((error: unknown) => wrong.push(error));
  });
  after(async () => {
    await server?.close();
    await azurite?.stop();
    repo?.remove();
  });
  afterEach(() => expect(wrong).to.deep.equal([]));

  /** What a container does, in a moment: a line, a record, an end. */
  async function container(id: string): Promise<void> {
    running += 1;
    most = Math.max(most, running);
    const execution = [...server.jobs.values()]
      .flatMap(({ executions }) => executions)
      .find(({ name }) => name === id);
    if (!execution) throw new Error(`${id} was not started`);
    const [{ env: variables = [] } = { env: [] }] = execution.properties.template.containers;
    const given = new Map(variables.map(({ name, value }) => [name, value]));
    const runId = given.get("HANDOFF_RUN_ID") ?? "";
    const scheduledAt = given.get("HANDOFF_SCHEDULED_AT") ?? "";
    const startedAt = new Date().toISOString();
    const say = (message: string, more: object = {}) => {
      const now = new Date().toISOString();
      const line = JSON.stringify({ time: now, level: "info", runId, message, ...more });
      const number = server.console.length;
      server.console.push({ printed: now, came: now, group: `${id}-abcde`, id: `i${number}`, line });
    };
    say("hello", { task: "fetch", stream: "stdout" });
    await sleep(300);
    const isBad = failing.has(scheduledAt);
    const status = isBad ? "failure" : "success";
    say(`run ${status}`, { event: "run.end", status });
    await writeRecord(await openObjects(outputs.stores.artifacts, env), {
      schemaVersion: 1,
      runId,
      status,
      exitCode: isBad ? 1 : 0,
      startedAt,
      durationMs: 300,
      tasks: [],
      metrics: {},
      job: given.get("HANDOFF_JOB") ?? "",
      schedule: given.get("HANDOFF_SCHEDULE") ?? null,
      trigger: null,
      scheduledAt,
      endedAt: new Date().toISOString(),
      attempt: 1,
      execution: id,
      ...(isBad ? { error: "task fetch, step echo exited with 1" } : {}),
    });
    Object.assign(execution.properties, {
      endTime: new Date().toISOString(),
      status: isBad ? "Failed" : "Succeeded",
    });
    running -= 1;
  }

  const handoff = (...argv: string[]): Promise<Outcome> =>
    cli([...argv, "-s", "dev"], { cwd: repo.root, env, now: () => new Date() });

  it("run it now, and show its log and its end", async () => {
    const { code, stdout, stderr } = await handoff("trigger", "--wait", "--json");
    expect(code, stderr).to.equal(0);
    const run = JSON.parse(stdout);
    expect(run).to.deep.include({ schemaVersion: 1, status: "success", job: "fx", stack: "dev" });
    expect(stderr)
      .to.match(/fetch hello\n/)
      .and.match(/run success\n/);

    const table = await handoff("runs");
    expect(table.stdout).to.include(run.runId).and.include("success");
    const logs = await handoff("logs", run.runId, "--json", "--follow");
    const lines = logs.stdout.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).message)).to.deep.equal(["hello", "run success"]);
    expect(server.asked(new RegExp(`/v1/workspaces/${customerId}/query`))).not.to.deep.equal([]);
  });

  it("pause schedules and resume them, those of jobs and those of Logic Apps", async () => {
    for (const name of ["daily", "paris"]) {
      const paused = await handoff("schedules", "pause", name);
      expect(paused.code, paused.stderr).to.equal(0);
      expect((await handoff("schedules", "list")).stdout).to.match(new RegExp(`${name} .* paused`));
    }
    const status = await cli(["status", "--all", "--json"], { cwd: repo.root, env, now: () => new Date() });
    expect(JSON.parse(status.stdout).stacks[0]).to.deep.include({
      platform: "azure",
      paused: ["daily", "paris"],
      next: null,
    });
    for (const name of ["daily", "paris"]) {
      const resumed = await handoff("schedules", "resume", name);
      expect(resumed.stderr).to.match(new RegExp(`${name} fires again; next: .* 06:00`));
    }
    expect((await handoff("schedules", "pause", "dialy")).stderr).to.include("did you mean daily?");
  });

  it("run a schedule again for each of its times, some at a time", async () => {
    const days = ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"];
    failing.add("2026-03-03T06:00:00.000Z");
    most = 0;
    const { code, stdout, stderr } = await handoff(
      ...["backfill", "daily", "--from", "2026-03-01", "--to", "2026-03-05"],
      ...["--parallel", "2", "--keep-going", "--json"],
    );
    expect(code, stderr).to.equal(1);
    const { runs } = JSON.parse(stdout);
    expect(
      runs.map((run: { scheduledAt: string; status: string }) => [run.scheduledAt, run.status]),
    ).to.deep.equal(
      days.map((day) => [`${day}T06:00:00.000Z`, day === "2026-03-03" ? "failure" : "success"]),
    );
    expect(most).to.equal(2);
    const started = server.asked(/POST .*\/start/).at(-1)?.body as ServedJob["properties"]["template"];
    expect(started.containers[0]?.args).to.deep.equal(["run", "-v", "day={{ scheduled_at }}", "fetch"]);
  });

  it("see the same with the built command, whose libraries are in one file", async () => {
    const built = await execute(
      process.execPath,
      [join(root, "bin/handoff"), "runs", "-s", "dev", "--json"],
      { cwd: repo.root, env: env as NodeJS.ProcessEnv },
    );
    expect(built.code, built.stderr).to.equal(0);
    const listed = JSON.parse(built.stdout).runs as Record<"schedule" | "status" | "reason", string | null>[];
    expect(listed.filter(({ schedule }) => schedule === "daily")).to.have.length(4);
    expect(listed.find(({ status }) => status === "failure")?.reason).to.equal(
      "task fetch, step echo exited with 1",
    );
  });
});
