import { no, yes } from "../capability.js";
import type { Capability, CapabilityName } from "../contract.js";

/** The Azure column of the capability table in DESIGN.md. */
export const capabilities: Readonly<Record<CapabilityName, Capability>> = {
  job: yes("a Container Apps job on the Consumption profile"),
  resources: yes("0.25 to 4 vCPU by quarters with 2 GiB each; disk comes with the vCPUs, at most 8 GiB"),
  schedule: yes("a job of its own for each schedule, started by its cron in UTC or by a Logic App"),
  timezone: yes(
    "shifted to UTC where the zone's clocks never change, else a Recurrence of a Logic App in the zone",
  ),
  "cron-or-days": yes("one cron in UTC, or a condition of the Recurrence"),
  "schedule-overrides": yes("in the template of the schedule's own job; a flow is handed them at each start"),
  "scheduled-at": yes("the schedule's latest fire time; a flow is handed it by the Logic App"),
  overlap: yes(
    "a lease in the Blob container of the artifacts: a container that finds it taken ends with 0; all jobs of a flow share one",
  ),
  pause: yes("the schedule's job gets a manual trigger, or its Logic App is disabled"),
  dag: yes("a Logic App for each selection of tasks"),
  retries: yes("the runner retries tasks; with granularity task, the Logic App retries jobs"),
  timeout: yes("the runner, and behind it the job's replicaTimeout"),
  trigger: yes(
    "a storage queue; Azure starts a job for each message, and the runner takes it (HANDOFF_QUEUE); with granularity task a Logic App takes it",
  ),
  "trigger-concurrency": yes("exact: maxExecutions of the job, or the concurrency of the Logic App"),
  "dead-letter": yes(
    "the queue's twin `…-poison`: the runner moves a message there whose run failed; with granularity task the Logic App does",
  ),
  artifacts: yes("a container of a storage account, versioned, with lifecycle"),
  bucket: yes("a container of the storage account"),
  table: yes("Table Storage"),
  secrets: yes("a Key Vault; jobs refer to the secrets by URL, with their identity"),
  logs: yes("a Log Analytics workspace, which keeps them 30 to 730 days"),
  "alert-success": yes(
    "a log alert on the runner's last line, whose sentence it shows; with granularity task on that of the flow's last job",
  ),
  "alert-failure": yes(
    "a log alert that shows the runner's last line or the container's end; with granularity task, a metric of the Logic App",
  ),
  "alert-timeout": yes(
    "a log alert; with granularity task, reported as a failure: a Logic App's run can't tell the two apart",
  ),
  "alert-missed": yes(
    "a log alert that knows the schedule's times: hourly, a quarter of an hour after the time",
  ),
  email: yes("an action group; Azure asks nobody to confirm"),
  webhook: yes(
    "an action group, in Azure's common alert schema, which chat services don't read by themselves",
  ),
  command: no("a shell command needs a machine: use a webhook"),
  "network-nat": yes("a virtual network with a NAT gateway"),
  "network-existing": yes("one subnet that is delegated to Microsoft.App/environments"),
  image: yes(
    "a container registry of the Basic tier; jobs name the image's digest, and a weekly task deletes old ones",
  ),
  identity: yes("a managed identity for each job, with roles on exact resources"),
  spot: no("Container Apps has no interrupted capacity"),
  arm64: no("Container Apps runs linux/amd64 only"),
  "git-source": yes("the container clones it at its start, from an image without a project"),
};
