/**
 * An execution's log in Cloud Logging. Its entries become visible in no order, some seconds after they were written: what was
 * received since the last look, and a little before, is asked for again, and entries are known by their ids.
 */
import type { logging_v2 } from "@googleapis/logging";
import type { LogLine } from "../../model/run.js";
import type { LogEntry, LogPage } from "../cloud-driver.js";

export type RawEntry = logging_v2.Schema$LogEntry;

/** Entries of a page: the most that Logging gives. */
const pageSize = 1000;

/** How long before the newest entry was received another one may have been that isn't visible yet. */
const overlapMs = 10_000;

export interface LogOf {
  /** Name of the Cloud Run job. */
  readonly job: string;
  readonly region: string;
  readonly execution: string;
  /** ISO 8601. */
  readonly since: string;
}

/**
 * What the container printed, and what Cloud Run says of it where that is more than that it ended: memory, a signal.
 * @param receivedSince ISO 8601
 */
export function logFilter({ job, region, execution, since }: LogOf, receivedSince?: string): string {
  return [
    'resource.type="cloud_run_job"',
    `resource.labels.job_name="${job}"`,
    `resource.labels.location="${region}"`,
    `labels."run.googleapis.com/execution_name"="${execution}"`,
    '(logName:"run.googleapis.com%2Fstd" OR (logName:"run.googleapis.com%2Fvarlog" AND severity>=WARNING))',
    `timestamp>="${since}"`,
    ...(receivedSince === undefined ? [] : [`receiveTimestamp>="${receivedSince}"`]),
  ].join(" AND ");
}

export function listRequest(resourceNames: readonly string[], filter: string, pageToken: string | undefined) {
  return {
    resourceNames: [...resourceNames],
    filter,
    orderBy: "timestamp asc",
    pageSize,
    ...(pageToken === undefined ? {} : { pageToken }),
  } satisfies logging_v2.Schema$ListLogEntriesRequest;
}

/** Where a log is read on. */
export interface Cursor {
  /** Within one look: the next of its pages. */
  readonly token?: string;
  /** What the look asks for; undefined: all. */
  readonly received?: string;
  /** The newest that was received so far. */
  readonly newest?: string;
}

export function parseCursor(text: string | undefined): Cursor {
  return text === undefined ? {} : (JSON.parse(text) as Cursor);
}

export function logPage(
  { entries = [], nextPageToken }: logging_v2.Schema$ListLogEntriesResponse,
  { received, newest: before }: Cursor,
): LogPage {
  const newest = entries.reduce<string | undefined>(
    (latest, { receiveTimestamp }) => later(latest, receiveTimestamp ?? undefined),
    before,
  );
  const more = Boolean(nextPageToken);
  const cursor: Cursor = nextPageToken
    ? { token: nextPageToken, ...(received ? { received } : {}), ...(newest ? { newest } : {}) }
    : newest
      ? { newest, received: new Date(Date.parse(newest) - overlapMs).toISOString() }
      : {};
  return { entries: entries.flatMap(entryOf), cursor: JSON.stringify(cursor), more };
}

/** The runner's last line. */
export function isRunEnd({ jsonPayload }: RawEntry): boolean {
  return jsonPayload?.event === "run.end";
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Date.parse(b) > Date.parse(a) ? b : a;
}

/** None of what has no text, such as an audit entry. */
function entryOf(entry: RawEntry): LogEntry[] {
  const { timestamp, receiveTimestamp, insertId, severity } = entry;
  const written = timestamp ?? receiveTimestamp;
  if (!written) return [];
  const time = new Date(written).toISOString();
  const text = textOf(entry, time);
  if (text === undefined) return [];
  return [{ time, text, ...(insertId ? { id: `${written} ${insertId}` } : {}), level: levelOf(severity) }];
}

/**
 * A line of JSON that was printed is taken apart: `time` becomes the entry's (and is no part of it any more, UNCONFIRMED),
 * and where nothing but a `message` is left, the entry is a text.
 */
function textOf({ textPayload, jsonPayload }: RawEntry, time: string): string | undefined {
  if (textPayload !== undefined && textPayload !== null) return textPayload;
  if (!jsonPayload) return undefined;
  if (typeof jsonPayload.level === "string" && typeof jsonPayload.message === "string")
    return JSON.stringify({ time, ...jsonPayload });
  return typeof jsonPayload.message === "string" ? jsonPayload.message : JSON.stringify(jsonPayload);
}

function levelOf(severity: string | null | undefined): LogLine["level"] {
  switch (severity) {
    case "DEBUG":
      return "debug";
    case "WARNING":
      return "warn";
    case "ERROR":
    case "CRITICAL":
    case "ALERT":
    case "EMERGENCY":
      return "error";
    default:
      return "info";
  }
}
