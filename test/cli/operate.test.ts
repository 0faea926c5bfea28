import { appendFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { type History, type NewRun, openHistory } from "../../history/history.js";
import type { Schedule } from "../../model/project.js";
import type { LogLine, RunRecord } from "../../model/run.js";
import { deploymentPaths, homePaths } from "../../providers/local/home.js";
import { commandBody, makeProject, makeSchedule, makeTask } from "../support/model.js";
import { type Deployed, deployed, deployment } from "./deployed.js";
import { root } from "./support.js";

const project = makeProject({
  artifacts: { keep: [], pushOnFail: false },
  tasks: [makeTask("load", commandBody('echo "rate of $BASE"; exit "$CODE"'))],
});

function schedule(name: string, fields: Partial<Schedule> = {}): Schedule {
  return makeSchedule("0 6 * * *", { name, timezone: "Europe/Berlin", ...fields });
}

function newRun(runId: string, scheduledAt: string, fields: Partial<NewRun> = {}): NewRun {
  return {
    runId,
    deployment,
    stack: "dev",
    client: "client-a",
    job: "fx",
    schedule: null,
    trigger: null,
    scheduledAt,
    firedAt: scheduledAt,
    status: "queued",
    request: {
      runId,
      tasks: ["load"],
      vars: { base: "EUR" },
      envs: { PASSWORD: "hunter2" },
      scheduledAt,
      stage: "dev",
      attempt: 1,
    },
    ...fields,
  };
}

function record(runId: string, startedAt: string, fields: Partial<RunRecord>): RunRecord {
  return {
    schemaVersion: 1,
    runId,
    status: "success",
    exitCode: 0,
    startedAt,
    durationMs: 4200,
    tasks: [],
    metrics: {},
    ...fields,
  };
}

describe("cli: what is deployed on this machine", function () {
  this.timeout(120_000);
  let folder: Deployed;
  let home: string;
  let history: History;

  const handoff: Deployed["handoff"] = (...args) => folder.handoff(...args);

  beforeEach(() => {
    folder = deployed(project);
    home = folder.home;
    history = openHistory(homePaths(home).history);
  });
  afterEach(() => {
    history.close();
    folder.remove();
  });

  function threeRuns(): void {
    const [old, bad, now] = [
      newRun("20260301T050000Z-aaaaaa", "2026-03-01T05:00:00.000Z", { schedule: "every-morning" }),
      newRun("20260303T100000Z-bbbbbb", "2026-03-03T10:00:00.000Z"),
      newRun("20260303T115900Z-cccccc", "2026-03-03T11:59:00.000Z", { trigger: "orders" }),
    ];
    history.insertRuns([old, bad, now]);
    for (const run of [old, bad, now]) history.claim(run.runId, 1, run.scheduledAt);
    history.finish(old.runId, {
      status: "success",
      exitCode: 0,
      endedAt: "2026-03-01T05:00:04.500Z",
      record: record(old.runId, old.scheduledAt, { metrics: { records: 1204 } }),
      notice: false,
    });
    history.finish(bad.runId, {
      status: "failure",
      exitCode: 1,
      endedAt: "2026-03-03T10:00:09.000Z",
      reason: "task load, step echo exited with 1",
      record: record(bad.runId, bad.scheduledAt, {
        status: "failure",
        exitCode: 1,
        durationMs: 9000,
        tasks: [
          {
            name: "load",
            status: "failure",
            exitCode: 1,
            startedAt: bad.scheduledAt,
            durationMs: 9000,
            attempts: 1,
            steps: [],
          },
        ],
      }),
      notice: false,
    });
  }

  function logOf(runId: string, lines: readonly Partial<LogLine>[]): string {
    const file = deploymentPaths(home, deployment).run(runId).log;
    mkdirSync(dirname(file), { recursive: true });
    for (const line of lines) {
      const full = { time: "2026-03-03T10:00:01.000Z", level: "info", runId, message: "", ...line };
      appendFileSync(file, `${JSON.stringify(full)}\n`);
    }
    return file;
  }

  describe("runs", () => {
    it("lists the newest first, with what went wrong", async () => {
      threeRuns();
      const { code, stdout, stderr } = await handoff(["runs"]);
      expect(stderr).to.equal("");
      expect(code).to.equal(0);
      expect(
        stdout
          .trimEnd()
          .split("\n")
          .map((line) => line.split(/ {2,}/)),
      ).to.deep.equal([
        ["RUN", "JOB", "SCHEDULE", "STATUS", "FOR", "TOOK", "RECORDS", "ERROR"],
        ["20260303T115900Z-cccccc", "fx", "(trigger orders)", "running", "1 min ago", "1 min 00 s", "-"],
        [
          "20260303T100000Z-bbbbbb",
          "fx",
          "-",
          "failure",
          "2 h ago",
          "9.0 s",
          "-",
          "task load, step echo exited with 1",
        ],
        ["20260301T050000Z-aaaaaa", "fx", "every-morning", "success", "2 days ago", "4.2 s", "1,204"],
      ]);
    });

    it("prints data with --json, without what the environment of a run holds", async () => {
      threeRuns();
      const { stdout } = await handoff(["runs", "-n", "2", "--json"]);
      const { schemaVersion, runs } = JSON.parse(stdout);
      expect(schemaVersion).to.equal(1);
      expect(runs).to.have.length(2);
      expect(runs[0]).to.include({ status: "running", trigger: "orders", durationMs: null, endedAt: null });
      expect(runs[1]).to.deep.include({
        runId: "20260303T100000Z-bbbbbb",
        deployment,
        stack: "dev",
        client: "client-a",
        exitCode: 1,
        durationMs: 9000,
        reason: "task load, step echo exited with 1",
        request: { tasks: ["load"], vars: { base: "EUR" }, stage: "dev" },
        metrics: {},
      });
      expect(runs[1].tasks[0]).to.include({ name: "load", status: "failure" });
      expect(stdout).not.to.include("hunter2");
    });

    it("says how to get the first one", async () => {
      const { code, stdout, stderr } = await handoff(["runs"]);
      expect({ code, stdout }).to.deep.equal({ code: 0, stdout: "" });
      expect(stderr).to.equal("dev has not run yet; run it with: handoff trigger -s dev\n");
      expect((await handoff(["runs", "--json"])).stdout).to.equal('{"schemaVersion":1,"runs":[]}\n');
    });

    it("takes a limit from 1", async () => {
      for (const limit of ["0", "-1", "ten", "1.5"]) {
        const { code, stderr } = await handoff(["runs", `--limit=${limit}`]);
        expect(code).to.equal(2);
        expect(stderr).to.include(`--limit takes a whole number from 1, not ${limit}`);
      }
    });
  });

  describe("logs", () => {
    it("prints the newest run's, or that of the run whose id begins so", async () => {
      threeRuns();
      logOf("20260303T100000Z-bbbbbb", [
        { message: "starts", event: "run.start" },
        { message: "rate of EUR", stream: "stdout", task: "load", step: "echo" },
      ]);
      logOf("20260303T115900Z-cccccc", [{ message: "the newest" }]);
      expect((await handoff(["logs"])).stdout).to.match(/^\d\d:\d\d:\d\d the newest\n$/);
      const { code, stdout, stderr } = await handoff(["logs", "20260303T10"]);
      expect(stderr).to.equal("");
      expect(code).to.equal(0);
      expect(stdout).to.match(/^\S+ starts\n\S+ load\/echo rate of EUR\n$/);
    });

    it("prints the lines as they are with --json", async () => {
      threeRuns();
      logOf("20260303T100000Z-bbbbbb", [{ message: "a", task: "load" }, { message: "b" }]);
      const { stdout } = await handoff(["logs", "20260303T100000Z-bbbbbb", "--json"]);
      const lines = stdout.trimEnd().split("\n");
      expect(lines.map((line) => JSON.parse(line))).to.deep.equal([
        {
          time: "2026-03-03T10:00:01.000Z",
          level: "info",
          runId: "20260303T100000Z-bbbbbb",
          message: "a",
          task: "load",
        },
        { time: "2026-03-03T10:00:01.000Z", level: "info", runId: "20260303T100000Z-bbbbbb", message: "b" },
      ]);
    });

    it("follows until the run has ended", async () => {
      threeRuns();
      const runId = "20260303T115900Z-cccccc";
      const writing = setTimeout(() => {
        logOf(runId, [{ message: "first" }]);
        setTimeout(() => {
          logOf(runId, [{ message: "last" }]);
          history.finish(runId, {
            status: "success",
            exitCode: 0,
            endedAt: "2026-03-03T12:00:00.000Z",
            notice: false,
          });
        }, 600);
      }, 300);
      try {
        const { code, stdout } = await handoff(["logs", "--follow"]);
        expect(code).to.equal(0);
        expect(stdout).to.match(/^\S+ first\n\S+ last\n$/);
      } finally {
        clearTimeout(writing);
      }
    });

    it("ends without a word when it is interrupted", async () => {
      threeRuns();
      logOf("20260303T115900Z-cccccc", [{ message: "so far" }]);
      for (const [signal, expected] of [
        ["SIGINT", 130],
        ["SIGTERM", 143],
      ] as const) {
        const interruption = new AbortController();
        setTimeout(() => interruption.abort(signal), 400);
        const { code, stdout, stderr } = await handoff(["logs", "-f"], { interrupted: interruption.signal });
        expect(stdout).to.match(/^\S+ so far\n$/);
        expect(stderr).to.equal("");
        expect(code).to.equal(expected);
      }
    });

    it("says why there is nothing", async () => {
      threeRuns();
      expect((await handoff(["logs"])).stderr).to.match(/\(running\) has no log yet/);
    });

    it("says that a log was removed, and why", async () => {
      threeRuns();
      const ended = history
        .list({ deployment })
        .find((run) => run.endedAt !== null && run.startedAt !== null);
      const id = ended?.runId ?? "none";
      const gone = await handoff(["logs", id]);
      expect(gone.code).to.equal(0);
      expect(gone.stderr)
        .to.include(`the log of ${id}`)
        .and.include("was removed")
        .and.include("handoff destroy");
      history.markPruned(id);
      const pruned = await handoff(["logs", id]);
      expect(pruned.stderr).to.include(`which ended ${ended?.endedAt}, was removed`).and.include("keepRuns");
      mkdirSync(deploymentPaths(home, deployment).run(id).root, { recursive: true });
      expect((await handoff(["logs", id])).stderr).to.match(/has no log/);
    });

    it("helps with an id that is not there, or is several", async () => {
      threeRuns();
      const wrong = await handoff(["logs", "20260303T100000Z-bbbbbc"]);
      expect(wrong.code).to.equal(2);
      expect(wrong.stderr).to.match(/did you mean 20260303T100000Z-bbbbbb\?/);
      const several = await handoff(["logs", "20260303"]);
      expect(several.code).to.equal(2);
      expect(several.stderr).to.match(/several runs begin with 20260303: .*cccccc.*bbbbbb/);
    });
  });

  describe("schedules", () => {
    beforeEach(() => {
      folder.deploySchedule(schedule("every-morning"));
      folder.deploySchedule(schedule("off", { enabled: false, timezone: "UTC" }));
    });

    it("shows the next time in the schedule's own zone, and how the last run ended", async () => {
      threeRuns();
      const { code, stdout, stderr } = await handoff(["schedules", "list"]);
      expect(code).to.equal(0);
      expect(
        stdout
          .trimEnd()
          .split("\n")
          .map((line) => line.split(/ {2,}/)),
      ).to.deep.equal([
        ["SCHEDULE", "JOB", "CRON", "ZONE", "STATUS", "NEXT", "LAST"],
        [
          "every-morning",
          "fx",
          "0 6 * * *",
          "Europe/Berlin",
          "on",
          "2026-03-04 06:00 +01:00 (in 17 h)",
          "success 2 days ago",
        ],
        ["off", "fx", "0 6 * * *", "UTC", "disabled", "-", "-"],
      ]);
      expect(stderr).to.equal(
        "the agent is not running, so nothing fires; start it with: handoff agent start\n",
      );
    });

    it("prints data with --json", async () => {
      const { stdout } = await handoff(["schedules", "list", "--json"]);
      const { schemaVersion, schedules } = JSON.parse(stdout);
      expect(schemaVersion).to.equal(1);
      expect(schedules[0]).to.deep.equal({
        name: "every-morning",
        job: "fx",
        cron: "0 6 * * *",
        timezone: "Europe/Berlin",
        enabled: true,
        paused: false,
        next: ["2026-03-04T05:00:00.000Z", "2026-03-05T05:00:00.000Z", "2026-03-06T05:00:00.000Z"],
      });
    });

    it("pauses one and lets it fire again", async () => {
      const paused = await handoff(["schedules", "pause", "every-morning"]);
      expect(paused.code).to.equal(0);
      expect(paused.stderr).to.include("every-morning is paused");
      expect(existsSync(deploymentPaths(home, deployment).paused("every-morning"))).to.equal(true);
      expect((await handoff(["schedules", "list"])).stdout).to.match(/every-morning .* paused +- +-\n/);
      const resumed = await handoff(["schedules", "resume", "every-morning"]);
      expect(resumed.stderr).to.include("every-morning fires again; next: 2026-03-04 06:00 +01:00 (in 17 h)");
      expect(existsSync(deploymentPaths(home, deployment).paused("every-morning"))).to.equal(false);
    });

    it("says that resuming does not enable", async () => {
      const { stderr } = await handoff(["schedules", "resume", "off"]);
      expect(stderr).to.include("off is not paused, and does not fire: project.yml has `enabled: false`");
    });

    it("helps with a name that is not there", async () => {
      for (const verb of ["pause", "resume"]) {
        const { code, stderr } = await handoff(["schedules", verb, "every-mornign"]);
        expect(code).to.equal(2);
        expect(stderr).to.match(/no schedule every-mornign[\s\S]*did you mean every-morning\?/);
      }
    });
  });

  describe("trigger", () => {
    // The runs are real: the built agent starts the built runner.
    before(() => {
      expect(existsSync(join(root, "dist/agent/main.js")), "build first: npm run build").to.equal(true);
    });

    it("runs a job without an agent, waits for its end and has its exit code", async () => {
      for (const [given, expected] of [
        ["0", { code: 0, status: "success" }],
        ["7", { code: 1, status: "failure" }],
      ] as const) {
        const { code, stdout, stderr } = await handoff(
          ["trigger", "--wait", "-e", "BASE=EUR", "-e", `CODE=${given}`],
          { now: () => new Date() },
        );
        expect(stdout, stderr).to.match(/^\d{8}T\d{6}Z-[0-9a-f]{6,}\n$/);
        expect(stderr).to.match(/load\/\S+ rate of EUR\n/);
        expect(stderr).to.match(new RegExp(`\n${expected.status} (in|after) [\\d.]+ m?s`));
        const run = history.get(stdout.trim());
        expect(run?.status).to.equal(expected.status);
        expect(code).to.equal(run?.exitCode);
        if (expected.code === 0) expect(code).to.equal(0);
        else expect(code).to.be.above(0);
      }
    });

    it("prints the run with --json, and its id at once without --wait", async () => {
      const waited = await handoff(["trigger", "fx", "--wait", "--json", "-e", "BASE=x", "-e", "CODE=0"], {
        now: () => new Date(),
      });
      expect(JSON.parse(waited.stdout)).to.deep.include({ schemaVersion: 1, status: "success", exitCode: 0 });
      const queued = await handoff(["trigger", "-e", "BASE=x", "-e", "CODE=0"], { now: () => new Date() });
      const runId = queued.stdout.trim();
      expect(queued.stderr).to.equal(`follow it with: handoff logs ${runId} -s dev --follow\n`);
      expect((await handoff(["logs", runId, "--follow"])).stdout).to.include("rate of x");
    });

    it("stops waiting when it is interrupted; the run goes on", async () => {
      const interruption = new AbortController();
      setTimeout(() => interruption.abort("SIGINT"), 100);
      const { code, stdout, stderr } = await handoff(
        ["trigger", "--wait", "-e", "BASE=x", "-e", "CODE=0;sleep 2"],
        { now: () => new Date(), interrupted: interruption.signal },
      );
      expect(code).to.equal(130);
      expect(stderr).to.include("the run goes on; its log: handoff logs ");
      await handoff(["logs", stdout.trim(), "--follow"]);
      expect(history.get(stdout.trim())?.endedAt).to.be.a("string");
    });

    it("helps with a job that is not there", async () => {
      const { code, stdout, stderr } = await handoff(["trigger", "fxx"]);
      expect({ code, stdout }).to.deep.equal({ code: 2, stdout: "" });
      expect(stderr).to.match(/no job fxx/);
      expect(history.list()).to.deep.equal([]);
    });
  });

  describe("which stack", () => {
    const commands = [["runs"], ["logs"], ["schedules", "list"], ["trigger"]];

    it("refuses one that was never deployed, and lists what is", async () => {
      writeFileSync(join(folder.dir, "repository", "Pulumi.prod.yaml"), "config:\n  handoff:cloud: local\n");
      for (const command of commands) {
        const { code, stderr } = await handoff([...command, "-s", "prod"]);
        expect(code).to.equal(2);
        expect(stderr).to.match(/stack prod is not deployed on this machine/);
        expect(stderr).to.match(/handoff up prod \(deployed here: pipelines-dev\)/);
      }
    });

    it("refuses one of a cloud that was never deployed", async () => {
      for (const cloud of ["aws", "gcp", "azure"]) {
        const file = join(folder.dir, "repository", "Pulumi.prod.yaml");
        writeFileSync(file, `config:\n  handoff:cloud: ${cloud}\n`);
        const { code, stderr } = await handoff(["runs", "-s", "prod"]);
        expect(code).to.equal(2);
        expect(stderr).to.match(/stack prod is not deployed[\s\S]*handoff up prod/);
      }
    });

    it("asks which of several, and helps with one that is not there", async () => {
      writeFileSync(join(folder.dir, "repository", "Pulumi.prod.yaml"), "config:\n  handoff:cloud: local\n");
      expect((await handoff(["runs"])).stderr).to.match(/which stack\? There are: dev, prod/);
      const { code, stderr } = await handoff(["runs", "-s", "prd"]);
      expect(code).to.equal(2);
      expect(stderr).to.match(/there is no stack prd[\s\S]*did you mean prod\?/);
    });
  });

  describe("agent", () => {
    it("is not running: exit code 1, and stopping it is no error", async () => {
      const status = await handoff(["agent", "status"]);
      expect(status).to.deep.equal({
        code: 1,
        stdout: "not running\n",
        stderr: "start it with: handoff agent start\n",
      });
      expect((await handoff(["agent", "status", "--json"])).stdout).to.equal(
        '{"schemaVersion":1,"running":false,"pid":null,"startedAt":null}\n',
      );
      const stopped = await handoff(["agent", "stop"]);
      expect(stopped).to.deep.equal({ code: 0, stdout: "", stderr: "the agent was not running\n" });
    });

    it("starts once, says so, and stops", async () => {
      const now = () => new Date();
      const started = await handoff(["agent", "start"], { now });
      try {
        expect(started.stderr).to.match(/^the agent is started \(pid \d+\)\n$/);
        expect(started.code).to.equal(0);
        expect((await handoff(["agent", "start"], { now })).stderr).to.match(/runs already \(pid \d+\)/);
        const foreground = await handoff(["agent", "start", "--foreground"], { now });
        expect(foreground.stderr).to.match(/the agent runs already \(pid \d+\)/);
        expect(foreground.code).to.equal(2);
        const status = await handoff(["agent", "status"], { now });
        expect(status.stdout).to.match(/^running \(pid \d+, started .*\)\n$/);
        expect(status.code).to.equal(0);
      } finally {
        const stopped = await handoff(["agent", "stop"], { now });
        expect(stopped.stderr).to.equal("the agent is stopped; runs that are going on go on\n");
      }
      expect((await handoff(["agent", "status"], { now })).code).to.equal(1);
    });
  });
});
