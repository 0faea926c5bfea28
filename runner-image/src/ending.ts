/**
 * What a cloud's notifications read of a run: `records/<name>/end` in the artifact store. The name is the platform's own of
 * what it ran, which its events tell: the execution of a job; with granularity task that of the flow, whose jobs each add
 * their part. It expires with the records.
 */
import { randomBytes } from "node:crypto";
import { UserError } from "../../model/diagnostic.js";
import type { JobEnding, RunEnding, RunRecord, RunStatus } from "../../model/run.js";
import { forChat, runSummary, sumMetrics } from "../../model/run-summary.js";
import { keyPart } from "./store/key-part.js";
import { Conflict, type ObjectStore } from "./store/object-store.js";
import { readObject } from "./store/read.js";

export interface EndedJob {
  /** The platform's own of the run. */
  readonly name: string;
  readonly runId: string;
  /** Name in the plan. */
  readonly job: string;
  /** Jobs of the run, this one among them. */
  readonly members: readonly string[];
}

/** Key of the object. */
export const endingKey = (name: string): string => `records/${keyPart(name)}/end`;

/** Writes that another job was faster than. */
const maxTries = 50;

/**
 * Adds a job's end to its run's. Gives the run's when it ended well by that: of jobs that end at the same time one gets it.
 * @throws UserError `artifact-store`
 */
export async function tellEnding(
  store: ObjectStore,
  ended: EndedJob,
  record: RunRecord,
): Promise<RunEnding | null> {
  const key = endingKey(ended.name);
  const write = randomBytes(8).toString("hex");
  const mine: JobEnding = {
    status: record.status,
    startedAt: record.startedAt,
    durationMs: record.durationMs,
    metrics: record.metrics,
    ...because(record.error ?? record.reason),
  };
  for (let tries = 0; tries < maxTries; tries++) {
    const found = await read(store, key);
    const before = found?.ending ?? null;
    // The library's second try after an answer that was lost meets the first one.
    if (before?.write === write) return completed(before);
    const ending = endingOf(ended, { ...before?.jobs, [ended.job]: mine }, write);
    try {
      const condition = found === null ? { ifAbsent: true as const } : { ifMatch: found.etag };
      await store.put(key, Buffer.from(`${JSON.stringify(ending)}\n`), condition);
      return before?.event === "success" ? null : completed(ending);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
    }
  }
  throw new UserError(`can't write ${key} in ${store.url}: others are faster, again and again`, {
    code: "artifact-store",
    hint: "the run itself is not touched by it; its notification is without details",
  });
}

const completed = (ending: RunEnding): RunEnding | null => (ending.event === "success" ? ending : null);

/** What the ends of some of a run's jobs make of it. */
export function endingOf(
  { runId, members }: Pick<EndedJob, "runId" | "members">,
  jobs: Readonly<Record<string, JobEnding>>,
  write: string,
): RunEnding {
  const ends = Object.entries(jobs);
  const status = statusOf(ends.map(([, end]) => end.status));
  const missing = members.filter((name) => jobs[name] === undefined).length;
  const first = ends.find(([, end]) => end.status === status);
  const metrics = sumMetrics(ends.map(([, end]) => end.metrics));
  const error = first?.[1].error;
  const said = runSummary({
    status,
    durationMs: lasted(ends.map(([, end]) => end)),
    metrics,
    error: error === undefined || members.length === 1 ? error : `${first?.[0]}: ${error}`,
  });
  const isOpen = status === "success" && missing > 0;
  const summary = isOpen ? `${members.length - missing} of ${members.length} jobs have succeeded` : said;
  return {
    schemaVersion: 1,
    runId,
    event: isOpen ? "unfinished" : eventOf(status),
    metrics,
    summary,
    chat: forChat(summary),
    jobs,
    write,
  };
}

/** The worst counts: what failed, before what timed out. A job that was skipped has its reason in the others, or none ran. */
function statusOf(statuses: readonly RunStatus[]): RunStatus {
  const worst = (["failure", "timeout", "stopped"] as const).find((status) => statuses.includes(status));
  if (worst !== undefined) return worst;
  return statuses.includes("success") ? "success" : "skipped";
}

function eventOf(status: RunStatus): RunEnding["event"] {
  if (status === "success" || status === "timeout" || status === "skipped") return status;
  return "failure";
}

/** From the first start to the last end. */
function lasted(ends: readonly JobEnding[]): number {
  const starts = ends.map(({ startedAt }) => Date.parse(startedAt));
  const last = Math.max(...ends.map(({ startedAt, durationMs }) => Date.parse(startedAt) + durationMs));
  return last - Math.min(...starts);
}

const because = (error: string | undefined) => (error === undefined ? {} : { error });

/** Null: there is none, or something else, which is written over. */
async function read(
  store: ObjectStore,
  key: string,
): Promise<{ etag: string; ending: RunEnding | null } | null> {
  const found = await readObject(store, key, (bytes) => parse(bytes) !== null);
  return found === null ? null : { etag: found.etag, ending: parse(found.bytes) };
}

function parse(bytes: Buffer): RunEnding | null {
  try {
    const ending = JSON.parse(bytes.toString()) as Partial<RunEnding> | null;
    return ending?.schemaVersion === 1 && typeof ending.jobs === "object" ? (ending as RunEnding) : null;
  } catch {
    return null;
  }
}
