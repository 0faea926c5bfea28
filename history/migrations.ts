/** The schema of the history, one script a version; a new version is added at the end and none is ever edited. */
import type Database from "libsql";

const migrations: readonly string[] = [
  `
  CREATE TABLE runs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL UNIQUE,
    deployment TEXT NOT NULL,
    stack TEXT NOT NULL,
    client TEXT NOT NULL,
    job TEXT NOT NULL,
    schedule TEXT,
    trigger_name TEXT,
    scheduled_at TEXT NOT NULL,
    fired_at TEXT NOT NULL,
    not_before TEXT,
    started_at TEXT,
    ended_at TEXT,
    status TEXT NOT NULL,
    exit_code INTEGER,
    attempt INTEGER NOT NULL DEFAULT 1,
    pid INTEGER,
    pid_start TEXT,
    reason TEXT,
    request TEXT NOT NULL,
    record TEXT,
    notice_pending INTEGER NOT NULL DEFAULT 0,
    pruned INTEGER NOT NULL DEFAULT 0,
    -- No time of a schedule fires twice. Rows without a schedule never collide: SQL takes each NULL for another.
    UNIQUE (deployment, schedule, scheduled_at)
  );
  CREATE INDEX runs_by_status ON runs (status) WHERE ended_at IS NULL;
  CREATE INDEX runs_by_job ON runs (deployment, job, seq);
  CREATE INDEX runs_by_notice ON runs (seq) WHERE notice_pending = 1;
  CREATE TABLE cursors (
    deployment TEXT NOT NULL,
    schedule TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (deployment, schedule)
  ) WITHOUT ROWID;
  `,
];

/** Brings the database to the newest version. Safe when several processes open it at once. */
export function migrate(db: Database.Database): void {
  if (version(db) === migrations.length) return;
  db.transaction(() => {
    const from = version(db);
    if (from > migrations.length) {
      throw new Error(
        `the history was written by a newer handoff (schema ${from}, this one knows ${migrations.length}): update handoff`,
      );
    }
    for (const script of migrations.slice(from)) db.exec(script);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
  }).immediate();
}

function version(db: Database.Database): number {
  const row = db.prepare("SELECT user_version AS version FROM pragma_user_version").get() as {
    version: number;
  };
  return row.version;
}
