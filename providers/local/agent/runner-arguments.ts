/** The runner's arguments for a run of the agent's (runner-image/src/files.ts): the same for a process and a container. */
import { join, relative } from "node:path";
import { fileName, type RunPaths } from "../home.js";
import type { JobRecord } from "../records.js";

/** Folders as the runner sees them: on this machine, or in its container. */
export interface RunnerPlaces {
  /** Of the run: request, spec, log, record and workspace. */
  readonly run: string;
  readonly code: string;
  readonly venvs: string;
  readonly artifacts: string;
  /** One file a secret; undefined when the deployment has none. */
  readonly secrets: string | undefined;
  readonly stores: string;
  /** For runs that clone their project; undefined: nothing is kept for the next. */
  readonly cache?: string;
}

/** @param graceSeconds that the runner's children get between SIGTERM and SIGKILL */
export function runnerArguments(
  { job, paths }: { readonly job: JobRecord; readonly paths: RunPaths },
  places: RunnerPlaces,
  graceSeconds: number,
): string[] {
  const seen = (file: string) => join(places.run, relative(paths.root, file));
  return [
    "run",
    ["--spec", seen(paths.spec)],
    ["--request", seen(paths.request)],
    ["--code", places.code],
    ["--work", seen(paths.workspace)],
    ["--venvs", places.venvs],
    ["--artifacts", places.artifacts],
    places.secrets === undefined ? [] : ["--secrets-dir", places.secrets],
    ["--stores", JSON.stringify(storePlaces(job, places.stores))],
    ["--record", seen(paths.record)],
    ["--log", seen(paths.log)],
    ["--log-format", "json"],
    ["--grace", String(graceSeconds)],
    places.cache === undefined ? [] : ["--cache", places.cache],
  ].flat();
}

function storePlaces(job: JobRecord, stores: string): Record<string, string> {
  return Object.fromEntries(
    job.spec.project.stores.map(({ name, kind }) => [
      name,
      join(stores, kind === "table" ? `${fileName(name)}.sqlite` : fileName(name)),
    ]),
  );
}
