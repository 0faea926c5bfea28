import { no, yes } from "../capability.js";
import type { Capability, CapabilityName } from "../contract.js";

/** The local column of the capability table in DESIGN.md. */
export const capabilities: Readonly<Record<CapabilityName, Capability>> = {
  job: yes("a record, run by the agent as processes, or with `handoff:engine: docker` in a container"),
  resources: yes(
    "with `handoff:engine: docker` the container's cpu and memory are limited, to what the tasks that can run at the same time need together; disk is not. Processes may use the whole machine",
  ),
  schedule: yes("the agent"),
  timezone: yes("the agent, in the schedule's own time zone"),
  "cron-or-days": yes("one schedule"),
  "schedule-overrides": yes("the run's request names the schedule"),
  "scheduled-at": yes("the fire time"),
  overlap: yes("the agent starts none, and records the time as skipped"),
  pause: yes("a marker file beside the schedule's record"),
  dag: yes("the runner orders the tasks of one job"),
  retries: yes("the runner retries a failed task; the agent starts a run again whose runner died"),
  timeout: yes("the runner"),
  trigger: yes("a folder as queue"),
  "trigger-concurrency": yes("the agent"),
  "dead-letter": yes("`.failed/` in the queue"),
  artifacts: yes("a folder"),
  bucket: yes("a folder"),
  table: yes("an SQLite file"),
  secrets: yes("a file that only the owner can read"),
  logs: yes("files"),
  "alert-success": yes("the agent, at the end of the run"),
  "alert-failure": yes("the agent, after the last attempt"),
  "alert-timeout": yes("the agent, after the last attempt"),
  "alert-missed": yes("the agent, when it finds a fire time that passed while it was down"),
  email: no("this machine has no mail service: use a webhook or a command"),
  webhook: yes("an HTTP request by the agent"),
  command: yes("a shell command started by the agent"),
  "network-nat": no("jobs use the machine's own network"),
  "network-existing": no("jobs use the machine's own network"),
  image: yes(
    "with `handoff:engine: docker`: made by `up`, by the user's Docker, or one that is there. Processes need none: the project's folder is copied",
  ),
  identity: no("jobs run as the user of the agent"),
  spot: no("there is nothing to interrupt"),
  arm64: no("jobs run on the machine's own processor"),
  "git-source": yes("the run clones it at its start"),
};
