/** What notifications read, by the bundled runner as platforms start it. */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { expect } from "chai";
import type { Project, Task } from "../../../model/project.js";
import type { LogLine, RunEnding } from "../../../model/run.js";
import { runnerEntry } from "../../../providers/local/entries.js";
import { type MotoServer, startMoto } from "../../providers/aws/server.js";
import { commands, project } from "../exec/harness.js";
import { Workspaces } from "./workspace.js";

const credentials = { accessKeyId: "testing", secretAccessKey: "testing" };
const secret = "planted-secret-4711";
const task1 = "cd189a933e5849daa93386466019ab50";
const onFargate = (task: string) => ({
  ECS_CONTAINER_METADATA_URI_V4: `http://169.254.170.2/v4/${task}-2495160603`,
});

describe("runner/store: what notifications read of a run", function () {
  this.timeout(900_000);
  let server: MotoServer;
  let client: S3Client;
  let at: Workspaces;
  before(async () => {
    at = new Workspaces();
    server = await startMoto();
    client = new S3Client({
      region: "us-east-1",
      endpoint: server.endpoint,
      forcePathStyle: true,
      credentials,
    });
    await client.send(new CreateBucketCommand({ Bucket: "state" }));
  });
  after(async () => {
    await server?.stop();
    at.remove();
  });

  const run = async (
    place: string,
    tasks: readonly Task[],
    more: Partial<Project>,
    env: Readonly<Record<string, string>>,
    args: readonly string[] = [],
  ) => {
    const [root, work] = [at.make(), at.make()];
    mkdirSync(join(root, "project"));
    mkdirSync(join(root, "venvs"));
    const notifications = [
      { on: ["success" as const], target: { kind: "email" as const, address: "a@example.com" } },
    ];
    const spec = { schemaVersion: 1, project: project([...tasks], { notifications, ...more }) };
    writeFileSync(join(root, "spec.json"), JSON.stringify(spec));
    const child = spawn(process.execPath, [runnerEntry(), "run", ...args], {
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        PATH: process.env.PATH ?? "",
        NODE_NO_WARNINGS: "1",
        AWS_ACCESS_KEY_ID: "testing",
        AWS_SECRET_ACCESS_KEY: "testing",
        AWS_REGION: "us-east-1",
        AWS_ENDPOINT_URL_S3: server.endpoint,
        HANDOFF_ROOT: root,
        HANDOFF_WORK: work,
        HANDOFF_ARTIFACTS: `s3://state/${place}`,
        ...env,
      },
    });
    let printed = "";
    child.stdout.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
    });
    const exitCode = await new Promise<number | null>((resolve) => child.once("close", resolve));
    const lines = printed.split("\n").filter((line) => line !== "");
    return { exitCode, log: lines.map((line) => JSON.parse(line) as LogLine) };
  };
  const ending = async (place: string, name: string): Promise<RunEnding> => {
    const { Body } = await client.send(
      new GetObjectCommand({ Bucket: "state", Key: `${place}/records/${name}/end` }),
    );
    return JSON.parse((await Body?.transformToString()) ?? "");
  };

  it("is found by the platform's name of the task, with the run's metrics, and the log's last line says the same", async () => {
    const lines = ['echo \'{"handoff_metric": {"records": 1204}}\' >&2'];
    const { exitCode, log } = await run(
      "well",
      [commands("load", lines)],
      {},
      {
        HANDOFF_RUN_ID: "r1",
        ...onFargate(task1),
      },
    );
    expect(exitCode).to.equal(0);
    const told = await ending("well", task1);
    expect(told).to.deep.include({ runId: "r1", event: "success", metrics: { records: 1204 } });
    expect(told.summary).to.match(/^succeeded in \d+ (ms|s), 1,204 records$/);
    const last = log.find(({ event }) => event === "run.end");
    expect(last?.summary).to.equal(told.summary);
    expect(log.map(({ event }) => event)).to.not.include("flow.end");
  });

  it("tells why a run failed, without a secret's value", async () => {
    const { exitCode, log } = await run(
      "bad",
      [commands("load", [`./${secret}`])],
      { secrets: [{ key: "KEY" }] },
      { HANDOFF_SECRET_KEY: secret, ...onFargate(task1) },
    );
    expect(exitCode).to.equal(1);
    const told = await ending("bad", task1);
    expect(told.event).to.equal("failure");
    expect(told.summary).to.match(/^failed after .*\[secret\] exited with 127/);
    expect(JSON.stringify([told, log])).to.not.contain(secret);
  });

  it("tells of a run that could not begin", async () => {
    const { exitCode, log } = await run("none", [commands("a", ["true"])], {}, onFargate(task1), [
      "no-such-task",
    ]);
    expect(exitCode).to.equal(2);
    const told = await ending("none", task1);
    expect(told.summary).to.match(/^failed after .*no task `no-such-task`/);
    expect(log.find(({ event }) => event === "run.end")?.summary).to.equal(told.summary);
  });

  it("of a flow is summed up by its jobs, and the last one says so in the log", async () => {
    const metric = (n: number) => [`echo '{"handoff_metric": {"records": ${n}}}' >&2`];
    const tasks = [
      commands("extract", metric(4)),
      { ...commands("load", metric(1200)), dependsOn: ["extract"] },
      commands("other", ["true"]),
    ];
    const more = {
      deploy: { granularity: "task" as const, source: { kind: "image" as const }, resources: {}, legacy: {} },
      triggers: [{ name: "orders", queue: {}, tasks: ["extract", "load"], maxConcurrency: 1 }],
    };
    const env = (job: string) => ({
      HANDOFF_RUN_ID: "flow-1",
      HANDOFF_JOB: job,
      HANDOFF_TRIGGER: "orders",
      ...onFargate(task1),
    });
    const first = await run("flow", tasks, more, env("extract"), ["--no-retries", "extract"]);
    expect(first.log.map(({ event }) => event)).to.not.include("flow.end");
    expect(await ending("flow", "flow-1")).to.deep.include({
      event: "unfinished",
      summary: "1 of 2 jobs have succeeded",
    });
    const last = await run("flow", tasks, more, env("load"), ["--no-retries", "load"]);
    const told = await ending("flow", "flow-1");
    expect(told).to.deep.include({ event: "success", metrics: { records: 1204 } });
    const line = last.log.find(({ event }) => event === "flow.end");
    expect(line).to.deep.include({
      status: "success",
      runId: "flow-1",
      summary: told.summary,
      metrics: { records: 1204 },
      message: `all jobs: ${told.summary}`,
    });
    expect(told.summary).to.match(/, 1,204 records$/);
  });

  it("is not written where nobody is to be told", async () => {
    await run("quiet", [commands("a", ["true"])], { notifications: [] }, onFargate(task1));
    const { Contents = [] } = await client.send(
      new ListObjectsV2Command({ Bucket: "state", Prefix: "quiet/records/" }),
    );
    expect(Contents.map(({ Key }) => Key?.split("/").at(-1)))
      .to.have.length(1)
      .and.not.include("end");
  });
});
