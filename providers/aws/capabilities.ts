import { no, yes } from "../capability.js";
import type { Capability, CapabilityName } from "../contract.js";

/** The AWS column of the capability table in DESIGN.md. */
export const capabilities: Readonly<Record<CapabilityName, Capability>> = {
  job: yes("an ECS task definition on Fargate"),
  resources: yes(
    "rounded up to the cheapest Fargate size, up to 16 vCPU, 120 GiB of memory and 200 GiB of disk",
  ),
  schedule: yes("EventBridge Scheduler"),
  timezone: yes("EventBridge Scheduler, in the schedule's own time zone"),
  "cron-or-days": yes(
    "two schedules; a date that matches both starts two runs, of which `overlap: skip` skips the second, also when the first has ended well",
  ),
  "schedule-overrides": yes(
    "the schedule's input overrides the container's command and variables, up to 8,192 characters",
  ),
  "scheduled-at": yes("the fire time, put in by EventBridge Scheduler"),
  overlap: yes(
    "a lease in the S3 bucket of the artifacts: a container that finds it taken ends with 0; all jobs of a flow share one",
  ),
  pause: yes("the schedule's state is DISABLED"),
  dag: yes("Step Functions runs the jobs level by level; a job runs when all that it depends on succeeded"),
  retries: yes(
    "granularity project: the runner retries tasks; granularity task: Step Functions retries jobs",
  ),
  timeout: yes(
    "the runner; behind it Step Functions for triggers and granularity task, as ECS has no limit of its own",
  ),
  trigger: yes("an SQS queue, whose messages EventBridge Pipes hands to a state machine that runs the job"),
  "trigger-concurrency": no(
    "EventBridge Pipes starts a run for each message as it comes: `max_concurrency` isn't enforced",
  ),
  "dead-letter": yes("an SQS queue gets the messages whose run failed, and those that could not start one"),
  artifacts: yes("an S3 bucket: private, encrypted, versioned"),
  bucket: yes("an S3 bucket: private, encrypted, versioned"),
  table: yes("a DynamoDB table with the key `id`, paid by request, with point-in-time recovery"),
  secrets: yes("Secrets Manager; containers get them by reference"),
  logs: yes(
    "CloudWatch Logs, a group for each job; no line is dropped, and retention is rounded up to what exists",
  ),
  "alert-success": yes(
    "an EventBridge rule on the task's end, or on the end of the flow of jobs; what is said comes from the run's own record, and one that was skipped is not told of",
  ),
  "alert-failure": yes(
    "an EventBridge rule on the task's end, or on the end of the flow of jobs, after the last retry; with the run's own error, else what ECS says",
  ),
  "alert-timeout": yes("the runner's exit code 124, or the time-out of Step Functions"),
  "alert-missed": yes("an alarm on calls that EventBridge Scheduler gave up after an hour of tries"),
  email: yes("SNS, by a state machine that reads the run's record; each address has to confirm a mail once"),
  webhook: yes(
    "an EventBridge API destination; the address can be read by who may read the account's EventBridge",
  ),
  command: no("there is no machine to run it on after the run: use a webhook or mail"),
  "network-nat": yes("a VPC of its own with one NAT gateway and private subnets in two zones"),
  "network-existing": yes("the given subnets, which must lead to the internet or to endpoints by themselves"),
  image: yes("ECR, one repository for each deployment; jobs name the digest, old images expire"),
  identity: yes("two IAM roles for each job: one to start it, one that it has"),
  spot: yes("Fargate Spot"),
  arm64: yes("Fargate on Graviton"),
  "git-source": yes("the container clones it at its start, from an image without a project"),
};
