/** The lease of a schedule with `overlap: skip`: what is in it, and what it means for a run that wants to begin. Pure. */
import type { RunStatus } from "../../../model/run.js";

/** The object `leases/<schedule>.json`. */
export interface Lease {
  readonly schemaVersion: 1;
  /** Another text with every write: by it a writer knows its own again, and no two versions are the same. */
  readonly write: string;
  /** Null: nobody runs. */
  readonly holder: Holder | null;
  /** The run that ended last. */
  readonly last: EndedRun | null;
  /** Newest runs of several jobs that were skipped: their later jobs are skipped too. */
  readonly skipped: readonly string[];
}

export interface Holder {
  /** One for all jobs of a flow, and for all attempts that the platform makes at a run. */
  readonly id: string;
  /** ISO 8601. */
  readonly scheduledAt: string;
  /** Another text with every sign of life. */
  readonly beat: string;
  /** Seconds that had passed since the latest sign of life when somebody else wrote this version; 0 in the holder's own. */
  readonly silentSeconds: number;
  /** Seconds without a sign of life after which the run counts as dead. */
  readonly ttlSeconds: number;
  /** What has been started of the run, by the job's name. */
  readonly jobs: Readonly<Record<string, JobState>>;
}

export interface JobState {
  readonly status: "running" | "success" | "failure";
  /** Containers that were started for it. */
  readonly attempts: number;
}

export interface EndedRun {
  readonly id: string;
  /** ISO 8601. */
  readonly scheduledAt: string;
  readonly status: RunStatus;
}

/** A job as the lease needs it: when a run of several is over, the jobs themselves find out. */
export interface FlowJob {
  readonly name: string;
  readonly dependsOn: readonly string[];
  /** Attempts that the platform makes at most. */
  readonly maxAttempts: number;
  /** Seconds before the platform makes attempt `number`, from 2. */
  pauseBefore(number: number): number;
}

/** A container that asks whether it may run. */
export interface Contender {
  readonly id: string;
  readonly job: string;
  /** ISO 8601. */
  readonly scheduledAt: string;
  /** Whether a run of the same instant that succeeded means that this one is a platform's duplicate. */
  readonly once: boolean;
  /** All jobs of the run; one, where one does everything. */
  readonly flow: readonly FlowJob[];
  /** Seconds. */
  readonly ttlSeconds: number;
}

/** What is known of a lease's holder beside the lease. */
export interface Life {
  /** Seconds since its latest sign of life, by the store's clock. */
  readonly silentSeconds: number;
  /** It has given one since it is watched. */
  readonly seen: boolean;
}

export type Decision =
  /** `lease` is to be written; then it may run. `left`: the run whose lease it takes over. */
  | { readonly kind: "run"; readonly lease: Draft; readonly left?: Holder }
  /** `lease` is to be written first, where there is one. */
  | { readonly kind: "skip"; readonly reason: string; readonly lease?: Draft }
  /** Only time tells whether the holder lives. */
  | { readonly kind: "watch"; readonly holder: Holder };

/** All but what a write itself adds. */
export type Draft = Omit<Lease, "schemaVersion" | "write">;

/** Skipped runs that are remembered. */
const skippedKept = 20;
/** Seconds from the end of a job to the start of the next one: platforms look every minute or so, then the container starts. */
export const betweenJobsSeconds = 900;

/** @param beat text for the sign of life */
export function decide(lease: Lease | null, me: Contender, life: Life, beat: string): Decision {
  const { holder = null, last = null, skipped = [] } = lease ?? {};
  if (skipped.includes(me.id)) return { kind: "skip", reason: "an earlier job of this run was skipped" };
  const draft = { holder, last, skipped };
  if (holder !== null && holder.id !== me.id && life.silentSeconds <= holder.ttlSeconds) {
    const skip = (state: string): Decision => ({
      kind: "skip",
      reason: `run ${holder.id} of ${holder.scheduledAt} ${state} (overlap: skip)`,
      ...(me.flow.length > 1 ? { lease: noteSkipped(draft, me.id, life) } : {}),
    });
    if (life.seen) return skip("is still going on");
    if (!isBusy(holder)) return skip("is still going on, between two of its jobs");
    return { kind: "watch", holder };
  }
  const again = holder?.id === me.id || last?.id === me.id;
  if (me.once && !again && last?.scheduledAt === me.scheduledAt && last.status === "success") {
    const reason = `run ${last.id} of the same time, ${me.scheduledAt}, has succeeded: the platform started a second one`;
    return {
      kind: "skip",
      reason,
      ...(me.flow.length > 1 ? { lease: noteSkipped(draft, me.id, life) } : {}),
    };
  }
  const jobs = holder?.id === me.id ? holder.jobs : {};
  const taken = { ...draft, holder: beating(me, { ...jobs, [me.job]: begun(jobs[me.job]) }, beat) };
  if (holder === null || holder.id === me.id) return { kind: "run", lease: taken };
  return { kind: "run", lease: taken, left: holder };
}

/** A sign of life. Null: the lease is somebody else's by now. */
export function renewed(lease: Lease | null, me: Contender, beat: string): Draft | null {
  if (lease?.holder?.id !== me.id) return null;
  return { ...lease, holder: { ...lease.holder, beat, silentSeconds: 0 } };
}

/** After the end of a job: the next ones wait for their turn, or the run is over. Null: the lease is somebody else's by now. */
export function ended(lease: Lease | null, me: Contender, status: RunStatus, beat: string): Draft | null {
  if (lease?.holder?.id !== me.id) return null;
  const { holder, last, skipped } = lease;
  const attempts = holder.jobs[me.job]?.attempts ?? 1;
  const state: JobState = { status: status === "success" ? "success" : "failure", attempts };
  const jobs = { ...holder.jobs, [me.job]: state };
  const open = openJobs(me.flow, jobs);
  if (open.length > 0) return { last, skipped, holder: beating(me, jobs, beat, pauseOf(open, jobs)) };
  const failed = Object.values(jobs).some((job) => job.status !== "success");
  const outcome = me.flow.length === 1 ? status : failed ? "failure" : "success";
  return { skipped, holder: null, last: { id: me.id, scheduledAt: holder.scheduledAt, status: outcome } };
}

/** Jobs that run, or may still be started: not those behind one that failed for good. */
export function openJobs(flow: readonly FlowJob[], jobs: Holder["jobs"]): FlowJob[] {
  const dead = new Set<string>();
  const isDead = (job: FlowJob): boolean => {
    const state = jobs[job.name];
    if (state !== undefined) return state.status === "failure" && state.attempts >= job.maxAttempts;
    return job.dependsOn.some((other) => dead.has(other));
  };
  // Each round finds what depends on those found before.
  for (let before = -1; before < dead.size; ) {
    before = dead.size;
    for (const job of flow) if (isDead(job)) dead.add(job.name);
  }
  return flow.filter(({ name }) => !dead.has(name) && jobs[name]?.status !== "success");
}

function beating(me: Contender, jobs: Holder["jobs"], beat: string, pauseSeconds = 0): Holder {
  const busy = Object.values(jobs).some(({ status }) => status === "running");
  const ttlSeconds = busy ? me.ttlSeconds : betweenJobsSeconds + pauseSeconds;
  return { id: me.id, scheduledAt: me.scheduledAt, beat, silentSeconds: 0, ttlSeconds, jobs };
}

/** Seconds until the platform makes the next attempt at a job that failed, at most. */
function pauseOf(open: readonly FlowJob[], jobs: Holder["jobs"]): number {
  const pauses = open.map(({ name, pauseBefore }) => {
    const state = jobs[name];
    return state?.status === "failure" ? pauseBefore(state.attempts + 1) : 0;
  });
  return Math.max(0, ...pauses);
}

function begun(before: JobState | undefined): JobState {
  return { status: "running", attempts: (before?.attempts ?? 0) + 1 };
}

const isBusy = ({ jobs }: Holder): boolean => Object.values(jobs).some(({ status }) => status === "running");

/** Somebody else's write is no sign of the holder's life: how long it has been silent is written along. */
function noteSkipped({ holder, last, skipped }: Draft, id: string, { silentSeconds }: Life): Draft {
  return {
    last,
    skipped: [...skipped.slice(1 - skippedKept), id],
    holder: holder === null ? null : { ...holder, silentSeconds },
  };
}
