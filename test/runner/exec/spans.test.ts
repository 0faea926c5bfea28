import { expect } from "chai";
import { closingMs } from "../../../runner-image/src/observe/observer.js";
import { command, commands, pipeline, Sandbox, task } from "./harness.js";
import { type Receiver, startReceiver } from "./receiver.js";

/** OTLP's JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
interface Attribute {
  readonly key: string;
  readonly value: {
    readonly stringValue?: string;
    readonly intValue?: number;
    readonly doubleValue?: number;
  };
}
interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code: number; readonly message?: string };
}
interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly scope: { readonly name: string }; readonly spans: OtlpSpan[] }[];
  }[];
}

describe("runner/exec: spans", function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  let collector: Receiver;
  const PATH = process.env.PATH ?? "";
  beforeEach(async () => {
    sandbox = new Sandbox();
    collector = await startReceiver();
  });
  afterEach(async () => {
    await collector.close();
    sandbox.remove();
  });

  const traces = () => collector.received.map(({ body }) => body as OtlpTraces);
  const plain = ({ value }: Attribute) => value.stringValue ?? value.intValue ?? value.doubleValue;
  const attributesOf = ({ attributes }: { readonly attributes: readonly Attribute[] }) =>
    Object.fromEntries(attributes.map((one) => [one.key, plain(one)]));
  const spans = () =>
    traces().flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
    );
  const named = (name: string): OtlpSpan => {
    const [span, ...more] = spans().filter((one) => one.name === name);
    if (span === undefined || more.length > 0) throw new Error(`${more.length + 1} spans named ${name}`);
    return span;
  };
  const warnings = () => sandbox.lines.filter(({ level }) => level === "warn").map(({ message }) => message);

  it("are a tree of run, task and step, with how each ended", async () => {
    const record = await sandbox.run(
      [
        pipeline("load", [`printf '{"handoff_metric":{"files":2}}\\n' >&2`, "cat"]),
        commands("bad", ["exit 3"]),
      ],
      {},
      { baseEnv: { PATH, HANDOFF_COMMIT: "c0ffee", OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/base/` } },
      { schedule: "nightly" },
    );
    expect(record.status).to.equal("failure");
    expect(warnings()).to.deep.equal([]);
    for (const { method, path, headers } of collector.received) {
      expect([method, path, headers["content-type"]]).to.deep.equal([
        "POST",
        "/base/v1/traces",
        "application/json",
      ]);
    }
    expect(spans().map(({ name }) => name)).to.have.members([
      "run test",
      "task load",
      "step printf",
      "step cat",
      "task bad",
      "step exit",
    ]);
    const run = named("run test");
    expect(run.parentSpanId).to.equal(undefined);
    for (const span of spans()) {
      expect(span.traceId)
        .to.match(/^[0-9a-f]{32}$/)
        .and.to.equal(run.traceId);
      expect(span.spanId).to.match(/^[0-9a-f]{16}$/);
      expect(span.startTimeUnixNano).to.match(/^\d{19}$/);
      expect(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano), span.name).to.equal(true);
      expect(BigInt(span.startTimeUnixNano) >= BigInt(run.startTimeUnixNano), span.name).to.equal(true);
      expect(BigInt(span.endTimeUnixNano) <= BigInt(run.endTimeUnixNano), span.name).to.equal(true);
    }
    expect(named("task load").parentSpanId).to.equal(run.spanId);
    expect(named("step cat").parentSpanId).to.equal(named("task load").spanId);
    expect(named("step exit").parentSpanId).to.equal(named("task bad").spanId);
    expect(attributesOf(run)).to.deep.equal({
      "handoff.project": "test",
      "handoff.run.id": "r1",
      "handoff.stage": "dev",
      "handoff.scheduled_at": "2026-01-02T03:04:05.000Z",
      "handoff.attempt": 1,
      "handoff.schedule": "nightly",
      "vcs.ref.head.revision": "c0ffee",
      "handoff.status": "failure",
      "handoff.exit_code": 1,
      "handoff.metric.files": 2,
    });
    expect(run.status).to.deep.equal({ code: 2, message: "step exit exited with 3" });
    expect(named("task load").status.code).to.equal(0);
    expect(attributesOf(named("step exit"))).to.deep.equal({
      "handoff.task": "bad",
      "handoff.step": "exit",
      "handoff.command": "exit 3",
      "handoff.status": "failure",
      "handoff.exit_code": 3,
    });
  });

  it("carry the resource and the headers that OpenTelemetry's variables say, and honour its switches", async () => {
    const env = {
      PATH,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/exactly`,
      OTEL_EXPORTER_OTLP_HEADERS: "x-team=data%20eng, authorization=Bearer t",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=prod,service.name=other",
      OTEL_SERVICE_NAME: "fx",
    };
    await sandbox.run([commands("one", ["true"])], {}, { baseEnv: env });
    const [first] = collector.received;
    expect(first?.path).to.equal("/exactly");
    expect(first?.headers).to.include({ "x-team": "data eng", authorization: "Bearer t" });
    const resource = traces()[0]?.resourceSpans[0]?.resource;
    expect(resource && attributesOf(resource)).to.include({
      "service.name": "fx",
      "deployment.environment.name": "prod",
      "telemetry.sdk.language": "nodejs",
    });
    collector.received.length = 0;
    for (const off of [{ OTEL_SDK_DISABLED: "true" }, { OTEL_TRACES_EXPORTER: "none" }])
      await sandbox.run([commands("one", ["true"])], {}, { baseEnv: { ...env, ...off } });
    expect(collector.received).to.deep.equal([]);
  });

  it("belong to the trace of who started the run, and commands get their step's", async () => {
    const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await sandbox.run(
      [commands("one", ["echo $TRACEPARENT"])],
      {},
      { baseEnv: { PATH, TRACEPARENT: parent, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } },
    );
    const run = named("run test");
    expect([run.traceId, run.parentSpanId]).to.deep.equal([parent.slice(3, 35), parent.slice(36, 52)]);
    expect(sandbox.logged("stdout")).to.deep.equal([`00-${run.traceId}-${named("step echo").spanId}-01`]);
  });

  it("are not sent for a trace that was not chosen to be kept", async () => {
    const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    const baseEnv = { PATH, TRACEPARENT: parent, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    await sandbox.run([commands("one", ["echo $TRACEPARENT"])], {}, { baseEnv });
    expect(collector.received).to.deep.equal([]);
    expect(sandbox.logged("stdout")[0]).to.match(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/);
  });

  it("show a foreach's step once, and each attempt", async () => {
    const loop = {
      kind: "foreach",
      tasks: [commands("one", ["test {{ _line }} -lt 3 || exit {{ _line }}"])],
      maxParallel: 1,
    } as const;
    await sandbox.run(
      [
        pipeline("loop", ["seq 20"], loop, { killLoopOnFail: false, killDownstreamOnFail: false }),
        task(
          "again",
          { kind: "commands", commands: [command("false")] },
          { retries: { max: 2, delaySeconds: 0, backoff: 1 } },
        ),
      ],
      {},
      { baseEnv: { PATH, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } },
    );
    const step = named("step one/test");
    expect(attributesOf(step)).to.include({
      "handoff.repeats": 20,
      "handoff.status": "failure",
      // The first of those that failed.
      "handoff.exit_code": 3,
    });
    expect(attributesOf(step)).not.to.have.property("handoff.command");
    expect(step.status.code).to.equal(2);
    expect(spans().filter(({ name }) => name === "step false")).to.have.length(3);
    expect(attributesOf(named("task again"))).to.include({ "handoff.attempts": 3 });
  });

  it("hold no secret, not even those that the settings come from", async () => {
    const secret = "hunter2-hunter2";
    await sandbox.run(
      [commands("one", [`echo ${secret} >&2; exit 3`])],
      { secretEnvs: ["OTEL_EXPORTER_OTLP_HEADERS"], envs: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } },
      {
        secrets: new Map([
          ["K", secret],
          ["OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer top-secret"],
        ]),
      },
    );
    expect(collector.received[0]?.headers.authorization).to.equal("Bearer top-secret");
    expect(named("step echo").status.code).to.equal(2);
    const sent = JSON.stringify([traces(), sandbox.lines]);
    expect(sent).to.contain("[secret]").and.not.to.contain("hunter2");
    expect(sent).not.to.contain("top-secret");
  });

  it("tell of a run that could not begin", async () => {
    const tasks = [task("one", { kind: "commands", commands: [command("x", { venv: "gone" })] })];
    const run = sandbox.run(tasks, {}, { baseEnv: { PATH, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
    await run.then(
      () => expect.fail("it ran"),
      (error: Error) => expect(error.message).to.contain("gone"),
    );
    expect(named("run test").status).to.include({ code: 2 });
    expect(attributesOf(named("run test"))).to.include({ "handoff.exit_code": 2 });
  });

  describe("whose collector", () => {
    const one = [commands("one", ["true"])];
    const limit = closingMs.ended + 5000;

    async function runWith(endpoint: string, signal?: AbortSignal) {
      const began = performance.now();
      const record = await sandbox.run(
        signal === undefined ? one : [commands("one", ["sleep 60"])],
        {},
        { baseEnv: { PATH, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, ...(signal ? { signal } : {}) },
      );
      return { record, ms: performance.now() - began };
    }

    it("is down, cost a run a bounded time and a warning", async () => {
      await collector.close();
      const { record, ms } = await runWith(collector.url);
      expect(record.status).to.equal("success");
      expect(ms).to.be.lessThan(limit);
      expect(warnings().join("\n")).to.match(/^spans could not be sent to 127\.0\.0\.1:\d+: \S+/);
    });

    it("never answers, cost a run a bounded time and a warning", async () => {
      const mute = await startReceiver(() => null);
      const { record, ms } = await runWith(mute.url);
      await mute.close();
      expect(record.status).to.equal("success");
      expect(ms).to.be.within(closingMs.ended - 500, limit);
      expect(warnings().join("\n")).to.contain("spans could not be sent");
      expect(mute.received).to.have.length.greaterThan(0);
    });

    it("never answers, hold a stopped run up for less", async () => {
      const mute = await startReceiver(() => null);
      const stop = new AbortController();
      setTimeout(() => stop.abort("SIGTERM"), 500);
      const { record, ms } = await runWith(mute.url, stop.signal);
      await mute.close();
      expect(record.exitCode).to.equal(143);
      expect(ms).to.be.lessThan(closingMs.stopped + 4000);
    });

    it("refuses, or is at no address, cost a warning", async () => {
      const refusing = await startReceiver(() => 401);
      expect((await runWith(refusing.url)).record.status).to.equal("success");
      await refusing.close();
      expect(warnings().join("\n")).to.contain("spans could not be sent");
      sandbox.lines.length = 0;
      expect((await runWith("pass-word:no/address")).record.status).to.equal("success");
      expect(warnings()).to.deep.equal([
        "spans are not sent: OTEL_EXPORTER_OTLP_ENDPOINT is no http(s) address",
      ]);
      sandbox.lines.length = 0;
      const grpc = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
      await sandbox.run(one, {}, { baseEnv: { PATH, ...grpc } });
      expect(warnings().join("\n")).to.contain("spans are not sent: OTEL_EXPORTER_OTLP_PROTOCOL is grpc");
      expect(collector.received).to.deep.equal([]);
    });
  });
});
