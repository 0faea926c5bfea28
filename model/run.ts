/** What the runner is given and what it gives back. JSON on disk between processes, the same on every platform. */
import type { NotificationEvent, Project } from "./project.js";

/** The runner's part of a plan: all of the project that running it needs. Never holds a secret's value. */
export interface RunSpec {
  readonly schemaVersion: 1;
  readonly project: Project;
}

/** One run: what differs from run to run. */
export interface RunRequest {
  readonly runId: string;
  /** Top-level task names; empty: all. */
  readonly tasks: readonly string[];
  /** `-v`; beats everything else. */
  readonly vars: Readonly<Record<string, string>>;
  /** `-e`; beats everything else. */
  readonly envs: Readonly<Record<string, string>>;
  /** Name of the schedule that asked for the run, when one did; its vars and envs are looked up in the spec. */
  readonly schedule?: string;
  /** ISO 8601 instant that the run stands for: a schedule's fire time, else the moment it was asked for. */
  readonly scheduledAt: string;
  /** `_stage` in templates; default `dev`. */
  readonly stage: string;
  /** Body of the queue's message, for a triggered run: HANDOFF_MESSAGE. */
  readonly message?: string;
  /** Counts from 1. */
  readonly attempt: number;
}

export type RunStatus =
  | "queued"
  | "running"
  | "success"
  | "failure"
  | "timeout"
  /** Stopped by a signal, or by the user. */
  | "stopped"
  /** Not started: the previous run of the schedule was still going on (`overlap: skip`). */
  | "skipped"
  /** Its time passed while nothing was there to start it. */
  | "missed";

export interface StepRecord {
  readonly name: string;
  readonly status: "success" | "failure" | "timeout" | "stopped" | "skipped";
  /** Null when it died by a signal or never started. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly durationMs: number;
}

export interface TaskRecord {
  readonly name: string;
  readonly status: "success" | "failure" | "timeout" | "stopped" | "skipped";
  readonly exitCode: number;
  /** ISO 8601; null when it never started. */
  readonly startedAt: string | null;
  readonly durationMs: number;
  /** Attempts made, from 1; 0 when skipped. */
  readonly attempts: number;
  /** One sentence that names the step and why it failed; absent on success. */
  readonly error?: string;
  readonly steps: readonly StepRecord[];
}

/** `run --json`'s last line, the record on disk, and a row of the history. */
export interface RunRecord {
  readonly schemaVersion: 1;
  readonly runId: string;
  readonly status: RunStatus;
  readonly exitCode: number;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly tasks: readonly TaskRecord[];
  /** Sums of the run's metrics, such as `{"records": 1204}`. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly error?: string;
  /** Why it was skipped. */
  readonly reason?: string;
  /** Of a project that was cloned: the commit that ran. */
  readonly commit?: string;
}

/** A run's record as a container leaves it in the artifact store: one for each job of the run (docs/environment.md). */
export interface StoredRecord extends RunRecord {
  /** Name in the plan. */
  readonly job: string;
  readonly schedule: string | null;
  readonly trigger: string | null;
  /** ISO 8601, as the two below. */
  readonly scheduledAt: string;
  readonly endedAt: string;
  readonly attempt: number;
  /** The platform's own name of what ran, where it tells: `fx-x7k2p` of Cloud Run or Container Apps. */
  readonly execution: string | null;
}

/** How one job of a run ended. */
export interface JobEnding extends Pick<RunRecord, "status" | "startedAt" | "durationMs" | "metrics"> {
  readonly error?: string;
}

/**
 * How a run ended, as far as its jobs have: what a cloud's notifications read. In the artifact store as `records/<name>/end`,
 * where the name is the platform's own of what it ran (docs/environment.md).
 */
export interface RunEnding {
  readonly schemaVersion: 1;
  readonly runId: string;
  /** The notification that it is; `unfinished` while jobs of a flow are still to come, and none has failed. */
  readonly event: Exclude<NotificationEvent, "missed"> | "skipped" | "unfinished";
  /** Sums over the jobs. */
  readonly metrics: Readonly<Record<string, number>>;
  /** `succeeded in 12 s, 1,204 records`, for mail. */
  readonly summary: string;
  /** The same for chats. */
  readonly chat: string;
  /** By job. */
  readonly jobs: Readonly<Record<string, JobEnding>>;
  /** Tells two writes apart. */
  readonly write: string;
}

/** One line of a run's log (JSON lines in a container and on the local platform). */
export interface LogLine {
  /** ISO 8601 with milliseconds. */
  readonly time: string;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly runId: string;
  readonly task?: string;
  readonly step?: string;
  /** Absent for handoff's own lines. */
  readonly stream?: "stdout" | "stderr";
  /** Set on handoff's own milestones. */
  readonly event?:
    | "run.start"
    | "run.end"
    | "task.start"
    | "task.end"
    | "step.start"
    | "step.end"
    /** granularity task: by the job with which all jobs of a flow have succeeded. */
    | "flow.end";
  /** Of every end: how it ended. */
  readonly status?: RunStatus;
  /** Of every end; null for a step that died by a signal or never started. */
  readonly exitCode?: number | null;
  /** Of the end of a step that died by one. */
  readonly signal?: string;
  /** Of every end. */
  readonly durationMs?: number;
  /** Of a task's end: attempts made, from 1. */
  readonly attempts?: number;
  /** Of an end that was not well: why, in one sentence. */
  readonly error?: string;
  /** Of a run's end: the sums of its metrics. */
  readonly metrics?: Readonly<Record<string, number>>;
  /** Of a run's end: how it ended, in one sentence; what notifications say. */
  readonly summary?: string;
  readonly message: string;
}
