/** A run as the agent starts it: everything is in files that the arguments name. */
import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { UserError } from "../../model/diagnostic.js";
import type { GitSource } from "../../model/project.js";
import type { RunRequest, RunSpec } from "../../model/run.js";
import type { Job } from "./job.js";
import { openJob } from "./source/open-job.js";

export const filesUsage = `usage:
  run --spec FILE --request FILE --code DIR --work DIR --venvs DIR --record FILE
      [--artifacts DIR] [--secrets-dir DIR] [--stores JSON] [--log FILE] [--log-format json|text]
      [--grace SECONDS] [--cache DIR]
  install --spec FILE --venvs DIR`;

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
  cache: { type: "string" },
} as const;

export type FileOptions = { readonly [name in keyof typeof optionNames]?: string | undefined };

/** @throws UserError `usage`, with the usage as hint */
export function fileOptions(args: readonly string[]): FileOptions {
  try {
    return parseArgs({ args: [...args], options: optionNames }).values;
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error), {
      code: "usage",
      hint: filesUsage,
    });
  }
}

/** @throws UserError `usage` for an option that is missing, `unreadable` for a file */
export async function jobFromFiles(
  options: FileOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Job> {
  const job: Job = {
    spec: readJson<RunSpec>(need(options, "spec")),
    request: readJson<RunRequest>(need(options, "request")),
    recordFile: need(options, "record"),
    log: {
      format: options["log-format"] === "text" ? "text" : "json",
      ...(options.log === undefined ? {} : { file: options.log }),
    },
    context: {
      codeDir: need(options, "code"),
      workDir: need(options, "work"),
      venvsDir: need(options, "venvs"),
      artifactsDir: options.artifacts ?? null,
      secrets: await readSecrets(options["secrets-dir"]),
      baseEnv: Object.fromEntries(
        Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
      ),
      stores: parseStores(options.stores),
      ...(options.grace === undefined ? {} : { graceMs: Number(options.grace) * 1000 }),
    },
  };
  const { source } = job.spec.project.deploy;
  return source.kind === "git" ? cloned(job, source, options) : job;
}

/** Of the deployment's project stay its schedules; all else is the clone's. */
function cloned(job: Job, source: GitSource, { cache }: FileOptions): Job {
  const { secrets, stores = {}, baseEnv, workDir } = job.context;
  return {
    ...job,
    open: ({ signal, say }) =>
      openJob(
        source,
        {
          dir: join(dirname(workDir), "source"),
          cacheDir: cache ?? join(tmpdir(), "handoff-cache"),
          env: baseEnv,
          secret: (key) => secrets.get(key),
          hasStore: (name) => name in stores,
          log: say,
          signal,
        },
        ({ spec, codeDir, venvsDir }, more) => ({
          ...job,
          spec: { ...spec, project: { ...spec.project, schedules: job.spec.project.schedules } },
          context: { ...job.context, codeDir, venvsDir, baseEnv: { ...baseEnv, ...more } },
        }),
      ),
  };
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
    throw new UserError("--stores is not a JSON object", { code: "usage", hint: filesUsage });
  }
  return Object.fromEntries(Object.entries(value).map(([name, location]) => [name, String(location)]));
}

/** @throws UserError `usage` */
export function need(options: FileOptions, name: keyof FileOptions): string {
  const value = options[name];
  if (value === undefined) throw new UserError(`--${name} is missing`, { code: "usage", hint: filesUsage });
  return value;
}

/** @throws UserError `unreadable` */
export function readJson<T>(file: string): T {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as T;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`${file} can't be read as JSON: ${reason}`, { code: "unreadable" });
  }
}
