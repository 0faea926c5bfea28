/** A run as a trace of OpenTelemetry's: a span for the run, in it one for each task, in that one for each step. OTLP over HTTP. */
import {
  type Attributes,
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from "@opentelemetry/sdk-trace-base";
import { addressOf, closingMs, type Milestone, type ObservedRun, type Observer, within } from "./observer.js";

/** @throws Error for an address that is none, or a protocol that isn't HTTP */
export function openSpans(run: ObservedRun): Observer {
  const { env } = run;
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL;
  if (protocol === "grpc")
    throw new Error(
      "OTEL_EXPORTER_OTLP_PROTOCOL is grpc: set http/json, and name the collector's port for HTTP (4318)",
    );
  const address = endpointOf(env);
  const exporter = new NotingExporter(
    new OTLPTraceExporter({
      url: address.href,
      headers: pairs(env.OTEL_EXPORTER_OTLP_TRACES_HEADERS || env.OTEL_EXPORTER_OTLP_HEADERS),
      // One try is not to outlast the run's end.
      timeoutMillis: Math.min(timeoutOf(env), closingMs.ended),
    }),
  );
  const provider = new BasicTracerProvider({
    resource: defaultResource().merge(
      resourceFromAttributes({
        "service.name": run.project,
        ...pairs(env.OTEL_RESOURCE_ATTRIBUTES),
        ...(env.OTEL_SERVICE_NAME ? { "service.name": env.OTEL_SERVICE_NAME } : {}),
      }),
    ),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  const spans = new Spans(run, provider.getTracer("handoff"));
  return {
    milestone: (line, repeated) => spans.milestone(line, repeated),
    environment: (task, step) => spans.environment(task, step),
    async close(ms) {
      spans.end();
      const sent = await within(
        ms,
        provider.shutdown().catch((error: unknown) => exporter.note(error)),
      );
      const reason = exporter.problem ?? (sent ? null : `no answer within ${ms / 1000} s`);
      return reason === null ? null : `spans could not be sent to ${address.host}: ${reason}`;
    },
  };
}

function endpointOf(env: ObservedRun["env"]): URL {
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: exact, OTEL_EXPORTER_OTLP_ENDPOINT: base } = env;
  if (exact) return addressOf("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", exact);
  const url = addressOf("OTEL_EXPORTER_OTLP_ENDPOINT", base);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/v1/traces`;
  return url;
}

/** Milliseconds; OpenTelemetry's own default is 10,000. */
function timeoutOf(env: ObservedRun["env"]): number {
  const given = Number(env.OTEL_EXPORTER_OTLP_TRACES_TIMEOUT || env.OTEL_EXPORTER_OTLP_TIMEOUT);
  return given > 0 ? given : 10_000;
}

/** `key=value,key=value`, percent-encoded, as OpenTelemetry's variables have it; what isn't so is left out. */
function pairs(text: string | undefined): Record<string, string> {
  const entries = (text ?? "").split(",").flatMap((pair): [string, string][] => {
    const at = pair.indexOf("=");
    if (at <= 0) return [];
    try {
      return [[decodeURIComponent(pair.slice(0, at).trim()), decodeURIComponent(pair.slice(at + 1).trim())]];
    } catch {
      return [];
    }
  });
  return Object.fromEntries(entries);
}

/** An exporter that remembers why it could not send. */
class NotingExporter implements SpanExporter {
  problem: string | null = null;
  readonly #inner: SpanExporter;

  constructor(inner: SpanExporter) {
    this.#inner = inner;
  }

  note(error: unknown): void {
    this.problem ??= error instanceof Error ? error.message : String(error);
  }

  export(...[spans, done]: Parameters<SpanExporter["export"]>): void {
    this.#inner.export(spans, (result) => {
      if (result.code !== 0) this.note(result.error ?? "the collector refused them");
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.#inner.shutdown();
  }

  async forceFlush(): Promise<void> {
    await this.#inner.forceFlush?.();
  }
}

/** Of a command line, which may be a whole script, a span shows this much. */
const maxCommandLength = 4096;

/** A step that runs for each line of a foreach is one span, from its first start to its last end. */
interface OpenSpan {
  readonly span: Span;
  /** How many times it has ended; null for what runs once. */
  repeats: number | null;
  endedAt: string | null;
  /** Each time so far. */
  well: boolean;
}

class Spans {
  readonly #tracer: Tracer;
  readonly #root: Span;
  readonly #tasks = new Map<string, Span>();
  /** By task, then step. */
  readonly #steps = new Map<string, Map<string, OpenSpan>>();

  constructor(run: ObservedRun, tracer: Tracer) {
    this.#tracer = tracer;
    const { request, project, mask } = run;
    const attributes: Attributes = {
      "handoff.project": project,
      "handoff.run.id": request.runId,
      "handoff.stage": request.stage,
      "handoff.scheduled_at": request.scheduledAt,
      "handoff.attempt": request.attempt,
      ...(request.schedule === undefined ? {} : { "handoff.schedule": request.schedule }),
      ...(run.env.HANDOFF_COMMIT ? { "vcs.ref.head.revision": run.env.HANDOFF_COMMIT } : {}),
    };
    const startTime = run.startedAt;
    this.#root = tracer.startSpan(`run ${mask(project)}`, { startTime, attributes }, parentOf(run.env));
  }

  milestone(line: Milestone, repeated: boolean): void {
    const { event, task = "", step = "" } = line;
    if (event === "task.start") this.#startTask(task, line);
    else if (event === "step.start") this.#startStep(task, step, line, repeated);
    else if (event === "step.end") this.#endStep(task, step, line);
    else if (event === "task.end") this.#endTask(task, line);
    else if (event === "run.end") {
      for (const name of [...this.#tasks.keys()]) this.#endTask(name, line);
      describeEnd(this.#root, line);
      this.#root.end(new Date(line.time));
    }
  }

  environment(task: string, step: string): Record<string, string> {
    const span = this.#steps.get(task)?.get(step)?.span ?? this.#tasks.get(task) ?? this.#root;
    const { traceId, spanId, traceFlags } = span.spanContext();
    return { TRACEPARENT: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}` };
  }

  /** A run that never came to its end leaves its span open; ending one twice does nothing. */
  end(): void {
    if (this.#root.isRecording()) this.#root.end();
  }

  #startTask(task: string, line: Milestone): void {
    const attributes = { "handoff.task": task };
    this.#tasks.set(task, this.#start(`task ${task}`, attributes, line, this.#root));
  }

  #startStep(task: string, step: string, line: Milestone, repeated: boolean): void {
    const steps = this.#steps.get(task) ?? new Map<string, OpenSpan>();
    this.#steps.set(task, steps);
    if (repeated && steps.has(step)) return;
    const attributes: Attributes = { "handoff.task": task, "handoff.step": step };
    // The line of a foreach is in it.
    if (!repeated) attributes["handoff.command"] = line.message.slice(0, maxCommandLength);
    const span = this.#start(`step ${step}`, attributes, line, this.#tasks.get(task) ?? this.#root);
    steps.set(step, { span, repeats: repeated ? 0 : null, endedAt: null, well: true });
  }

  #endStep(task: string, step: string, line: Milestone): void {
    const open = this.#steps.get(task)?.get(step);
    if (open === undefined) return;
    if (open.repeats === null) {
      describeEnd(open.span, line);
      open.span.end(new Date(line.time));
      this.#steps.get(task)?.delete(step);
      return;
    }
    // The first end that was not well is the one that stays.
    const well = line.status === "success";
    if (open.repeats === 0 || (open.well && !well)) describeEnd(open.span, line);
    open.well &&= well;
    open.repeats++;
    open.endedAt = line.time;
  }

  #endTask(task: string, line: Milestone): void {
    for (const { span, repeats, endedAt } of this.#steps.get(task)?.values() ?? []) {
      if (repeats !== null) span.setAttribute("handoff.repeats", repeats);
      span.end(new Date(endedAt ?? line.time));
    }
    this.#steps.delete(task);
    const span = this.#tasks.get(task);
    if (span === undefined) return;
    describeEnd(span, line);
    span.end(new Date(line.time));
    this.#tasks.delete(task);
  }

  #start(name: string, attributes: Attributes, line: Milestone, parent: Span): Span {
    const startTime = new Date(line.time);
    return this.#tracer.startSpan(name, { startTime, attributes }, trace.setSpan(ROOT_CONTEXT, parent));
  }
}

/** The span that the run is a part of, where whoever started it has said so. */
function parentOf(env: ObservedRun["env"]): Context {
  const found = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(env.TRACEPARENT ?? "");
  const [, traceId = "", spanId = "", flags = "0"] = found ?? [];
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(context) ? trace.setSpanContext(ROOT_CONTEXT, context) : ROOT_CONTEXT;
}

function describeEnd(span: Span, line: Milestone): void {
  const { status, exitCode, signal, attempts, error, metrics = {} } = line;
  const attributes: Attributes = {};
  if (status !== undefined) attributes["handoff.status"] = status;
  if (exitCode !== undefined && exitCode !== null) attributes["handoff.exit_code"] = exitCode;
  if (signal !== undefined) attributes["handoff.signal"] = signal;
  if (attempts !== undefined) attributes["handoff.attempts"] = attempts;
  for (const [name, value] of Object.entries(metrics)) attributes[`handoff.metric.${name}`] = value;
  span.setAttributes(attributes);
  // A step that was stopped because its neighbour failed did nothing wrong.
  const well = status === "success" || (status === "stopped" && line.event === "step.end");
  if (!well) span.setStatus({ code: SpanStatusCode.ERROR, message: error ?? status ?? "" });
}
