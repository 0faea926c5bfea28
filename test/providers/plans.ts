/** Plans for the tests of all platforms, made from YAML as a user's are. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { contentHash } from "../../model/content.js";
import { loadProject } from "../../model/load.js";
import { planDeployment } from "../../model/plan.js";
import { type DeployPlan, type Platform, type StackSettings, stackSettings } from "../../model/plan-types.js";

/** Where each cloud's test stack is; no account has these. */
const places: Readonly<Record<Platform, Partial<StackSettings>>> = {
  local: {},
  aws: { region: "us-east-1" },
  gcp: { region: "us-central1", gcpProject: "my-project" },
  azure: { region: "eastus" },
};

/** Settings of client-a's stack prod: complete for the cloud, so that `check` has nothing to say about them. */
export function sampleSettings(cloud: Platform, overrides: Partial<StackSettings> = {}): StackSettings {
  return stackSettings({
    stack: "prod",
    client: "client-a",
    projectDir: "/repository/projects/fx",
    ...places[cloud],
    ...overrides,
    cloud,
  });
}

/**
 * The plan of a project that is given as text, and of further files in its folder. The plan's `projectDir` is that of
 * `sampleSettings`, so that the same text gives the same plan.
 * @throws Error with what `loadProject` finds wrong
 */
export function planOf(
  yaml: string,
  cloud: Platform,
  overrides: Partial<StackSettings> = {},
  files: Readonly<Record<string, string>> = {},
): DeployPlan {
  const dir = mkdtempSync(join(tmpdir(), "handoff-plan-"));
  try {
    for (const [name, content] of Object.entries({ ...files, "project.yml": yaml })) {
      mkdirSync(dirname(join(dir, name)), { recursive: true });
      writeFileSync(join(dir, name), content);
    }
    const { project, diagnostics } = loadProject(dir);
    if (!project || diagnostics.some(({ severity }) => severity === "error")) {
      throw new Error(`the test's project is invalid: ${JSON.stringify(diagnostics, null, 2)}`);
    }
    return planDeployment(project, sampleSettings(cloud, overrides), contentHash(dir));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const sampleYaml = `version: 1
name: fx
tasks:
- name: fetch
  pipeline:
  - command: curl -s https://example.com/rates
  - command: wc -l
schedules:
- name: daily
  cron: "0 6 * * *"
  timezone: Europe/Paris
`;

/** A small project: one pipeline, one schedule. */
export function samplePlan(cloud: Platform, overrides: Partial<StackSettings> = {}): DeployPlan {
  return planOf(sampleYaml, cloud, overrides);
}

export interface FullPlanOptions extends Partial<StackSettings> {
  /** Default `project`. */
  readonly granularity?: "project" | "task";
}

/** Every feature of the model that can be in one project; valid on every platform (warnings aside). */
export function fullPlan(cloud: Platform, options: FullPlanOptions = {}): DeployPlan {
  const { granularity = "project", ...overrides } = options;
  const secretKeys = ["API_KEY", "DB_URL", "SLACK_URL"];
  return planOf(fullYaml(granularity), cloud, { secretKeys, ...overrides }, { "files/tap.json": "{}\n" });
}

function fullYaml(granularity: "project" | "task"): string {
  return `version: 1
name: fx-rates
description: Daily exchange rates
installs:
- {venv: tap, command: pip install tap-x}
vars:
  base: USD
envs:
- {key: TITLE, value: "Rates of the day"}
- {key: DB_URL}
secrets:
- {key: API_KEY, file: files/key.json}
- {key: DB_URL}
- {key: SLACK_URL}
artifacts:
  keep: [state.json, "out/*.csv"]
stores:
- {name: rates, kind: table}
- {name: raw-files, kind: bucket}
tasks:
- name: extract
  description: From the source
  timeout: 10m
  retries: {max: 3, delay: 60s, backoff: 2}
  resources: {cpu: 1, memory: 2Gi, disk: 2Gi}
  pipeline:
  - {command: tap-x, args: --config files/tap.json, venv: tap}
  - fork:
    - {name: wide, pipeline: [{command: wc -c}]}
    - {name: long, pipeline: [{command: "python3 files/long.py {{ base }}"}]}
- name: reference
  timeout: 5m
  commands:
  - {command: "curl -s https://example.com/currencies"}
- name: load
  depends_on: [extract, reference]
  envs: {TARGET: warehouse}
  timeout: 1h
  commands:
  - {command: "load --table {{ base }}"}
- name: report
  depends_on: [load]
  timeout: 5m
  retries: {max: 0}
  pipeline:
  - {command: "echo done"}
- name: retired
  active: false
  pipeline:
  - {command: "echo never"}
deploy:
  granularity: ${granularity}
  resources: {cpu: 0.5, memory: 1Gi}
  timeout: 2h
  retries: {max: 1, delay: 30s}
schedules:
- name: nightly
  description: Everything, at night
  cron: "0 2 * * *"
  timezone: Europe/Paris
- name: weekdays
  cron: "30 6 ? * MON-FRI *"
  timezone: America/New_York
  tasks: [load, report]
  vars: {base: "EUR & \\"GBP\\"", note: "it's {{ scheduled_at }}"}
  envs: {MODE: "full refresh", EMPTY: ""}
- name: first-or-monday
  cron: "15 6 1 * MON"
  timezone: Asia/Tokyo
  tasks: [extract, reference]
- name: often
  cron: "*/10 8-18 * * 1-5"
  overlap: allow
  catch_up: true
  tasks: [load, report]
- name: paused
  cron: "0 12 1 */3 *"
  enabled: false
triggers:
- {name: orders, queue: {}, tasks: [load, report], max_concurrency: 5}
- {name: any, queue: {}}
notifications:
- {on: [success, failure, timeout, missed], email: data@example.com}
- {on: [success, failure, timeout, missed], webhook: {secret: SLACK_URL}}
- {on: [failure], webhook: {url: "https://hooks.example.com/fx"}}
- {on: [failure], command: "logger failed"}
`;
}

/** What the schedule `weekdays` of these plans puts between `run` and its tasks. */
export const weekdaysOptions = [
  "-v",
  'base=EUR & "GBP"',
  "-v",
  "note=it's {{ scheduled_at }}",
  "-e",
  "MODE=full refresh",
  "-e",
  "EMPTY=",
] as const;
