/**
 * OpenLineage's run events: START, then COMPLETE, FAIL or ABORT, of the run and, with the run as their parent, of its tasks.
 * The specification's version 2-0-2. OpenLineage has no client for Node; its variables are those of its Python client.
 */
import { createHash } from "node:crypto";
import type { RunStatus } from "../../../model/run.js";
import { addressOf, type Milestone, type ObservedRun, type Observer, within } from "./observer.js";

const spec = "https://openlineage.io/spec";
const producer = "urn:handoff:runner";

interface JobRun {
  readonly job: { readonly namespace: string; readonly name: string };
  readonly run: { readonly runId: string };
}

/** @throws Error for an address that is none */
export function openLineage(run: ObservedRun): Observer {
  const { env, mask, request, startedAt } = run;
  const base = addressOf("OPENLINEAGE_URL", env.OPENLINEAGE_URL);
  const path = (env.OPENLINEAGE_ENDPOINT || "api/v1/lineage").replace(/^\/+/, "");
  const url = new URL(`${base.pathname.replace(/\/$/, "")}/${path}`, base);
  const sender = new Sender(url, env.OPENLINEAGE_API_KEY);

  const namespace = env.OPENLINEAGE_NAMESPACE || "default";
  const project = mask(run.project);
  // The same in each event of this attempt, and another in the next attempt.
  const identify = (name: string): JobRun => ({
    job: { namespace, name },
    run: { runId: uuid(startedAt, JSON.stringify([namespace, name, request.runId, request.attempt])) },
  });
  const whole = identify(project);
  const parent = parentOf(env.OPENLINEAGE_PARENT_ID);

  const send = (eventType: string, eventTime: string, of: JobRun, line?: Milestone): void => {
    const isTask = of !== whole;
    const above = isTask ? whole : parent;
    sender.send({
      eventType,
      eventTime,
      producer,
      schemaURL: `${spec}/2-0-2/OpenLineage.json#/$defs/RunEvent`,
      run: {
        ...of.run,
        facets: {
          nominalTime: { ...facet("NominalTimeRunFacet", "1-0-1"), nominalStartTime: request.scheduledAt },
          ...(above === null
            ? {}
            : { parent: { ...facet("ParentRunFacet", "1-2-0"), ...above, root: parent ?? whole } }),
          ...(line?.error === undefined ? {} : { errorMessage: errorFacet(line.error) }),
          handoff_run: resultFacet(run, line),
        },
      },
      job: {
        ...of.job,
        facets: {
          jobType: {
            ...facet("JobTypeJobFacet", "2-0-4"),
            processingType: "BATCH",
            integration: "HANDOFF",
            jobType: isTask ? "TASK" : "PIPELINE",
          },
        },
      },
      inputs: [],
      outputs: [],
    });
  };

  const tasks = new Map<string, JobRun>();
  send("START", startedAt.toISOString(), whole);
  return {
    milestone(line) {
      const { event, time, task = "" } = line;
      if (event === "task.start") {
        const started = identify(`${project}.${task}`);
        tasks.set(task, started);
        send("START", time, started);
      } else if (event === "task.end") {
        const ended = tasks.get(task);
        if (ended !== undefined) send(ending(line.status), time, ended, line);
      } else if (event === "run.end") send(ending(line.status), time, whole, line);
    },
    environment(task) {
      const { job, run: of } = tasks.get(task) ?? whole;
      return { OPENLINEAGE_PARENT_ID: `${job.namespace}/${job.name}/${of.runId}` };
    },
    close: (ms) => sender.close(ms),
  };
}

function ending(status: RunStatus | undefined): string {
  if (status === "success") return "COMPLETE";
  return status === "stopped" || status === "skipped" ? "ABORT" : "FAIL";
}

function facet(name: string, version: string): { readonly _producer: string; readonly _schemaURL: string } {
  return { _producer: producer, _schemaURL: `${spec}/facets/${version}/${name}.json#/$defs/${name}` };
}

function errorFacet(message: string): Readonly<Record<string, unknown>> {
  return { ...facet("ErrorMessageRunFacet", "1-0-1"), message, programmingLanguage: "SHELL" };
}

/** What OpenLineage has no facet for. */
function resultFacet(
  { env, request }: ObservedRun,
  line: Milestone | undefined,
): Readonly<Record<string, unknown>> {
  return {
    _producer: producer,
    _schemaURL: `${spec}/2-0-2/OpenLineage.json#/$defs/RunFacet`,
    runId: request.runId,
    attempt: request.attempt,
    stage: request.stage,
    ...(request.schedule === undefined ? {} : { schedule: request.schedule }),
    ...(env.HANDOFF_COMMIT ? { commit: env.HANDOFF_COMMIT } : {}),
    ...(line?.status === undefined ? {} : { status: line.status }),
    ...(line?.exitCode === undefined ? {} : { exitCode: line.exitCode }),
    ...(line?.durationMs === undefined ? {} : { durationMs: line.durationMs }),
    ...(line?.metrics === undefined ? {} : { metrics: line.metrics }),
  };
}

/** `namespace/job/run`, as OpenLineage's integrations hand it on; null for what isn't so. */
function parentOf(text: string | undefined): JobRun | null {
  const found = /^(.+)\/([^/]+)\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.exec(text ?? "");
  const [, namespace = "", name = "", runId = ""] = found ?? [];
  return found === null ? null : { job: { namespace, name }, run: { runId } };
}

/** Of version 7, as OpenLineage recommends it: the time, then bits that are the same for the same key. */
function uuid(time: Date, key: string): string {
  const bytes = createHash("sha256").update(key).digest().subarray(0, 16);
  bytes.writeUIntBE(time.getTime(), 0, 6);
  bytes.writeUInt8(0x70 | (bytes.readUInt8(6) & 0x0f), 6);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** A server that doesn't answer must not hold back what comes after for long, in milliseconds. */
const tryMs = 3000;
const tries = 2;

/** Sends one event after the other, in the background. */
class Sender {
  readonly #url: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #abort = new AbortController();
  #last: Promise<void> = Promise.resolve();
  #problem: string | null = null;

  constructor(url: URL, apiKey: string | undefined) {
    this.#url = url;
    this.#headers = {
      "content-type": "application/json",
      "user-agent": "handoff",
      ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}),
    };
  }

  send(event: unknown): void {
    const body = JSON.stringify(event);
    this.#last = this.#last.then(() => this.#post(body));
  }

  async close(ms: number): Promise<string | null> {
    const sent = await within(ms, this.#last);
    this.#abort.abort();
    const reason = this.#problem ?? (sent ? null : `no answer within ${ms / 1000} s`);
    return reason === null ? null : `lineage events could not be sent to ${this.#url.host}: ${reason}`;
  }

  async #post(body: string): Promise<void> {
    for (let left = tries; left > 0 && !this.#abort.signal.aborted; left--) {
      const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(tryMs)]);
      let problem: string;
      try {
        const request = { method: "POST", headers: this.#headers, body, signal };
        const response = await fetch(this.#url, request);
        await response.body?.cancel();
        if (response.ok) return;
        problem = `HTTP ${response.status}`;
        // It won't like the same any better a second time.
        if (response.status < 500 && response.status !== 429) left = 1;
      } catch (error) {
        problem = reasonOf(error);
      }
      if (left === 1 && !this.#abort.signal.aborted) this.#problem ??= problem;
    }
  }
}

/** `ECONNREFUSED`, or the error's name: messages of fetch may hold the whole address. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  if (error.name === "TimeoutError") return `no answer within ${tryMs / 1000} s`;
  const { cause } = error;
  if (cause instanceof Error) return "code" in cause ? String(cause.code) : cause.name;
  return error.name;
}
