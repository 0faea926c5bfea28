/** Records of runs, as the runner leaves them. */
import type { StoredRecord } from "../../model/run.js";

export type RecordFields = Partial<StoredRecord> & Pick<StoredRecord, "runId" | "endedAt">;

/** Of a run of 4 seconds that went well, but for the fields that are given. */
export function makeRecord(job: string, fields: RecordFields): StoredRecord {
  return {
    schemaVersion: 1,
    status: "success",
    exitCode: 0,
    startedAt: new Date(Date.parse(fields.endedAt) - 4000).toISOString(),
    durationMs: 4000,
    tasks: [],
    metrics: {},
    job,
    schedule: null,
    trigger: null,
    scheduledAt: fields.endedAt,
    attempt: 1,
    execution: null,
    ...fields,
  };
}
