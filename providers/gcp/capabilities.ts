import { no, yes } from "../capability.js";
import type { Capability, CapabilityName } from "../contract.js";

/** The Google Cloud column of the capability table in DESIGN.md. */
export const capabilities: Readonly<Record<CapabilityName, Capability>> = {
  job: yes("a Cloud Run job, one task at a time"),
  resources: yes(
    "1, 2, 4, 6 or 8 vCPU with up to 32 GiB, rounded up; there is no disk: files are kept in memory, and a request for disk is not",
  ),
  schedule: yes("a job of Cloud Scheduler, which tries a start that fails twice more"),
  timezone: yes(
    "Cloud Scheduler, in the schedule's own time zone; at a change of clocks it goes by the wall clock",
  ),
  "cron-or-days": yes("one schedule: Cloud Scheduler has unix's rule"),
  "schedule-overrides": yes(
    "overrides of arguments and environment in the request that starts the job or the workflow",
  ),
  "scheduled-at": yes(
    "Cloud Scheduler doesn't tell: the runner takes the schedule's latest fire time, of a flow that at its workflow's start",
  ),
  overlap: yes(
    "a lease in the Cloud Storage bucket of the artifacts: a container that finds it taken ends with 0; all jobs of a flow share one",
  ),
  pause: yes("the Scheduler's job is paused"),
  dag: yes("a workflow of Workflows runs jobs level by level, those of a level beside each other"),
  retries: yes(
    "the runner retries tasks; with granularity task the workflow retries jobs, and the runner doesn't",
  ),
  timeout: yes("the runner; Cloud Run's own limit is 2 minutes behind it, at most 168 hours"),
  trigger: yes(
    "a Pub/Sub topic starts a workflow, which runs the job with the message; a message of more than 32 KiB goes to the dead letters",
  ),
  "trigger-concurrency": no(
    "a run starts for each message at once: neither Eventarc nor Workflows can be told to hold back",
  ),
  "dead-letter": yes(
    "the workflow publishes the message of a failed run to a topic, whose subscription keeps it 7 days",
  ),
  artifacts: yes("a Cloud Storage bucket"),
  bucket: yes("a Cloud Storage bucket"),
  table: yes("a collection in a Firestore database of the deployment's own"),
  secrets: yes("Secret Manager; the job's variables refer to the latest version"),
  logs: yes(
    "Cloud Logging, which keeps 30 days; for longer a copy goes to a log bucket of the deployment's own",
  ),
  "alert-success": yes(
    "Cloud Monitoring, on the runner's last line, whose sentence it passes on: a run that was skipped is not told of",
  ),
  "alert-failure": yes(
    "Cloud Monitoring, on executions that failed, which those that timed out are as well; with granularity task on the workflow's, after the last retry",
  ),
  "alert-timeout": yes(
    "Cloud Monitoring, on the runner's last log line; who is told of failures, and everybody with granularity task, is told of a time-out as a failure",
  ),
  "alert-missed": yes("Cloud Monitoring, on Cloud Scheduler's log, at the first attempt that fails"),
  email: yes("a notification channel of Cloud Monitoring"),
  webhook: yes("Cloud Monitoring starts a workflow that sends the request"),
  command: no("nothing of the deployment's own is there to run it: use a webhook"),
  "network-nat": yes("a network with Cloud NAT and one fixed address, by direct VPC egress"),
  "network-existing": yes("direct VPC egress into the subnetwork, with security groups as network tags"),
  image: yes("Artifact Registry, by digest; images older than 30 days go, but for the latest 10"),
  identity: yes("a service account for each job, with roles on its secrets and stores"),
  spot: no("Cloud Run has no interruptible capacity"),
  arm64: no("Cloud Run runs x86_64 alone"),
  "git-source": yes("the container clones it at its start, from an image without a project"),
};
