/** The records that the provider plugin wrote, and which folders have changed since the last look. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { deploymentPaths, readJson } from "../home.js";
import type { JobRecord, ScheduleRecord, TriggerRecord } from "../records.js";

/** A folder changed this recently may change again without its time stamp showing it. */
const stampGranularityMs = 100;

function names(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir).filter((name) => !name.startsWith(".")) : [];
}

function records<T>(dir: string, log: (line: string) => void): { file: string; record: T }[] {
  const found: { file: string; record: T }[] = [];
  for (const name of names(dir).filter((file) => file.endsWith(".json"))) {
    const file = join(dir, name);
    try {
      const record = readJson<T>(file);
      if (record !== undefined) found.push({ file, record });
    } catch (error) {
      // One damaged record must not stop the others.
      log(error instanceof Error ? error.message : String(error));
    }
  }
  return found;
}

/** Deployments under a home, as folder names. */
export function deploymentFolders(home: string): string[] {
  return names(join(home, "deployments"));
}

export function readJob(home: string, deployment: string, job: string): JobRecord | undefined {
  return readJson<JobRecord>(deploymentPaths(home, deployment).job(job));
}

export function readJobs(home: string, deployment: string): JobRecord[] {
  return records<JobRecord>(deploymentPaths(home, deployment).jobs, () => {}).map(({ record }) => record);
}

export interface FoundSchedule {
  readonly record: ScheduleRecord;
  readonly paused: boolean;
  /** When `up` last wrote it: no time before that is owed. */
  readonly writtenAt: Date;
}

/** Schedules of one folder under `deployments/`. */
export function readSchedules(home: string, folder: string, log: (line: string) => void): FoundSchedule[] {
  const dir = join(home, "deployments", folder, "schedules");
  return records<ScheduleRecord>(dir, log).map(({ file, record }) => ({
    record,
    paused: existsSync(file.replace(/\.json$/, ".paused")),
    writtenAt: statSync(file).mtime,
  }));
}

export function readTriggers(home: string, folder: string, log: (line: string) => void): TriggerRecord[] {
  return records<TriggerRecord>(join(home, "deployments", folder, "triggers"), log).map(
    ({ record }) => record,
  );
}

/** Says whether anything was deployed, removed, paused or resumed since it was last asked. One `stat` a folder. */
export function changeDetector(home: string, now: () => Date): () => boolean {
  let seen = "";
  return () => {
    const stamps: string[] = [];
    let recent = false;
    for (const folder of deploymentFolders(home)) {
      for (const kind of ["schedules", "triggers"]) {
        const stat = statSync(join(home, "deployments", folder, kind), { throwIfNoEntry: false });
        if (!stat) continue;
        stamps.push(`${folder}/${kind}/${stat.mtimeMs}`);
        if (Math.abs(now().getTime() - stat.mtimeMs) < stampGranularityMs) recent = true;
      }
    }
    const current = stamps.join("\n");
    const changed = current !== seen;
    seen = recent ? "" : current;
    return changed;
  };
}
