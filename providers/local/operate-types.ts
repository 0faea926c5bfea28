/** What the local platform's operations take and return; `operate.ts` does them. */
import type { RunRequest, RunStatus } from "../../model/run.js";

export interface OperateContext {
  /** `$HANDOFF_HOME`, absolute. */
  readonly home: string;
  /** Environment of the processes that are started. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => Date;
}

export interface TriggerOptions {
  /** Names of top-level tasks; default: all of the job's. */
  readonly tasks?: readonly string[];
  readonly vars?: RunRequest["vars"];
  readonly envs?: RunRequest["envs"];
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

export interface AgentStatus {
  readonly running: boolean;
  readonly pid: number | null;
  /** ISO 8601. */
  readonly startedAt: string | null;
}
