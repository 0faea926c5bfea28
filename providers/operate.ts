/** Operating what is deployed, the same on every platform: run now, history, logs, schedules. Data in, data out. */
import type { Run } from "../history/history.js";
import type { DeployPlan, Platform, StackSettings } from "../model/plan-types.js";
import type { LogLine, RunRequest, RunStatus, StoredRecord, TaskRecord } from "../model/run.js";

/**
 * A run as `handoff runs --json` shows it: as the history of this machine has it, on each platform. `deployment` is
 * `<pulumi project>-<stack>`, `job` also a flow of jobs (granularity task). In a cloud `pid` is null.
 */
export interface RunView extends Omit<Run, "request" | "record" | "pidStart"> {
  /** What was asked for; without environment variables and the message, which may hold what nobody is to read. */
  readonly request: Pick<RunRequest, "tasks" | "vars" | "stage">;
  /** Null while it has not ended, and when it never started. */
  readonly durationMs: number | null;
  /** Empty until it has ended. */
  readonly tasks: readonly TaskRecord[];
  readonly metrics: Readonly<Record<string, number>>;
  /** The run in the cloud's own console. */
  readonly console?: string;
}

export interface TriggerRequest {
  /** Name of a job; default: the only one, or with granularity task all of them in order. */
  readonly job?: string;
  /** Names of top-level tasks; default: all of the job's. */
  readonly tasks?: readonly string[];
  readonly vars?: RunRequest["vars"];
  readonly envs?: RunRequest["envs"];
  /** Run as this schedule would: its tasks, vars, envs and time zone; what is given here counts more. It takes no part in `overlap`. */
  readonly schedule?: string;
  /** ISO 8601 instant that the run stands for. Default: now. */
  readonly scheduledAt?: string;
}

export interface ScheduleView {
  readonly name: string;
  readonly job: string;
  readonly description?: string;
  readonly cron: string;
  readonly timezone: string;
  /** As deployed; a paused schedule may be enabled. */
  readonly enabled: boolean;
  readonly paused: boolean;
  /** The next three fire times, ISO 8601; empty when it does not fire. */
  readonly next: readonly string[];
  /** Newest run of the schedule. */
  readonly last?: { readonly runId: string; readonly scheduledAt: string; readonly status: RunStatus };
}

export interface FollowOptions {
  /** Go on until the run has ended. Default false: what is there. */
  readonly follow?: boolean;
  /** Aborting it ends the lines, without an error. */
  readonly signal?: AbortSignal;
}

/** One deployed stack. Each function throws a `UserError` for what the platform refuses. */
export interface Operator {
  /** Starts a run now. @throws UserError `unknown-job`, `no-job`, `unknown-task`, `unknown-schedule` */
  trigger(request: TriggerRequest): Promise<RunView>;
  /** Newest first. */
  runs(options: { readonly limit: number }): Promise<RunView[]>;
  /** By its id or the beginning of it; the newest when none is named. @throws UserError `unknown-run`, `ambiguous-run` */
  run(id: string | undefined): Promise<RunView>;
  /** The run once it has ended; earlier, as it is then, when the signal is aborted. */
  wait(runId: string, signal?: AbortSignal): Promise<RunView>;
  /** The lines of a run's log, oldest first, each once. With `follow` also those of a log that is yet to appear. */
  logs(run: RunView, options?: FollowOptions): AsyncIterable<LogLine>;
  /** Why a run that has ended has no log, as a sentence; undefined where nothing is known. */
  whyNoLog?(run: RunView): string | undefined;
  /** Sorted by name. */
  schedules(): Promise<ScheduleView[]>;
  /** A paused schedule doesn't fire until it is resumed. @throws UserError `unknown-schedule` */
  setPaused(schedule: string, paused: boolean): Promise<void>;
  /** What keeps schedules from firing, for people: the agent is not running. */
  warnings?(): string[];
}

/** The records that runs have left in their artifact store. */
export interface RunRecords {
  /** Those that ended last, newest first. @throws UserError `artifact-store` */
  list(options: {
    readonly limit?: number;
    /** Only of the runs whose id begins so. */
    readonly beginning?: string;
  }): Promise<StoredRecord[]>;
}

/** What an operator of a cloud is made from. */
export interface DeployedStack {
  /** Name in Pulumi.yaml. */
  readonly pulumiProject: string;
  readonly settings: StackSettings;
  /**
   * Of the project as it is now in the folder, which may be newer than what is deployed. Only called for what the cloud
   * doesn't know: a broken project.yml must not keep anybody from a log.
   * @throws UserError `invalid-project`
   */
  plan(): DeployPlan;
  /** Plain values of the stack's config, such as `aws:profile`; those of handoff's own are `settings`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The stack's outputs. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** Credentials, and endpoints in place of the cloud's own (docs/operate.md). */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => Date;
  /** @param artifacts the output `stores.artifacts` */
  openRecords(artifacts: string, env: DeployedStack["env"]): Promise<RunRecords>;
}

export type OpenOperator = (stack: DeployedStack) => Operator;

export type Cloud = Exclude<Platform, "local">;
