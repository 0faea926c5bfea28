import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "chai";
import { closingMs } from "../../../runner-image/src/observe/observer.js";
import { commands, Sandbox } from "./harness.js";
import { type Receiver, startReceiver } from "./receiver.js";

interface LineageEvent {
  readonly eventType: string;
  readonly eventTime: string;
  readonly schemaURL: string;
  readonly run: { readonly runId: string; readonly facets: Record<string, Record<string, unknown>> };
  readonly job: {
    readonly namespace: string;
    readonly name: string;
    readonly facets: Record<string, Record<string, unknown>>;
  };
}

const schemas = fileURLToPath(new URL("openlineage", import.meta.url));
const ajv = new Ajv2020({ strict: false });
ajv.addFormat("uuid", /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
ajv.addFormat("date-time", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
ajv.addFormat("uri", (text) => URL.canParse(text));
for (const name of readdirSync(schemas).filter((file) => file.endsWith(".json")))
  ajv.addSchema(JSON.parse(readFileSync(join(schemas, name), "utf8")) as object);

/** Against the specification, and each facet against the schema that it names. */
function expectValid(event: LineageEvent): void {
  const parts = [
    { _schemaURL: event.schemaURL, ...event },
    ...Object.values(event.run.facets),
    ...Object.values(event.job.facets),
  ];
  for (const part of parts) {
    const validate = ajv.getSchema(String(part._schemaURL));
    if (validate === undefined) throw new Error(`no schema ${part._schemaURL}`);
    expect(validate(part), `${JSON.stringify(part)}\n${ajv.errorsText(validate.errors)}`).to.equal(true);
  }
}

describe("runner/exec: lineage events", function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  let server: Receiver;
  const PATH = process.env.PATH ?? "";
  beforeEach(async () => {
    sandbox = new Sandbox();
    server = await startReceiver();
  });
  afterEach(async () => {
    await server.close();
    sandbox.remove();
  });

  const events = () => server.received.map(({ body }) => body as LineageEvent);
  const shown = () => events().map(({ eventType, job }) => `${eventType} ${job.name}`);
  const warnings = () => sandbox.lines.filter(({ level }) => level === "warn").map(({ message }) => message);

  it("are as the specification has them, for the run and its tasks", async () => {
    const record = await sandbox.run(
      [
        commands("good", [`echo '{"handoff_metric": {"files": 2}}'`, "echo $OPENLINEAGE_PARENT_ID"]),
        commands("bad", ["exit 3"]),
      ],
      {},
      {
        baseEnv: {
          PATH,
          OPENLINEAGE_URL: `${server.url}/base`,
          OPENLINEAGE_API_KEY: "key-of-lineage",
          OPENLINEAGE_NAMESPACE: "client-a",
        },
      },
    );
    expect(record.status).to.equal("failure");
    expect(warnings()).to.deep.equal([]);
    for (const { method, path, headers } of server.received) {
      expect([method, path, headers.authorization]).to.deep.equal([
        "POST",
        "/base/api/v1/lineage",
        "Bearer key-of-lineage",
      ]);
    }
    expect(shown()).to.deep.equal([
      "START test",
      "START test.good",
      "COMPLETE test.good",
      "START test.bad",
      "FAIL test.bad",
      "FAIL test",
    ]);
    for (const event of events()) expectValid(event);
    const [start, good, , bad, badEnd, end] = events();
    expect(new Set(events().map(({ run }) => run.runId)).size).to.equal(3);
    expect([end?.run.runId, badEnd?.run.runId]).to.deep.equal([start?.run.runId, bad?.run.runId]);
    expect(start?.eventTime).to.equal(record.startedAt);
    expect(start?.run.facets).not.to.have.property("parent");
    const whole = { run: { runId: start?.run.runId }, job: { namespace: "client-a", name: "test" } };
    expect(good?.run.facets.parent).to.deep.include({ ...whole, root: whole });
    for (const event of events())
      expect(event.run.facets.nominalTime).to.include({ nominalStartTime: "2026-01-02T03:04:05.000Z" });
    expect(end?.run.facets.errorMessage).to.include({ message: "step exit exited with 3" });
    expect(end?.run.facets.handoff_run).to.deep.include({
      runId: "r1",
      status: "failure",
      exitCode: 1,
      metrics: { files: 2 },
    });
    expect(sandbox.logged("stdout")[1]).to.equal(`client-a/test.good/${good?.run.runId}`);
  });

  it("name the run that this one is a part of, and differ from attempt to attempt", async () => {
    const parent = "airflow/prod/dag.task/01a1ffa8-ce2a-7827-94ac-46257b363303";
    const baseEnv = {
      PATH,
      OPENLINEAGE_URL: server.url,
      OPENLINEAGE_ENDPOINT: "lineage",
      OPENLINEAGE_PARENT_ID: parent,
    };
    const now = () => new Date("2026-01-02T03:04:06.000Z");
    for (const attempt of [1, 1, 2])
      await sandbox.run([commands("one", ["true"])], {}, { baseEnv, now }, { attempt });
    for (const event of events()) expectValid(event);
    expect(server.received[0]?.path).to.equal("/lineage");
    const above = {
      run: { runId: "01a1ffa8-ce2a-7827-94ac-46257b363303" },
      job: { namespace: "airflow/prod", name: "dag.task" },
    };
    const [run, task] = events();
    expect(run?.run.facets.parent).to.deep.include({ ...above, root: above });
    expect(task?.run.facets.parent).to.deep.include({ run: { runId: run?.run.runId }, root: above });
    expect(run?.job.namespace).to.equal("default");
    const ids = [0, 4, 8].map((at) => events()[at]?.run.runId);
    expect(ids[1]).to.equal(ids[0]);
    expect(ids[2]).not.to.equal(ids[0]);
  });

  it("say ABORT for a run that was stopped, and hold no secret", async () => {
    const secret = "hunter2-hunter2";
    const stop = new AbortController();
    setTimeout(() => stop.abort("SIGTERM"), 500);
    const envs = { OPENLINEAGE_URL: server.url };
    const secrets = new Map([["KEY", secret]]);
    await sandbox.run([commands("one", ["sleep 60"])], { envs }, { signal: stop.signal, secrets });
    expect(shown()).to.deep.equal(["START test", "START test.one", "ABORT test.one", "ABORT test"]);
    server.received.length = 0;
    await sandbox.run([commands("one", [`echo ${secret} >&2; exit 3`])], { envs }, { secrets });
    for (const event of events()) expectValid(event);
    const [last] = events().slice(-1);
    expect(last?.run.facets.errorMessage?.message).to.equal("step echo exited with 3: [secret]");
    expect(JSON.stringify(server.received)).not.to.contain("hunter2");
  });

  it("are sent again after a server's error, and never out of order", async () => {
    let answers = 0;
    const shaky = await startReceiver(() => (answers++ % 2 === 0 ? 503 : 201));
    await sandbox.run([commands("one", ["true"])], { envs: { OPENLINEAGE_URL: shaky.url } });
    await shaky.close();
    expect(shaky.received.map(({ body }) => (body as LineageEvent).eventType)).to.deep.equal(
      ["START", "START", "COMPLETE", "COMPLETE"].flatMap((type) => [type, type]),
    );
    expect(warnings()).to.deep.equal([]);
  });

  it("cost a run a bounded time and a warning where the server is down, mute, or refuses", async () => {
    await server.close();
    const refusing = await startReceiver(() => 403);
    const mute = await startReceiver(() => null);
    for (const [url, reason] of [
      [server.url, "ECONNREFUSED"],
      [refusing.url, "HTTP 403"],
      [mute.url, "no answer within"],
    ] as const) {
      sandbox.lines.length = 0;
      const began = performance.now();
      const record = await sandbox.run([commands("one", ["true"])], { envs: { OPENLINEAGE_URL: url } });
      expect(record.status, url).to.equal("success");
      expect(performance.now() - began).to.be.lessThan(closingMs.ended + 5000);
      const { host } = new URL(url);
      expect(warnings().join("\n")).to.contain(`lineage events could not be sent to ${host}: ${reason}`);
    }
    await Promise.all([refusing.close(), mute.close()]);
  });

  it("are not sent when they are switched off, or to no address", async () => {
    const one = [commands("one", ["true"])];
    await sandbox.run(one, { envs: { OPENLINEAGE_URL: server.url, OPENLINEAGE_DISABLED: "true" } });
    expect(server.received).to.deep.equal([]);
    expect(warnings()).to.deep.equal([]);
    // The other observer is none the worse.
    const spans = { OTEL_EXPORTER_OTLP_ENDPOINT: server.url };
    await sandbox.run(one, { envs: { OPENLINEAGE_URL: "s3cr3t", ...spans } });
    expect(server.received.map(({ path }) => path)).to.deep.equal(["/v1/traces"]);
    expect(warnings()).to.deep.equal(["lineage events are not sent: OPENLINEAGE_URL is no http(s) address"]);
  });
});
