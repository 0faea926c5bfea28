/** The runner as a process: the image's entry point, and what the local platform's agent starts. */
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { ExitCode, formatLocation, UserError } from "../../model/diagnostic.js";
import type { RunRecord, RunRequest, RunSpec } from "../../model/run.js";
import { installVenvs } from "./install.js";
import { createJsonLog, createTerminalLog, type LogSink } from "./log.js";
import { runProject } from "./run.js";

const usage = `usage:
  runner run --spec FILE --request FILE --code DIR --work DIR --venvs DIR --record FILE
             [--artifacts DIR] [--secrets-dir DIR] [--stores JSON] [--log FILE] [--log-format json|text]
             [--grace SECONDS]
  runner install --spec FILE --venvs DIR`;

const optionNames = {
  spec: { type: "string" },
  request: { type: "string" },
  code: { type: "string" },
  work: { type: "string" },
  venvs: { type: "string" },
  artifacts: { type: "string" },
  "secrets-dir": { type: "string" },
  stores: { type: "string" },
  record: { type: "string" },
  log: { type: "string" },
  "log-format": { type: "string" },
  grace: { type: "string" },
} as const;

type Options = { readonly [name in keyof typeof optionNames]?: string | undefined };

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args);
  const [command] = positionals;
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => stop.abort(signal));
  if (command === "run") return run(values, stop.signal);
  if (command === "install") return install(values, stop.signal);
  throw new UserError(command === undefined ? "no command given" : `unknown command ${command}`, {
    code: "usage",
    hint: usage,
  });
}

function parse(args: readonly string[]): { values: Options; positionals: string[] } {
  try {
    return parseArgs({ args: [...args], options: optionNames, allowPositionals: true });
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error), {
      code: "usage",
      hint: usage,
    });
  }
}

async function install(options: Options, signal: AbortSignal): Promise<number> {
  const spec = readJson<RunSpec>(need(options, "spec"));
  await installVenvs(spec.project.installs, need(options, "venvs"), {
    log: (line) => process.stderr.write(`${line}\n`),
    env: process.env,
    cwd: process.cwd(),
    signal,
  });
  return ExitCode.ok;
}

async function run(options: Options, signal: AbortSignal): Promise<number> {
  const spec = readJson<RunSpec>(need(options, "spec"));
  const request = readJson<RunRequest>(need(options, "request"));
  const recordFile = need(options, "record");
  const startedAt = new Date();
  const log = openLog(options);
  let record: RunRecord;
  try {
    record = await runProject(spec, request, {
      codeDir: need(options, "code"),
      workDir: need(options, "work"),
      venvsDir: need(options, "venvs"),
      artifactsDir: options.artifacts ?? null,
      secrets: await readSecrets(options["secrets-dir"]),
      baseEnv: inherited(),
      log: log.sink,
      signal,
      stores: parseStores(options.stores),
      ...(options.grace === undefined ? {} : { graceMs: Number(options.grace) * 1000 }),
    });
  } catch (error) {
    record = notRun(request, startedAt, error);
    const time = new Date().toISOString();
    log.sink.write({
      time,
      level: "error",
      runId: request.runId,
      event: "run.end",
      message: record.error ?? "",
    });
    if (!(error instanceof UserError)) console.error(error);
  }
  await log.close();
  writeAtomically(recordFile, `${JSON.stringify(record)}\n`);
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

function describe(error: unknown): string {
  if (!(error instanceof UserError))
    return `internal error: ${error instanceof Error ? error.message : error}`;
  const details = error.diagnostics.map((found) => {
    const place = formatLocation(found.location);
    return `\n${place === "" ? "" : `${place}: `}${found.message}${found.hint === undefined ? "" : ` (${found.hint})`}`;
  });
  return `${error.message}${error.hint === undefined ? "" : `. ${error.hint}`}${details.join("")}`;
}

function openLog(options: Options): { readonly sink: LogSink; close(): Promise<void> } {
  const file = options.log;
  const fd = file === undefined ? 1 : openLogFile(file);
  const color = file === undefined && process.stdout.isTTY === true;
  const sink =
    options["log-format"] === "text" ? createTerminalLog({ fd }, { color }) : createJsonLog({ fd });
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

/** One file a secret; its name is the key. The value is the file's content, as it is. */
async function readSecrets(dir: string | undefined): Promise<Map<string, string>> {
  if (dir === undefined) return new Map();
  const names = (await readdir(dir, { withFileTypes: true })).filter((entry) => entry.isFile());
  const entries = names.map(async ({ name }) => [name, await readFile(join(dir, name), "utf8")] as const);
  return new Map(await Promise.all(entries));
}

function parseStores(text: string | undefined): Record<string, string> {
  if (text === undefined) return {};
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null) {
    throw new UserError("--stores is not a JSON object", { code: "usage", hint: usage });
  }
  return Object.fromEntries(Object.entries(value).map(([name, location]) => [name, String(location)]));
}

function inherited(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function need(options: Options, name: keyof Options): string {
  const value = options[name];
  if (value === undefined) throw new UserError(`--${name} is missing`, { code: "usage", hint: usage });
  return value;
}

function readJson<T>(file: string): T {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as T;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`${file} can't be read as JSON: ${reason}`, { code: "unreadable" });
  }
}

function writeAtomically(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.tmp`;
  writeFileSync(temporary, text, { mode: 0o600 });
  renameSync(temporary, file);
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(error instanceof UserError ? `error: ${describe(error)}\n` : `${String(error)}\n`);
    process.exit(error instanceof UserError ? error.exitCode : ExitCode.failed);
  },
);
