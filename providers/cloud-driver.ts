/**
 * What a cloud does itself when a stack is operated: its executions, logs and schedules. The rest is the same for all of them
 * (cloud-operate.ts).
 */
import type { LogLine, RunStatus } from "../model/run.js";

/** Something that the platform runs, or ran: a job's container, or a flow of jobs. Times are ISO 8601 in UTC. */
export interface Execution {
  readonly kind: "job" | "flow";
  /** The platform's own name for it; a job's as `StoredRecord.execution` has it. Unique in the stack. */
  readonly id: string;
  /** HANDOFF_RUN_ID of its containers; undefined where nobody gave one, and the runner made its own. */
  readonly runId?: string;
  /** Name in the plan, of a job or of a flow. */
  readonly job: string;
  /** A listing didn't tell all of it: it is asked for with `execution` where no record tells more. */
  readonly partial?: boolean;
  /** These three: undefined where the platform doesn't tell. */
  readonly schedule?: string | null;
  readonly trigger?: string | null;
  readonly scheduledAt?: string;
  /** When it was asked for. */
  readonly firedAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly status: RunStatus;
  /** Of the container. */
  readonly exitCode: number | null;
  /** One sentence on what went wrong, as the platform knows it: no memory, no image, no capacity. */
  readonly reason: string | null;
  readonly console?: string;
}

/** A run that is to be started. */
export interface StartCall {
  /** For a flow a proposal: where the platform names its executions itself, `start` gives that name. */
  readonly runId: string;
  /** ISO 8601. */
  readonly scheduledAt: string;
  /** A key of the outputs' `flows`; null: `job` alone. */
  readonly flow: string | null;
  /** A key of the outputs' `jobs`; the flow's name where there is one. */
  readonly job: string;
  /** Arguments of each job that is started, in the flow's order; null: as it is deployed. */
  readonly calls: readonly StartedJob[] | null;
  /** What is said with `-v` and `-e` in each of `calls`. */
  readonly options: readonly string[];
  /** What comes on top of the jobs' variables. HANDOFF_RUN_ID only for a job alone: a flow's orchestrator sets it. */
  readonly env: Readonly<Record<string, string>>;
  readonly schedule: string | null;
}

export interface StartedJob {
  /** A key of the outputs' `jobs`. */
  readonly job: string;
  /** After the image's entry point. */
  readonly args: readonly string[];
}

/** Whose log is read. */
export interface LogTarget {
  readonly execution: string;
  readonly job: string;
  readonly runId: string;
  /** ISO 8601; nothing of it is older. */
  readonly since: string;
}

export interface LogEntry {
  /** ISO 8601. */
  readonly time: string;
  /** What the container printed: the runner's line of JSON, or what else was on its outputs. */
  readonly text: string;
  /** The platform's own name of the entry, where one may be given twice: it is then shown once. */
  readonly id?: string;
  /** Of what isn't the runner's JSON, where the platform tells. Default info. */
  readonly level?: LogLine["level"];
}

export interface LogPage {
  /** Oldest first. */
  readonly entries: readonly LogEntry[];
  /** Where the next page begins, also when it is asked for later; undefined: where this one began. */
  readonly cursor: string | undefined;
  /** More is there already. */
  readonly more: boolean;
}

/** A page of the log of one execution from a cursor on; undefined: from its beginning. A log that isn't there yet is empty. */
export type ReadLogPage = (cursor: string | undefined, signal?: AbortSignal) => Promise<LogPage>;

/** As the platform has it. */
export interface ScheduleState {
  readonly paused: boolean;
  /** In its own words: shown for a schedule that project.yml has no more. */
  readonly expression?: string;
  readonly timezone?: string;
}

/** One stack on one cloud. Every method throws a `UserError` for what the platform refuses (`cloudError`). */
export interface CloudDriver {
  /** How long after a run's end a line of its log may appear, in milliseconds. */
  readonly logDelayMs: number;
  /** Between two looks into the log of a run that goes on, in milliseconds; default 2000. */
  readonly logPollMs?: number;
  /** How long after the runner's last line one that was printed before it may still appear, in milliseconds; default 0. */
  readonly logDisorderMs?: number;
  /** What the platform remembers, of jobs and of flows: at least the newest `limit` of both together, in any order. */
  executions(limit: number): Promise<readonly Execution[]>;
  /** One as it is now, with all that the platform tells of it; null: it has forgotten it. */
  execution(found: Pick<Execution, "id" | "kind" | "job">): Promise<Execution | null>;
  /** The jobs of a flow's run that are known; default: looked for among `executions`. Asked with each look into its log. */
  jobsOf?(runId: string): Promise<readonly Execution[]>;
  start(call: StartCall): Promise<Execution>;
  log(target: LogTarget): ReadLogPage;
  /** @param name a key of the outputs' `schedules` */
  schedule(name: string): Promise<ScheduleState>;
  setPaused(name: string, paused: boolean): Promise<void>;
  /** Variables with which the artifact store is opened; default: the user's. */
  readonly storeEnv?: Readonly<Record<string, string | undefined>>;
}
