import type { Diagnostic } from "../../model/diagnostic.js";
import type { DeployPlan, PlannedJob } from "../../model/plan-types.js";
import { scheduleCall } from "../container.js";
import { type Flow, flowFor, flowsOf, isOrchestrated } from "../flows.js";
import { capabilities } from "./capabilities.js";
import { callsOf, flowSource, overrideOf } from "./flows.js";
import { maxTimeoutSeconds } from "./job.js";
import { defaultRetentionDays, maxRetentionDays } from "./logs.js";
import { labelKey, labelValue } from "./names.js";
import { checkSchedule } from "./schedule.js";
import { roundSize } from "./size.js";
import { triggerSource } from "./triggers.js";
import {
  jobsPerLevel,
  levelsOf,
  maxSourceBytes,
  sourceText,
  type WorkflowSource,
} from "./workflow-source.js";

/** Bytes of what a start changes of a job. Source: the argument of a workflow's execution (Google's API reference). */
export const maxOverrideBytes = 32 * 1024;

/** Jobs of a region. Source: Cloud Run's quotas (CLOUDS.md). */
export const maxJobs = 1000;

/** What Google Cloud can't do of a plan, and what it does in another way. */
export function check(plan: DeployPlan): Diagnostic[] {
  return [
    ...checkPlace(plan),
    ...checkNetwork(plan),
    ...checkCapacity(plan),
    ...checkTags(plan),
    ...plan.jobs.flatMap(checkJob),
    ...checkJobs(plan),
    ...plan.schedules.flatMap((schedule) => checkSchedule(schedule)),
    ...checkOverrides(plan),
    ...checkWorkflows(plan),
    ...checkTriggers(plan),
    ...checkNotifications(plan),
    ...checkRetention(plan),
  ];
}

const error = (code: string, message: string, hint: string): Diagnostic => ({
  severity: "error",
  code,
  message,
  hint,
});
const warning = (code: string, message: string, hint: string): Diagnostic => ({
  severity: "warning",
  code,
  message,
  hint,
});
const info = (code: string, message: string): Diagnostic => ({ severity: "info", code, message });

function checkPlace({ settings: { gcpProject, region, stack } }: DeployPlan): Diagnostic[] {
  const found: Diagnostic[] = [];
  if (gcpProject === undefined) {
    found.push(
      error(
        "gcp-no-project",
        `stack ${stack} has no project of Google Cloud`,
        `set gcp:project in Pulumi.${stack}.yaml, for example: pulumi config set gcp:project my-project`,
      ),
    );
  } else if (!/^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/.test(gcpProject)) {
    found.push(
      error(
        "gcp-project",
        `\`${gcpProject}\` is no project id of Google Cloud`,
        "write the project's id: 6 to 30 small letters, digits and dashes, neither its name nor its number",
      ),
    );
  }
  if (region === undefined) {
    found.push(
      error(
        "gcp-no-region",
        `stack ${stack} has no Google Cloud region`,
        `set gcp:region in Pulumi.${stack}.yaml, for example: pulumi config set gcp:region us-central1`,
      ),
    );
  } else if (!/^[a-z]+-[a-z]+\d{1,2}$/.test(region)) {
    found.push(
      error(
        "gcp-region",
        `\`${region}\` is no Google Cloud region`,
        "write it as in us-central1, without the zone's letter",
      ),
    );
  }
  return found;
}

function checkNetwork({ settings: { network } }: DeployPlan): Diagnostic[] {
  if (network.mode !== "existing") return [];
  const { subnets } = network;
  const found: Diagnostic[] = [];
  if (subnets.length !== 1) {
    found.push(
      error(
        "gcp-network",
        `handoff:network names ${subnets.length} subnets, and a Cloud Run job has one`,
        "name the one subnetwork of the region",
      ),
    );
  }
  const foreign = [network.vpc ?? "", ...subnets].find(
    (name) => /^(vpc|subnet)-[0-9a-f]{8,}$/.test(name) || name.includes("/providers/Microsoft."),
  );
  if (foreign !== undefined) {
    found.push(
      error(
        "gcp-network",
        `handoff:network names \`${foreign}\`, which is no network of Google Cloud`,
        "write the names of the network and of the subnetwork",
      ),
    );
  }
  return found;
}

/** Kinds of capacity that only another cloud has. */
function checkCapacity({ settings: { spot, architecture } }: DeployPlan): Diagnostic[] {
  return [
    ...(spot
      ? [
          warning(
            "gcp-no-spot",
            `handoff:spot is not used: ${capabilities.spot.how}`,
            "remove handoff:spot from this stack",
          ),
        ]
      : []),
    ...(architecture === "arm64"
      ? [
          warning(
            "gcp-no-arm64",
            `the image is built for x86_64: ${capabilities.arm64.how}`,
            "remove handoff:architecture from this stack",
          ),
        ]
      : []),
  ];
}

function checkTags({ tags }: DeployPlan): Diagnostic[] {
  return Object.entries(tags)
    .filter(([key, value]) => labelKey(key) !== key || labelValue(value) !== value)
    .map(([key, value]) =>
      info(
        "gcp-label",
        `tag ${key}=${value} becomes the label ${labelKey(key)}=${labelValue(value)}: labels have small letters, digits, _ and -`,
      ),
    );
}

function checkJob({ name, resources, timeoutSeconds, attemptSeconds }: PlannedJob): Diagnostic[] {
  const found: Diagnostic[] = [];
  const rounded = roundSize(resources);
  if ("problem" in rounded) {
    found.push(
      error(
        "gcp-size",
        `job ${name}: ${rounded.problem}`,
        "ask for less cpu or memory in `resources`, or use a cloud that has it",
      ),
    );
  } else if (rounded.notes.length > 0) {
    found.push(
      info(
        "gcp-size-rounded",
        `job ${name} gets the next size that Cloud Run has: ${rounded.notes.join(", ")}`,
      ),
    );
  }
  if (resources.diskGiB !== undefined) {
    found.push(
      warning(
        "gcp-disk",
        `job ${name}: no disk of ${resources.diskGiB} GiB: Cloud Run keeps files in memory`,
        "add to `memory` what the files need",
      ),
    );
  }
  const seconds = attemptSeconds ?? timeoutSeconds ?? 0;
  if (seconds > maxTimeoutSeconds) {
    found.push(
      error(
        "gcp-timeout",
        `job ${name}: may take ${seconds} s with its retries, and a Cloud Run job ends after ${maxTimeoutSeconds} s (168 hours)`,
        "set a shorter `timeout` or fewer `retries`, or deploy with granularity: task",
      ),
    );
  }
  return found;
}

function checkJobs({ jobs }: DeployPlan): Diagnostic[] {
  if (jobs.length <= maxJobs) return [];
  return [
    error(
      "gcp-too-many-jobs",
      `${jobs.length} jobs are more than the ${maxJobs} that a region has`,
      "deploy with granularity: project",
    ),
  ];
}

function checkOverrides(plan: DeployPlan): Diagnostic[] {
  return plan.schedules.flatMap((schedule) => {
    const call = (job: PlannedJob) => scheduleCall(plan, job, schedule);
    const jobs = isOrchestrated(plan) ? flowFor(plan, schedule.tasks).jobs : plan.jobs;
    const text = JSON.stringify(
      isOrchestrated(plan) ? { calls: callsOf(jobs, call) } : jobs.map((job) => overrideOf(call(job))),
    );
    const bytes = Buffer.byteLength(text);
    if (bytes <= maxOverrideBytes) return [];
    return [
      error(
        "gcp-override",
        `schedule ${schedule.name}: its vars and envs are ${bytes} bytes for all jobs, and ${maxOverrideBytes} can be given to a run`,
        "put them into a file of the project, or into the project's vars and envs",
      ),
    ];
  });
}

function checkWorkflows(plan: DeployPlan): Diagnostic[] {
  // Names of a project that is not set are of no length that matters.
  const scope = { plan, project: plan.settings.gcpProject ?? "", region: plan.settings.region ?? "" };
  const sources: (readonly [string, WorkflowSource])[] = [
    ...flowsOf(plan).map((flow) => [`flow ${flow.name}`, flowSource(scope, flow)] as const),
    ...plan.triggers.map((trigger) => [`trigger ${trigger.name}`, triggerSource(scope, trigger)] as const),
  ];
  const long = sources.filter(([, source]) => Buffer.byteLength(sourceText(source)) > maxSourceBytes);
  return [
    ...long.map(([name]) =>
      error(
        "gcp-flow-size",
        `${name}: its workflow is longer than the ${maxSourceBytes} bytes that Workflows takes`,
        "deploy fewer tasks, or with granularity: project",
      ),
    ),
    ...flowsOf(plan)
      .filter(isWide)
      .map(({ name }) =>
        error(
          "gcp-flow-size",
          `flow ${name}: more than ${jobsPerLevel} jobs would run beside each other`,
          "give some of them a `depends_on`, or deploy with granularity: project",
        ),
      ),
  ];
}

function isWide({ jobs }: Flow): boolean {
  return levelsOf(jobs).some((level) => level.length > jobsPerLevel);
}

function checkTriggers({ triggers }: DeployPlan): Diagnostic[] {
  return triggers.map(({ name, maxConcurrency }) =>
    warning(
      "gcp-trigger-concurrency",
      `trigger ${name}: max_concurrency ${maxConcurrency} is not kept: ${capabilities["trigger-concurrency"].how}`,
      "send no more messages than may run at a time, or make the task safe to run beside itself",
    ),
  );
}

function checkNotifications(plan: DeployPlan): Diagnostic[] {
  const { notifications, settings } = plan;
  const commands = notifications.filter(({ target }) => target.kind === "command");
  const timeouts = notifications.some(
    ({ on }) => on.includes("timeout") && (isOrchestrated(plan) || on.includes("failure")),
  );
  const unheard =
    isOrchestrated(plan) && notifications.some(({ on }) => on.includes("timeout") && !on.includes("failure"));
  const unset = notifications.flatMap(({ target }) =>
    target.kind === "webhook" && target.secret !== undefined && !settings.secretKeys.includes(target.secret)
      ? [target.secret]
      : [],
  );
  return [
    ...unset.map((key) =>
      warning(
        "gcp-webhook-not-set",
        `the webhook of secret ${key} will not be called: the stack has no value for it`,
        `handoff secrets set ${key} -s ${settings.stack}`,
      ),
    ),
    ...commands.map(() =>
      warning(
        "gcp-no-command",
        `a notification's command is not run: ${capabilities.command.how}`,
        "add a notification with email or webhook for this stack",
      ),
    ),
    ...(unheard
      ? [
          warning(
            "gcp-timeout-not-told",
            "a notification on timeout alone is never sent with granularity: task: a time-out is told as a failure there",
            "add failure to its `on`",
          ),
        ]
      : timeouts
        ? [info("gcp-timeout-is-failure", "a time-out is told as a failure: Cloud Run counts it as one")]
        : []),
  ];
}

function checkRetention({ settings: { logRetentionDays: days } }: DeployPlan): Diagnostic[] {
  if (days < defaultRetentionDays) {
    return [
      info(
        "gcp-retention-rounded",
        `logs are kept ${defaultRetentionDays} days: Cloud Logging has no ${days}`,
      ),
    ];
  }
  if (days <= maxRetentionDays) return [];
  return [
    info("gcp-retention-rounded", `logs are kept ${maxRetentionDays} days: Cloud Logging has no ${days}`),
  ];
}
