import type { Capability, CapabilityName } from "../contract.js";

const yes = (how: string): Capability => ({ supported: true, how });
const no = (how: string): Capability => ({ supported: false, how });

/** The local column of the capability table in DESIGN.md. */
export const capabilities: Readonly<Record<CapabilityName, Capability>> = {
  job: yes("a record, run by the agent as processes"),
  schedule: yes("the agent, in the schedule's own time zone"),
  pause: yes("a marker file beside the schedule's record"),
  dag: yes("the runner orders the tasks of one job, with their retries"),
  trigger: yes("a folder as queue"),
  artifacts: yes("a folder"),
  bucket: yes("a folder"),
  table: yes("an SQLite file"),
  secrets: yes("a file that only the owner can read"),
  logs: yes("files"),
  email: no("this machine has no mail service: use a webhook or a command"),
  webhook: yes("an HTTP request by the agent"),
  command: yes("a shell command started by the agent"),
  "git-source": no("the project's folder is deployed: a clone at each start needs an image"),
  resources: no("a run may use the whole machine: cpu, memory and disk are not enforced"),
};
