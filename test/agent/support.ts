/** A home laid out as the provider plugin would, with a runner that only says that it ran. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Notification, Project, Retries, Schedule, Task } from "../../model/project.js";
import type { RunRequest } from "../../model/run.js";
import {
  type DeploymentPaths,
  deploymentPaths,
  makeDir,
  writeFileAtomic,
  writeJson,
} from "../../providers/local/home.js";
import type {
  ContainerRecord,
  JobRecord,
  ScheduleRecord,
  TriggerRecord,
} from "../../providers/local/records.js";

export const fakeRunner = [process.execPath, fileURLToPath(new URL("fake-runner.mjs", import.meta.url))];
export const deployment = "fx-dev";

export interface FakeJob {
  /** Milliseconds that a run takes, how it ends, or that the runner is killed without a record. */
  readonly fake?: { ms?: number; status?: "failure"; die?: boolean; dieOnce?: boolean };
  readonly retries?: Retries;
  readonly timeoutSeconds?: number;
  /** For the real runner. */
  readonly tasks?: readonly Task[];
  readonly notifications?: readonly Notification[];
  /** In a container of this image; the secrets' values are written, too. */
  readonly container?: ContainerRecord;
  readonly secrets?: Readonly<Record<string, string>>;
  /** What else the project has. */
  readonly project?: Partial<Project>;
}

export class Home {
  readonly root: string;
  readonly journal: string;
  readonly paths: DeploymentPaths;

  constructor(name = "handoff-agent-") {
    this.root = mkdtempSync(join(tmpdir(), name));
    this.journal = join(this.root, "journal");
    this.paths = deploymentPaths(this.root, deployment);
  }

  job(options: FakeJob = {}): void {
    const { fake = {}, retries, timeoutSeconds, tasks = [], notifications = [] } = options;
    const { container, secrets = {} } = options;
    const project: Project = {
      dialect: "1",
      name: "fx",
      installs: [],
      vars: { fake: JSON.stringify(fake), journal: this.journal },
      envs: {},
      secretEnvs: [],
      secrets: [],
      artifacts: { keep: ["artifacts/**"], pushOnFail: false },
      stores: [],
      tasks,
      deploy: {
        granularity: "project",
        source: { kind: "image" },
        resources: {},
        legacy: {},
        ...(retries ? { retries } : {}),
      },
      schedules: [],
      triggers: [],
      notifications: [],
      ...options.project,
    };
    for (const [key, value] of Object.entries(secrets)) writeFileAtomic(this.paths.secret(key), value);
    const record: JobRecord = {
      schemaVersion: 1,
      deployment,
      stack: "dev",
      client: "client-a",
      name: "fx",
      tasks: ["load"],
      codeDir: this.root,
      venvsDir: "",
      spec: { schemaVersion: 1, project },
      ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
      notifications,
      secretKeys: Object.keys(secrets),
      ...(container ? { container } : {}),
    };
    writeJson(this.paths.job("fx"), record);
  }

  schedule(name: string, cron: string, more: Partial<Schedule> = {}): void {
    const record: ScheduleRecord = {
      schemaVersion: 1,
      deployment,
      job: "fx",
      schedule: {
        name,
        cron,
        timezone: "UTC",
        tasks: [],
        envs: {},
        vars: {},
        enabled: true,
        overlap: "skip",
        catchUp: false,
        ...more,
      },
    };
    writeJson(this.paths.schedule(name), record);
  }

  trigger(name: string, maxConcurrency: number): void {
    const record: TriggerRecord = {
      schemaVersion: 1,
      deployment,
      job: "fx",
      name,
      tasks: [],
      maxConcurrency,
    };
    writeJson(this.paths.trigger(name), record);
    makeDir(this.paths.queue(name));
  }

  /** What the fake runner was started with, in order. */
  started(): (RunRequest & { pid: number })[] {
    if (!existsSync(this.journal)) return [];
    return readFileSync(this.journal, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as RunRequest & { pid: number });
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Waits for something to become true; fails, saying what, after `ms`. */
export async function until(what: string, condition: () => boolean, ms = 20_000): Promise<void> {
  const end = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(20);
  }
}
