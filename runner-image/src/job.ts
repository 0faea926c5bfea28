/** A run from its start to its record: the same for the agent's files as for a container. */
import { closeSync, mkdirSync, openSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { inspect } from "node:util";
import { ExitCode, formatLocation, UserError } from "../../model/diagnostic.js";
import type { LogLine, RunRecord, RunRequest, RunSpec } from "../../model/run.js";
import { runSummary } from "../../model/run-summary.js";
import type { Admission, HeldLease } from "./lease/lease.js";
import { createJsonLog, createTerminalLog, type LogSink, maskLine } from "./log.js";
import { createMasker, type Masker } from "./mask.js";
import { hiddenValues, type RunContext, runProject } from "./run.js";

export interface Job {
  readonly spec: RunSpec;
  readonly request: RunRequest;
  readonly context: Omit<RunContext, "log" | "signal" | "now">;
  /** Written at the end; undefined: the log's last line is all there is. */
  readonly recordFile?: string;
  /** Without a file: stdout. */
  readonly log: { readonly format: "json" | "text"; readonly file?: string };
  /** Told at the start. */
  readonly warnings?: readonly string[];
  /** Brings the project, where it isn't there yet; all else is then done with the job that comes of it. */
  readonly open?: (asked: Asked) => Promise<OpenedJob>;
  /** Asked before anything is done; undefined: it may run. */
  readonly admit?: (asked: Asked) => Promise<Admission>;
  /** Where the record goes too; `tell` writes to the log. That it can't is a warning. */
  readonly keep?: (record: RunRecord, tell: Tell) => Promise<void>;
}

interface Asked {
  readonly signal: AbortSignal;
  readonly say: Say;
}

/** A job whose project was cloned. */
export interface OpenedJob {
  readonly job: Job;
  readonly commit: string;
  /** Done when it may run. */
  install(): Promise<void>;
  /** Done at the end. */
  close(): Promise<void>;
}

/** A line of the log. */
export type Tell = (line: Omit<LogLine, "time" | "runId">) => void;

type Say = (level: "info" | "warn", message: string) => void;

/** What is left to do at a run's end may take no longer, in milliseconds: a store that doesn't answer must not keep it. */
const farewellMs = 30_000;

/** Runs it; gives the exit code. A run that could not begin has a record and a line in the log too. */
export async function runJob(given: Job, signal: AbortSignal): Promise<number> {
  let job = given;
  let opened: OpenedJob | undefined;
  const startedAt = new Date();
  const log = openLog(job.log);
  const { runId } = job.request;
  let masker = createMasker(hiddenValues(job.context));
  const write: Tell = (line) =>
    log.sink.write(maskLine({ time: new Date().toISOString(), runId, ...line }, masker.mask));
  const say: Say = (level, message) => write({ level, message });
  for (const warning of job.warnings ?? []) say("warn", warning);
  let record: RunRecord;
  let lease: HeldLease | undefined;
  let storeFailed = false;
  try {
    opened = await given.open?.({ signal, say });
    job = opened?.job ?? given;
    masker = createMasker([...hiddenValues(given.context), ...hiddenValues(job.context)]);
    const admission = await admitted(job, signal, say);
    if (admission.kind === "run") {
      lease = admission.lease;
      await opened?.install();
      record = await runProject(job.spec, job.request, { ...job.context, log: log.sink, signal });
    } else {
      const { status, exitCode, reason } = admission;
      record = { ...emptyRecord(job.request, startedAt), status, exitCode, reason };
      write({
        level: status === "skipped" ? "info" : "error",
        message: `run: ${status}: ${reason}`,
        ...runEnd(record),
      });
    }
  } catch (error) {
    record = notRun(job.request, startedAt, error, masker);
    storeFailed = error instanceof UserError && error.code === "artifact-store";
    write({ level: "error", message: record.error ?? "", ...runEnd(record) });
    if (!(error instanceof UserError)) console.error(masker.mask(inspect(error)));
  }
  if (opened !== undefined) record = { ...record, commit: opened.commit };
  const bye = async () => {
    await lease?.end(record.status);
    if (!storeFailed) await job.keep?.(record, write);
  };
  await within(farewellMs, bye()).catch((error: unknown) => {
    say("warn", `the run's record could not be stored: ${describe(error)}`);
  });
  await opened?.close();
  await log.close();
  if (job.recordFile !== undefined) writeAtomically(job.recordFile, `${JSON.stringify(record)}\n`);
  return record.exitCode;
}

type Admitted =
  | { readonly kind: "run"; readonly lease?: HeldLease }
  | {
      readonly kind: "none";
      readonly status: "skipped" | "stopped";
      readonly exitCode: number;
      readonly reason: string;
    };

async function admitted(job: Job, signal: AbortSignal, say: Say): Promise<Admitted> {
  try {
    const admission = await job.admit?.({ signal, say });
    if (admission === undefined) return { kind: "run" };
    if (admission.kind === "run") return admission;
    return { kind: "none", status: "skipped", exitCode: ExitCode.ok, reason: admission.reason };
  } catch (error) {
    if (!signal.aborted) throw error;
    const exitCode = signal.reason === "SIGINT" ? ExitCode.interrupted : ExitCode.terminated;
    const reason = `the run was stopped by ${String(signal.reason)} before it began`;
    return { kind: "none", status: "stopped", exitCode, reason };
  }
}

/** @throws UserError `artifact-store` when it takes longer */
async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new UserError(`the store didn't answer within ${ms / 1000} s`, { code: "artifact-store" }));
    }, ms);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Of a run that was stopped before it began. */
const stoppedCodes: ReadonlySet<number> = new Set([ExitCode.interrupted, ExitCode.terminated]);

/** The record of a run that could not begin, or of a bug of ours. */
function notRun(request: RunRequest, startedAt: Date, error: unknown, { mask }: Masker): RunRecord {
  const exitCode = error instanceof UserError ? error.exitCode : ExitCode.failed;
  return {
    ...emptyRecord(request, startedAt),
    status: stoppedCodes.has(exitCode) ? "stopped" : "failure",
    exitCode,
    error: mask(describe(error)),
  };
}

/** What a run's last line says in its fields. */
function runEnd(record: RunRecord): Partial<LogLine> {
  const { status, exitCode, durationMs, error, reason } = record;
  return {
    event: "run.end",
    status,
    exitCode,
    durationMs,
    summary: runSummary({ ...record, error: error ?? reason }),
    ...(error === undefined ? {} : { error }),
  };
}

function emptyRecord({ runId }: RunRequest, startedAt: Date) {
  return {
    schemaVersion: 1,
    runId,
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
    tasks: [],
    metrics: {},
  } as const;
}

/** All that an error says to a user, in one text. */
export function describe(error: unknown): string {
  if (!(error instanceof UserError))
    return `internal error: ${error instanceof Error ? error.message : error}`;
  const details = error.diagnostics.map((found) => {
    const place = formatLocation(found.location);
    return `\n${place === "" ? "" : `${place}: `}${found.message}${found.hint === undefined ? "" : ` (${found.hint})`}`;
  });
  return `${error.message}${error.hint === undefined ? "" : `. ${error.hint}`}${details.join("")}`;
}

function openLog({ format, file }: Job["log"]): { readonly sink: LogSink; close(): Promise<void> } {
  const fd = file === undefined ? 1 : openLogFile(file);
  const color = file === undefined && process.stdout.isTTY === true;
  const sink = format === "text" ? createTerminalLog({ fd }, { color }) : createJsonLog({ fd });
  return {
    sink,
    async close() {
      await sink.close();
      if (file !== undefined) closeSync(fd);
    },
  };
}

function openLogFile(file: string): number {
  mkdirSync(dirname(file), { recursive: true });
  return openSync(file, "a", 0o600);
}

function writeAtomically(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.tmp`;
  writeFileSync(temporary, text, { mode: 0o600 });
  renameSync(temporary, file);
}
