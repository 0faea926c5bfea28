/** Containers that race for a schedule: real processes of the bundled runner, each as a platform starts it. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { expect } from "chai";
import type { Project, Schedule, Task } from "../../../model/project.js";
import type { LogLine, StoredRecord } from "../../../model/run.js";
import { runnerEntry } from "../../../providers/local/entries.js";
import { listRecords } from "../../../runner-image/src/records.js";
import { openObjects } from "../../../runner-image/src/store/objects.js";
import { type MotoServer, startMoto } from "../../providers/aws/server.js";
import { commands, project, until } from "../exec/harness.js";
import { Workspaces } from "../store/workspace.js";

const daily: Schedule = {
  name: "daily",
  cron: "0 6 * * *",
  timezone: "UTC",
  tasks: [],
  envs: {},
  vars: {},
  enabled: true,
  overlap: "skip",
  catchUp: false,
};

const credentials = { AWS_ACCESS_KEY_ID: "testing", AWS_SECRET_ACCESS_KEY: "testing" };

interface Ended {
  readonly exitCode: number | null;
  readonly log: readonly LogLine[];
  /** Of handoff's own lines. */
  readonly told: string;
}

describe("runner/lease: containers of one schedule", function () {
  this.timeout(300_000);
  let at: Workspaces;
  let server: MotoServer;
  let store: string;
  let env: Readonly<Record<string, string>>;
  let started: ChildProcess[];

  before(async () => {
    server = await startMoto();
    const endpoint = { region: "us-east-1", endpoint: server.endpoint, forcePathStyle: true };
    const keys = { accessKeyId: "testing", secretAccessKey: "testing" };
    await new S3Client({ ...endpoint, credentials: keys }).send(new CreateBucketCommand({ Bucket: "state" }));
  });
  after(async () => {
    await server?.stop();
  });
  let place = 0;
  beforeEach(() => {
    at = new Workspaces();
    started = [];
    place++;
  });
  afterEach(() => {
    for (const child of started) child.kill("SIGKILL");
    at.remove();
  });
  const inFolder = () => {
    store = join(at.dir, "volume");
    env = {};
  };
  const inS3 = () => {
    store = `s3://state/p${place}`;
    env = { ...credentials, AWS_REGION: "us-east-1", AWS_ENDPOINT_URL_S3: server.endpoint };
  };

  /** The image of a project. Its task `wait` goes on until the file `go` is there, `fail` fails, the others are quick. */
  const image = (more: Partial<Project> = {}, changed: Partial<Schedule> = {}): string => {
    const root = at.make();
    const done = (name: string) => `echo "$HANDOFF_RUN_ID ${name}" >> ${join(at.dir, "ran")}`;
    const tasks: Task[] = [
      commands("wait", [
        done("wait"),
        `while [ ! -e ${join(at.dir, "go")} ]; do sleep 0.1; done`,
        "echo state > state",
      ]),
    ];
    const spec = {
      schemaVersion: 1,
      project: project(tasks, {
        artifacts: { keep: ["state"], pushOnFail: false },
        schedules: [{ ...daily, ...changed }],
        ...more,
      }),
    };
    mkdirSync(join(root, "project"));
    mkdirSync(join(root, "venvs"));
    writeFileSync(join(root, "spec.json"), JSON.stringify(spec));
    return root;
  };
  const run = (root: string, more: Readonly<Record<string, string>> = {}, args: readonly string[] = []) => {
    const work = at.make();
    const child = spawn(process.execPath, [runnerEntry(), "run", ...args], {
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        PATH: process.env.PATH ?? "",
        NODE_NO_WARNINGS: "1",
        HANDOFF_ROOT: root,
        HANDOFF_WORK: work,
        HANDOFF_ARTIFACTS: store,
        HANDOFF_SCHEDULE: "daily",
        HANDOFF_LEASE_SECONDS: "4",
        HANDOFF_JOB: "job",
        ...env,
        ...more,
      },
    });
    started.push(child);
    let printed = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
    });
    const end = new Promise<Ended>((resolve) =>
      child.once("close", (exitCode) => {
        const lines = printed.split("\n").filter((line) => line !== "");
        const log = lines.map((line) => JSON.parse(line) as LogLine);
        const own = log.filter(({ stream }) => stream === undefined).map(({ message }) => message);
        resolve({ exitCode, log, told: own.join("\n") });
      }),
    );
    return { child, end, work };
  };
  const ran = () => (existsSync(join(at.dir, "ran")) ? readFileSync(join(at.dir, "ran"), "utf8") : "");
  const go = () => writeFileSync(join(at.dir, "go"), "");
  const running = async (id: string) => expect(await until(() => ran().includes(id), 60_000)).to.equal(true);
  const records = async (): Promise<StoredRecord[]> => {
    for (const [name, value] of Object.entries(env)) if (name.startsWith("AWS_")) process.env[name] ??= value;
    return listRecords(await openObjects(store, env));
  };
  /** A clock that is wrong by so much. */
  const clock = (milliseconds: number) => {
    const code = `const N=Date.now.bind(Date),D=Date;globalThis.Date=class extends D{constructor(...a){a.length?super(...a):super(N()+${milliseconds})}static now(){return N()+${milliseconds}}}`;
    return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
  };

  for (const [name, where] of [
    ["a folder", inFolder],
    ["S3", inS3],
  ] as const) {
    it(`one runs, the others are skipped and touch nothing, whatever their clocks say; in ${name}`, async () => {
      where();
      const root = image();
      const first = run(root, { HANDOFF_RUN_ID: "first", HANDOFF_SCHEDULED_AT: "2026-01-01T06:00:00Z" });
      await running("first");
      const skewed = [0, 3 * 86_400_000, -3 * 86_400_000].map((skew, n) =>
        run(root, {
          HANDOFF_RUN_ID: `late-${n}`,
          HANDOFF_SCHEDULED_AT: "2026-01-01T07:00:00Z",
          ...clock(skew),
        }),
      );
      for (const [n, { end, work }] of skewed.entries()) {
        const { exitCode, told, log } = await end;
        const wrongBy = (Date.parse(log[0]?.time ?? "") - Date.now()) / 86_400_000;
        expect(wrongBy, "its clock").to.be.closeTo([0, 3, -3][n] ?? 0, 0.1);
        expect(exitCode).to.equal(0);
        expect(readdirSync(work), "no workspace is made").to.deep.equal([]);
        expect(told).to.match(
          /run: skipped: run first of 2026-01-01T06:00:00.000Z is still going on \(overlap: skip\)$/,
        );
        expect(log.at(-1)).to.deep.include({ event: "run.end", level: "info" });
      }
      go();
      expect((await first.end).exitCode).to.equal(0);
      expect(ran()).to.equal("first wait\n");
      const found = await records();
      expect(found.filter(({ status }) => status === "skipped")).to.have.length(3);
      const [success] = found.filter(({ status }) => status === "success");
      expect(success).to.deep.include({
        runId: "first",
        job: "job",
        schedule: "daily",
        scheduledAt: "2026-01-01T06:00:00.000Z",
        attempt: 1,
        exitCode: 0,
      });
      const skipped = found.find(({ runId }) => runId === "late-0");
      expect(skipped).to.deep.include({ exitCode: 0, tasks: [] });
      expect(skipped?.reason).to.contain("run first");
      const next = run(root, { HANDOFF_RUN_ID: "next", HANDOFF_SCHEDULED_AT: "2026-01-01T08:00:00Z" });
      expect((await next.end).exitCode).to.equal(0);
      expect(ran()).to.equal("first wait\nnext wait\n");
    });

    it(`a holder that was killed is waited for, and its own next attempt isn't kept; in ${name}`, async () => {
      where();
      const root = image();
      const first = run(root, { HANDOFF_RUN_ID: "first", ...clock(86_400_000) });
      await running("first");
      first.child.kill("SIGKILL");
      await first.end;
      const retry = run(root, { HANDOFF_RUN_ID: "first", HANDOFF_LEASE_SECONDS: "3600" });
      await running("first wait\nfirst");
      retry.child.kill("SIGKILL");
      await retry.end;
      // The retry's lease would last an hour: only one that is its own again can run now.
      const again = run(root, { HANDOFF_RUN_ID: "first" });
      await running("first wait\nfirst wait\nfirst");
      again.child.kill("SIGKILL");
      await again.end;
      go();
      const later = [0, 1].map((n) =>
        run(root, {
          HANDOFF_RUN_ID: `later-${n}`,
          HANDOFF_SCHEDULED_AT: `2026-01-01T0${n + 7}:00:00Z`,
          ...clock(n * 1e9),
        }),
      );
      const ends = await Promise.all(later.map(({ end }) => end));
      expect(ends.map(({ exitCode }) => exitCode)).to.deep.equal([0, 0]);
      expect(ends.map(({ told }) => told).join("\n")).to.contain("run first of ");
      expect(
        ran().match(/later-\d wait/g)?.length,
        "one takes over; the other runs after it, or not",
      ).to.be.within(1, 2);
    });
  }

  it("of the two starts of one date, which AWS makes for a day of month or a weekday, one runs", async () => {
    inFolder();
    go();
    const root = image();
    const both = ["one", "two"].map((id) =>
      run(root, { HANDOFF_RUN_ID: id, HANDOFF_SCHEDULED_AT: "2026-06-01T06:00:00Z" }),
    );
    const ends = await Promise.all(both.map(({ end }) => end));
    expect(ends.map(({ exitCode }) => exitCode)).to.deep.equal([0, 0]);
    expect(ran().split("\n")).to.have.length(2);
    const third = await run(root, { HANDOFF_RUN_ID: "three", HANDOFF_SCHEDULED_AT: "2026-06-01T06:00:00Z" })
      .end;
    expect(third.told).to.contain("has succeeded: the platform started a second one");
    const byHand = run(root, { HANDOFF_RUN_ID: "by-hand", HANDOFF_SCHEDULE: "" });
    expect((await byHand.end).exitCode).to.equal(0);
    expect(ran(), "by hand it runs").to.contain("by-hand");
  });

  it("where the platform tells no instant, a start soon after the schedule's time is its duplicate, a later one is wanted", async () => {
    inFolder();
    go();
    const root = image();
    const start = (id: string, utc: string) =>
      run(root, { HANDOFF_RUN_ID: id, ...clock(Date.parse(`2026-03-02T${utc}:00Z`) - Date.now()) }).end;
    expect((await start("first", "06:00")).exitCode).to.equal(0);
    expect((await start("retried-request", "06:05")).told).to.contain("the platform started a second one");
    expect((await start("force-run", "06:30")).exitCode).to.equal(0);
    expect(ran()).to.equal("first wait\nforce-run wait\n");
    const instants = (await records()).map(({ scheduledAt }) => scheduledAt);
    expect(new Set(instants)).to.deep.equal(new Set(["2026-03-02T06:00:00.000Z"]));
  });

  it("the platform's own attempts at one execution are one run", async () => {
    inFolder();
    const root = image();
    const execution = { CLOUD_RUN_EXECUTION: "fx-x7k2p" };
    const first = run(root, { ...execution, HANDOFF_LEASE_SECONDS: "3600" });
    await running("wait");
    first.child.kill("SIGKILL");
    await first.end;
    go();
    expect((await run(root, execution).end).exitCode).to.equal(0);
    const [record] = await records();
    expect(record).to.deep.include({ status: "success", execution: "fx-x7k2p" });
  });

  it("a start that failed is made good by the platform's second one", async () => {
    inFolder();
    const flag = join(at.dir, "mended");
    const root = image({ tasks: [commands("load", [`test -e ${flag}`])] });
    const start = (id: string) =>
      run(root, { HANDOFF_RUN_ID: id, HANDOFF_SCHEDULED_AT: "2026-06-01T06:00:00Z" }).end;
    expect((await start("one")).exitCode).to.equal(1);
    writeFileSync(flag, "");
    expect((await start("two")).exitCode).to.equal(0);
    expect((await start("three")).told).to.contain("run: skipped: run two of the same time");
    expect((await records()).map(({ runId, status }) => `${runId} ${status}`)).to.deep.equal([
      "three skipped",
      "two success",
      "one failure",
    ]);
  });

  it("a flow of several jobs is one run: skipped as a whole, or not at all", async () => {
    inFolder();
    const note = (name: string) => `echo "$HANDOFF_RUN_ID ${name}" >> ${join(at.dir, "ran")}`;
    const root = image({
      deploy: { ...project([]).deploy, granularity: "task" },
      tasks: [
        commands("extract", [note("extract")]),
        commands("load", [note("load"), `test ! -e ${join(at.dir, "broken")}`], {
          dependsOn: ["extract"],
          retries: { max: 1, delaySeconds: 0, backoff: 1 },
        }),
        commands("report", [note("report")], { dependsOn: ["load"] }),
      ],
    });
    const job = async (flow: string, name: string) =>
      (await run(root, { HANDOFF_RUN_ID: flow, HANDOFF_JOB: name }, ["--no-retries", name]).end).exitCode;
    expect(await job("f1", "extract")).to.equal(0);
    expect(await job("f2", "extract"), "while f1 is between two jobs").to.equal(0);
    writeFileSync(join(at.dir, "broken"), "");
    expect(await job("f1", "load")).to.equal(1);
    expect(await job("f2", "load"), "while f1 waits for its second attempt").to.equal(0);
    rmSync(join(at.dir, "broken"));
    expect(await job("f1", "load")).to.equal(0);
    expect(await job("f1", "report")).to.equal(0);
    expect(await job("f2", "report"), "after f1 has ended").to.equal(0);
    expect(ran()).to.equal("f1 extract\nf1 load\nf1 load\nf1 report\n");
    const later = {
      HANDOFF_SCHEDULED_AT: "2027-01-01T00:00:00Z",
      HANDOFF_JOB: "extract",
      HANDOFF_RUN_ID: "f3",
    };
    expect((await run(root, later, ["--no-retries", "extract"]).end).exitCode).to.equal(0);
    expect(ran()).to.contain("f3 extract");
    const found = await records();
    expect(found.filter(({ runId }) => runId === "f1").map(({ job: name }) => name)).to.have.members([
      "extract",
      "load",
      "report",
    ]);
    expect(found.filter(({ runId }) => runId === "f2").map(({ status }) => status)).to.deep.equal([
      "skipped",
      "skipped",
      "skipped",
    ]);
  });

  it("overlap: allow lets them run beside each other", async () => {
    inFolder();
    const root = image({}, { overlap: "allow" });
    const both = ["one", "two"].map((id) => run(root, { HANDOFF_RUN_ID: id }));
    await running("one");
    await running("two");
    go();
    for (const { end } of both) expect((await end).exitCode).to.equal(0);
    expect(existsSync(join(store, "leases"))).to.equal(false);
  });

  it("a container that is stopped while it waits, or while it runs, says so in its record and gives the lease back", async () => {
    inFolder();
    const root = image();
    const first = run(root, {
      HANDOFF_RUN_ID: "first",
      HANDOFF_LEASE_SECONDS: "600",
      HANDOFF_GRACE_SECONDS: "1",
    });
    await running("first");
    const waiting = run(root, { HANDOFF_RUN_ID: "waiting" });
    await new Promise<void>((resolve) => {
      waiting.child.stdout?.on("data", (chunk: Buffer) => {
        if (chunk.toString().includes("waiting up to 600 s")) resolve();
      });
    });
    waiting.child.kill("SIGTERM");
    expect((await waiting.end).exitCode).to.equal(143);
    first.child.kill("SIGTERM");
    expect((await first.end).exitCode).to.equal(143);
    const stopped = (await records()).map(({ runId, status, exitCode }) => `${runId} ${status} ${exitCode}`);
    expect(stopped).to.have.members(["waiting stopped 143", "first stopped 143"]);
    go();
    expect((await run(root, { HANDOFF_RUN_ID: "next" }).end).exitCode).to.equal(0);
    expect(ran()).to.contain("next");
  });

  it("a run that can't begin leaves a record that says why, without a secret's value", async () => {
    inFolder();
    const root = image({ secrets: [{ key: "TOKEN" }] });
    const { exitCode } = await run(root, { HANDOFF_SECRET_TOKEN: "planted-value" }, ["planted-value"]).end;
    expect(exitCode).to.equal(2);
    const [record] = await records();
    expect(record).to.deep.include({ status: "failure", exitCode: 2, tasks: [] });
    expect(record?.error).to.contain("the project has no task `[secret]`");
    expect((await run(root, { HANDOFF_LEASE_SECONDS: "none" }).end).exitCode).to.equal(2);
  });
});
