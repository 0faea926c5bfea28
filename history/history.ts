/**
 * Runs on this machine, in SQLite. Several processes may have it open: the agent writes, the CLI reads and queues.
 * Every transition is one conditional statement, so that of two processes only one makes it.
 */
import { chmodSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import Database from "libsql";
import type { RunRecord, RunRequest, RunStatus } from "../model/run.js";
import { migrate } from "./migrations.js";

/** What was asked for. Times are ISO 8601 in UTC with milliseconds (`Date.toISOString`). */
export interface AskedRun {
  readonly runId: string;
  readonly deployment: string;
  readonly stack: string;
  readonly client: string;
  readonly job: string;
  readonly schedule: string | null;
  readonly trigger: string | null;
  /** The instant that the run stands for. */
  readonly scheduledAt: string;
  /** When it was asked for. */
  readonly firedAt: string;
  readonly request: RunRequest;
}

/** A run to be put into the history. */
export interface NewRun extends AskedRun {
  /** `queued` to be started; `skipped` and `missed` have ended at once. */
  readonly status: Extract<RunStatus, "queued" | "skipped" | "missed">;
  /** Why it was skipped or missed. */
  readonly reason?: string;
  /** Whether a notification is owed for a row that ends at once. Default false. */
  readonly notice?: boolean;
}

/** A run as the history has it; times as of `AskedRun`. */
export interface Run extends AskedRun {
  /** A retry is not started before this. */
  readonly notBefore: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly status: RunStatus;
  readonly exitCode: number | null;
  /** Of the runner as a whole, from 1; the runner counts its tasks' attempts itself. */
  readonly attempt: number;
  readonly pid: number | null;
  /** Opaque; with `pid` it names one process even after the number was given to another. */
  readonly pidStart: string | null;
  /** One sentence on what went wrong, when something did. */
  readonly reason: string | null;
  readonly record: RunRecord | null;
}

export interface ListFilter {
  readonly deployment?: string;
  readonly job?: string;
  readonly schedule?: string;
  readonly status?: RunStatus;
  /** Default 50. */
  readonly limit?: number;
  /** A run's id: only runs that were asked for before it. */
  readonly before?: string;
}

export interface Ending {
  readonly status: RunStatus;
  readonly exitCode: number | null;
  readonly endedAt: string;
  readonly reason?: string;
  readonly record?: RunRecord;
  /** Whether a notification is owed. */
  readonly notice: boolean;
}

export interface History {
  /** False, and nothing is written, when the run or its schedule's time is there already. */
  insertRun(run: NewRun): boolean;
  /** `insertRun` for many in one transaction; returns those that were new. */
  insertRuns(runs: readonly NewRun[]): NewRun[];
  /** Takes a queued run to `running`; false when another process was faster or its attempt has changed. */
  claim(runId: string, attempt: number, startedAt: string): boolean;
  setProcess(runId: string, pid: number, pidStart: string | null): void;
  /** Takes a running run back to `queued` for its next attempt, to start at `notBefore` at the earliest. */
  requeue(runId: string, failedAttempt: number, notBefore: string, reason: string): boolean;
  /** Ends a run; false when it has ended already, so that of two observers one reports it. */
  finish(runId: string, ending: Ending): boolean;
  get(runId: string): Run | undefined;
  /** Ids that start with `prefix`, newest first, at most 10. */
  matching(prefix: string): string[];
  /** Newest first. */
  list(filter?: ListFilter): Run[];
  /** Queued, oldest first. */
  queued(): Run[];
  running(): Run[];
  /** Whether a run of the schedule is queued or running. */
  scheduleActive(deployment: string, schedule: string): boolean;
  triggerActive(deployment: string, trigger: string): number;
  /** `scheduledAt` of the newest run of the schedule, whatever became of it. */
  lastFire(deployment: string, schedule: string): string | undefined;
  /** Times of the schedule up to `at` are settled, with or without a run. Never moves back. */
  settle(deployment: string, schedule: string, at: string): void;
  settledUntil(deployment: string, schedule: string): string | undefined;
  /** Ended runs whose notification is still owed. */
  owedNotices(): Run[];
  noticeSent(runId: string): void;
  /** Ended runs of the job beyond the newest `keep` whose folder was not removed yet. */
  prunable(deployment: string, job: string, keep: number): string[];
  /** Whether `markPruned` was told of the run. */
  isPruned(runId: string): boolean;
  markPruned(runId: string): void;
  /** Runs `body` while no other process can write to the history. */
  exclusive<T>(body: () => T): T;
  close(): void;
}

interface Row extends Omit<Run, "request" | "record"> {
  readonly request: string;
  readonly record: string | null;
}

const columns = `run_id AS runId, deployment, stack, client, job, schedule, trigger_name AS "trigger",
  scheduled_at AS scheduledAt, fired_at AS firedAt, not_before AS notBefore, started_at AS startedAt,
  ended_at AS endedAt, status, exit_code AS exitCode, attempt, pid, pid_start AS pidStart, reason, request, record`;

function toRun(row: unknown): Run {
  const { request, record, ...rest } = row as Row & { _metadata?: unknown };
  // libsql adds a field of its own to what get() returns.
  delete rest._metadata;
  return {
    ...rest,
    request: JSON.parse(request) as RunRequest,
    record: record === null ? null : (JSON.parse(record) as RunRecord),
  };
}

/** Opens the history, making the file (0600) and its folder when they are missing. Waits up to 10 s for another writer. */
export function openHistory(file: string): History {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const db = new Database(file);
  db.pragma("busy_timeout = 10000");
  db.pragma("journal_mode = WAL");
  // In WAL, NORMAL survives the death of the process, and a loss of power loses the last commits but never the file.
  db.pragma("synchronous = NORMAL");
  chmodSync(file, 0o600);
  migrate(db);

  const statements = new Map<string, Database.Statement>();
  const sql = (text: string): Database.Statement => {
    let statement = statements.get(text);
    if (!statement) {
      statement = db.prepare(text);
      statements.set(text, statement);
    }
    return statement;
  };
  const change = (text: string, ...values: unknown[]): boolean => sql(text).run(...values).changes > 0;
  const runs = (text: string, ...values: unknown[]): Run[] =>
    sql(text)
      .all(...values)
      .map(toRun);

  const insertRun = (run: NewRun): boolean =>
    change(
      `INSERT OR IGNORE INTO runs (run_id, deployment, stack, client, job, schedule, trigger_name, scheduled_at,
         fired_at, ended_at, status, reason, request, notice_pending)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      run.runId,
      run.deployment,
      run.stack,
      run.client,
      run.job,
      run.schedule,
      run.trigger,
      run.scheduledAt,
      run.firedAt,
      run.status === "queued" ? null : run.firedAt,
      run.status,
      run.reason ?? null,
      JSON.stringify(run.request),
      run.notice ? 1 : 0,
    );
  const exclusive = <T>(body: () => T): T => db.transaction(body).immediate();

  return {
    insertRun,
    insertRuns: (news) => exclusive(() => news.filter(insertRun)),
    claim: (runId, attempt, startedAt) =>
      change(
        `UPDATE runs SET status = 'running', started_at = coalesce(started_at, ?), pid = NULL, pid_start = NULL
         WHERE run_id = ? AND status = 'queued' AND attempt = ?`,
        startedAt,
        runId,
        attempt,
      ),
    setProcess: (runId, pid, pidStart) => {
      change(
        "UPDATE runs SET pid = ?, pid_start = ? WHERE run_id = ? AND status = 'running'",
        pid,
        pidStart,
        runId,
      );
    },
    requeue: (runId, failedAttempt, notBefore, reason) =>
      change(
        `UPDATE runs SET status = 'queued', attempt = attempt + 1, not_before = ?, reason = ?, pid = NULL, pid_start = NULL
         WHERE run_id = ? AND status = 'running' AND attempt = ?`,
        notBefore,
        reason,
        runId,
        failedAttempt,
      ),
    finish: (runId, ending) =>
      change(
        `UPDATE runs SET status = ?, exit_code = ?, ended_at = ?, reason = ?, record = ?, notice_pending = ?
         WHERE run_id = ? AND ended_at IS NULL`,
        ending.status,
        ending.exitCode,
        ending.endedAt,
        ending.reason ?? null,
        ending.record ? JSON.stringify(ending.record) : null,
        ending.notice ? 1 : 0,
        runId,
      ),
    get: (runId) => runs(`SELECT ${columns} FROM runs WHERE run_id = ?`, runId)[0],
    matching: (prefix) =>
      sql("SELECT run_id AS id FROM runs WHERE substr(run_id, 1, ?) = ? ORDER BY seq DESC LIMIT 10")
        .all(prefix.length, prefix)
        .map((row) => (row as { id: string }).id),
    list: (filter = {}) => {
      const conditions: string[] = [];
      const values: unknown[] = [];
      for (const key of ["deployment", "job", "schedule", "status"] as const) {
        if (filter[key] === undefined) continue;
        conditions.push(`${key} = ?`);
        values.push(filter[key]);
      }
      if (filter.before !== undefined) {
        conditions.push("seq < (SELECT seq FROM runs WHERE run_id = ?)");
        values.push(filter.before);
      }
      const where = conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : "";
      return runs(
        `SELECT ${columns} FROM runs ${where} ORDER BY seq DESC LIMIT ?`,
        ...values,
        filter.limit ?? 50,
      );
    },
    queued: () =>
      runs(`SELECT ${columns} FROM runs WHERE status = 'queued' AND ended_at IS NULL ORDER BY seq`),
    running: () =>
      runs(`SELECT ${columns} FROM runs WHERE status = 'running' AND ended_at IS NULL ORDER BY seq`),
    scheduleActive: (deployment, schedule) =>
      sql(
        `SELECT 1 AS one FROM runs WHERE status IN ('queued', 'running') AND ended_at IS NULL
         AND deployment = ? AND schedule = ? LIMIT 1`,
      ).all(deployment, schedule).length > 0,
    triggerActive: (deployment, trigger) =>
      sql(
        `SELECT 1 AS one FROM runs WHERE status IN ('queued', 'running') AND ended_at IS NULL
         AND deployment = ? AND trigger_name = ?`,
      ).all(deployment, trigger).length,
    lastFire: (deployment, schedule) => {
      const [row] = sql("SELECT max(scheduled_at) AS at FROM runs WHERE deployment = ? AND schedule = ?").all(
        deployment,
        schedule,
      ) as { at: string | null }[];
      return row?.at ?? undefined;
    },
    settle: (deployment, schedule, at) => {
      change(
        `INSERT INTO cursors (deployment, schedule, at) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET at = max(at, excluded.at)`,
        deployment,
        schedule,
        at,
      );
    },
    settledUntil: (deployment, schedule) => {
      const [row] = sql("SELECT at FROM cursors WHERE deployment = ? AND schedule = ?").all(
        deployment,
        schedule,
      ) as {
        at: string;
      }[];
      return row?.at;
    },
    owedNotices: () => runs(`SELECT ${columns} FROM runs WHERE notice_pending = 1 ORDER BY seq`),
    noticeSent: (runId) => {
      change("UPDATE runs SET notice_pending = 0 WHERE run_id = ?", runId);
    },
    isPruned: (runId) => sql("SELECT 1 FROM runs WHERE run_id = ? AND pruned = 1").get(runId) !== undefined,
    prunable: (deployment, job, keep) =>
      sql(
        `SELECT run_id AS id FROM runs WHERE deployment = ? AND job = ? AND ended_at IS NOT NULL AND pruned = 0
           AND started_at IS NOT NULL ORDER BY seq DESC LIMIT -1 OFFSET ?`,
      )
        .all(deployment, job, keep)
        .map((row) => (row as { id: string }).id),
    markPruned: (runId) => {
      change("UPDATE runs SET pruned = 1 WHERE run_id = ?", runId);
    },
    exclusive,
    close: () => {
      statements.clear();
      db.close();
    },
  };
}
