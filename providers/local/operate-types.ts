/** What the local platform's operations take and return; `operate.ts` does them. */

export interface OperateContext {
  /** `$HANDOFF_HOME`, absolute. */
  readonly home: string;
  /** Environment of the processes that are started. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => Date;
}

export interface AgentStatus {
  readonly running: boolean;
  readonly pid: number | null;
  /** ISO 8601. */
  readonly startedAt: string | null;
}
