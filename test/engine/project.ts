/** Projects and settings of the engine's tests. */
import { setSecret } from "../../deploy/secrets.js";
import type { Clouds } from "./clouds.js";

export const clouds = ["aws", "gcp", "azure"] as const;
export type CloudName = (typeof clouds)[number];

/** Not in any file but the clouds' own; tests look for it everywhere. */
export const secretValue = "https://hooks.example.com/correct-horse-battery";

const image = `example/handoff@sha256:${"ab".repeat(32)}`;

/** Settings for every cloud: a switch changes one line. */
const settings = (cloud: string) => `config:
  handoff:cloud: ${cloud}
  handoff:image: ${image}
  aws:region: us-east-1
  gcp:project: my-project
  gcp:region: us-central1
  azure-native:location: eastus
`;

/** One task, one schedule, a secret and a store: what fails at every step. */
export const smallProject = `version: 1
name: fx
secrets:
- {key: API_KEY}
stores:
- {name: raw, kind: bucket}
tasks:
- name: fetch
  commands:
  - {command: echo hello}
schedules:
- {name: daily, cron: "0 6 * * *", tasks: [fetch]}
`;

/** Most of what a project can have. */
export const largeProject = (granularity: "project" | "task") => `version: 1
name: fx
vars: {base: USD}
envs:
- {key: TITLE, value: Rates of the day}
secrets:
- {key: API_KEY}
- {key: SLACK_URL}
artifacts:
  keep: [state.json]
stores:
- {name: rates, kind: table}
- {name: raw, kind: bucket}
tasks:
- name: extract
  timeout: 10m
  retries: {max: 3, delay: 60s, backoff: 2}
  resources: {cpu: 1, memory: 2Gi}
  commands:
  - {command: echo hello}
- name: load
  depends_on: [extract]
  timeout: 1h
  commands:
  - {command: "echo {{ base }}"}
deploy:
  granularity: ${granularity}
  resources: {cpu: 0.5, memory: 1Gi}
  timeout: 2h
schedules:
- {name: nightly, cron: "0 2 * * *", timezone: UTC}
- name: weekdays
  cron: "30 6 * * MON-FRI"
  timezone: America/New_York
  tasks: [extract]
  vars: {base: EUR}
- {name: paused, cron: "0 0 1 * *", enabled: false}
triggers:
- {name: incoming, queue: {}}
notifications:
- {on: [failure, timeout], email: data@example.com}
- {on: [failure], webhook: {secret: SLACK_URL}}
`;

export function configure(repo: Clouds, cloud: string, ...more: string[]): void {
  const secrets = /\n( {2}handoff:secrets:[\s\S]*)$/.exec(repo.read("Pulumi.dev.yaml"))?.[1] ?? "";
  const salt = /^encryptionsalt: .*$/m.exec(repo.read("Pulumi.dev.yaml"))?.[0] ?? "";
  const config = secrets.replace(/^encryptionsalt:.*$\n?/m, "");
  const lines = more.map((line) => `  ${line}\n`).join("");
  repo.write("Pulumi.dev.yaml", `${salt}\n${settings(cloud)}${lines}${config}`);
}

/** Encrypts one value; the other secrets have the same, and cost no further run of the engine. */
export async function setSecrets(repo: Clouds): Promise<void> {
  configure(repo, "aws");
  await setSecret(repo.options, "API_KEY", secretValue);
  const file = repo.read("Pulumi.dev.yaml");
  const entry = /\n( +)API_KEY:\s*\n\s+secure: (\S+)/.exec(file);
  if (!entry) throw new Error(`the engine wrote secrets in another form:\n${file}`);
  const [whole, indent = "", encrypted = ""] = entry;
  repo.write(
    "Pulumi.dev.yaml",
    file.replace(whole, `${whole}\n${indent}SLACK_URL:\n${indent}  secure: ${encrypted}`),
  );
}
