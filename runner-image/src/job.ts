/** A run from its start to its record: the same for the agent's files as for a container. */
import { closeSync, mkdirSync, openSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ExitCode, formatLocation, UserError } from "../../model/diagnostic.js";
import type { RunRecord, RunRequest, RunSpec } from "../../model/run.js";
import { createJsonLog, createTerminalLog, type LogSink } from "./log.js";
import { type RunContext, runProject } from "./run.js";

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
}

/** Runs it; gives the exit code. A run that could not begin has a record and a line in the log too. */
export async function runJob(job: Job, signal: AbortSignal): Promise<number> {
  const startedAt = new Date();
  const log = openLog(job.log);
  const { runId } = job.request;
  const say = (level: "warn" | "error", message: string) =>
    log.sink.write({
      time: new Date().toISOString(),
      level,
      runId,
      ...(level === "error" ? { event: "run.end" as const } : {}),
      message,
    });
  for (const warning of job.warnings ?? []) say("warn", warning);
  let record: RunRecord;
  try {
    record = await runProject(job.spec, job.request, { ...job.context, log: log.sink, signal });
  } catch (error) {
    record = notRun(job.request, startedAt, error);
    say("error", record.error ?? "");
    if (!(error instanceof UserError)) console.error(error);
  }
  await log.close();
  if (job.recordFile !== undefined) writeAtomically(job.recordFile, `${JSON.stringify(record)}\n`);
  return record.exitCode;
}

/** The record of a run that could not begin, or of a bug of ours. */
function notRun(request: RunRequest, startedAt: Date, error: unknown): RunRecord {
  return {
    schemaVersion: 1,
    runId: request.runId,
    status: "failure",
    exitCode: error instanceof UserError ? error.exitCode : ExitCode.failed,
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
    tasks: [],
    metrics: {},
    error: describe(error),
  };
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
