import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { openHistory } from "../../history/history.js";
import { homePaths } from "../../providers/local/home.js";
import { commandBody, makeProject, makeSchedule, makeTask } from "../support/model.js";
import { type Deployed, deployed, deployment } from "./deployed.js";

/** 2026-03-29 has no 2:30 in Berlin: what the clocks skip fires when they have moved, at 3:00. */
const nightly = makeSchedule("30 2 * * *", {
  name: "nightly",
  timezone: "Europe/Berlin",
  vars: { base: "EUR" },
});

describe("cli: backfill", function () {
  this.timeout(180_000);
  let folder: Deployed;
  let journal: string;

  const deploy = (line: string) => {
    folder = deployed(
      makeProject({
        vars: { base: "USD" },
        artifacts: { keep: [], pushOnFail: false },
        tasks: [makeTask("load", commandBody(line))],
        schedules: [nightly],
      }),
    );
    folder.deploySchedule(nightly);
    journal = join(folder.dir, "journal");
    writeFileSync(journal, "");
  };
  /** Times are after the clocks' change. */
  const handoff: Deployed["handoff"] = (argv, about = {}) =>
    folder.handoff(argv, { now: () => new Date("2026-04-02T12:00:00Z"), ...about });
  const lines = () => readFileSync(journal, "utf8").split("\n").slice(0, -1);
  afterEach(() => folder.remove());

  it("runs the schedule for each instant, with its vars, in its zone", async () => {
    deploy(`echo "$HANDOFF_SCHEDULED_AT {{ base }} {{ _today }}" >> "$JOURNAL"`);
    const { code, stdout, stderr } = await handoff([
      ...["backfill", "nightly", "-s", "dev", "--from", "2026-03-28", "--to", "2026-03-31"],
      ...["-e", `JOURNAL=${journal}`, "--json"],
    ]);
    expect(stderr).to.equal("");
    expect(code).to.equal(0);
    const { runs, schedule } = JSON.parse(stdout) as {
      schedule: string;
      runs: { scheduledAt: string; status: string; runId: string }[];
    };
    expect(schedule).to.equal("nightly");
    expect(runs.map(({ scheduledAt, status }) => [scheduledAt, status])).to.deep.equal([
      ["2026-03-28T01:30:00.000Z", "success"],
      ["2026-03-29T01:00:00.000Z", "success"],
      ["2026-03-30T00:30:00.000Z", "success"],
    ]);
    const history = openHistory(homePaths(folder.home).history);
    try {
      const known = history.list({ deployment });
      expect(known.map(({ runId }) => runId).sort()).to.deep.equal(runs.map(({ runId }) => runId).sort());
      // The schedule's own times stay free for itself.
      expect(known.every((run) => run.schedule === null && run.request.schedule === "nightly")).to.equal(
        true,
      );
    } finally {
      history.close();
    }
  });

  it("gives each run its instant, oldest first", async () => {
    deploy('echo "$HANDOFF_SCHEDULED_AT {{ base }} {{ _today }}" >> "$JOURNAL"');
    const { code } = await handoff([
      ...["backfill", "nightly", "--from", "2026-03-29", "--to", "2026-03-31", "-e", `JOURNAL=${journal}`],
    ]);
    expect(code).to.equal(0);
    expect(lines()).to.deep.equal([
      "2026-03-29T01:00:00.000Z EUR 2026-03-29",
      "2026-03-30T00:30:00.000Z EUR 2026-03-30",
    ]);
  });

  it("runs at most so many at a time, and as many", async () => {
    deploy('echo start >> "$JOURNAL"; sleep 1; echo end >> "$JOURNAL"');
    const { code } = await handoff([
      ...["backfill", "nightly", "--from", "2026-03-25", "--to", "2026-03-29", "--parallel", "2"],
      ...["-e", `JOURNAL=${journal}`],
    ]);
    expect(code).to.equal(0);
    let under = 0;
    const most = lines().map((line) => {
      under += line === "start" ? 1 : -1;
      return under;
    });
    expect(lines()).to.have.length(8);
    expect(Math.max(...most)).to.equal(2);
  });

  it("stops at the first failure and says how to go on; --keep-going does the rest", async () => {
    deploy(
      'echo "$HANDOFF_SCHEDULED_AT" >> "$JOURNAL"; case "$HANDOFF_SCHEDULED_AT" in 2026-03-26*) exit 3;; esac',
    );
    const argv = [
      "backfill",
      "nightly",
      "--from",
      "2026-03-25",
      "--to",
      "2026-03-29",
      "-e",
      `JOURNAL=${journal}`,
    ];
    const stopped = await handoff(argv);
    expect(stopped.code).to.equal(1);
    expect(lines()).to.have.length(2);
    expect(stopped.stderr).to.include("1 succeeded, 1 failed, 2 not done");
    expect(stopped.stderr).to.include(
      "go on with: handoff backfill nightly -s dev --from 2026-03-26T01:30:00.000Z --to 2026-03-29",
    );
    writeFileSync(journal, "");
    const whole = await handoff([...argv, "--keep-going"]);
    expect(whole.code).to.equal(1);
    expect(lines()).to.have.length(4);
    expect(whole.stderr).to.include("3 succeeded, 1 failed, 0 not done");
  });

  it("lists the instants with --dry-run, and runs nothing", async () => {
    deploy("exit 1");
    const { code, stdout } = await handoff([
      "backfill",
      "nightly",
      "--from",
      "2026-03-28",
      "--to",
      "2026-03-30",
      "--dry-run",
    ]);
    expect(code).to.equal(0);
    expect(stdout).to.equal(
      "2026-03-28T01:30:00.000Z  2026-03-28 02:30 +01:00\n2026-03-29T01:00:00.000Z  2026-03-29 03:00 +02:00\n",
    );
    expect((await handoff(["runs"])).stderr).to.include("has not run yet");
  });

  it("starts no more when it is interrupted; what runs goes on", async () => {
    deploy('echo start >> "$JOURNAL"; sleep 3; echo end >> "$JOURNAL"');
    const stop = new AbortController();
    const done = handoff(
      ["backfill", "nightly", "--from", "2026-03-25", "--to", "2026-03-29", "-e", `JOURNAL=${journal}`],
      { interrupted: stop.signal },
    );
    while (lines().length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    stop.abort("SIGINT");
    const { code, stderr } = await done;
    expect(code).to.equal(130);
    expect(stderr).to.include("0 succeeded, 0 failed, 4 not done");
    while (lines().length === 1) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(lines()).to.deep.equal(["start", "end"]);
    const ended = async () => {
      const { stdout } = await handoff(["runs", "--json"]);
      return (JSON.parse(stdout) as { runs: { status: string }[] }).runs.every(
        ({ status }) => status === "success",
      );
    };
    while (!(await ended())) await new Promise((resolve) => setTimeout(resolve, 100));
  });

  for (const [argv, message] of [
    [["nightli", "--from", "2026-03-28"], "did you mean nightly?"],
    [["nightly", "--from", "2026-02-31"], "--from 2026-02-31 is no instant"],
    [["nightly", "--from", "yesterday"], "--from yesterday is no instant"],
    [["nightly", "--from", "2026-03-28T12:00", "--to", "2026-03-28T13:00"], "fires at no time"],
    [["nightly", "--from", "2026-03-28", "--to", "2026-05-01"], "is in the future"],
    [["nightly", "--from", "1980-03-28"], "more than 10,000 runs"],
    [["nightly", "--from", "2026-03-28", "--parallel", "0"], "--parallel takes a whole number from 1"],
  ] as const) {
    it(`refuses ${argv.join(" ")}`, async () => {
      deploy("exit 1");
      const { code, stderr } = await handoff(["backfill", ...argv]);
      expect(code).to.equal(2);
      expect(stderr).to.include(message);
    });
  }
});
