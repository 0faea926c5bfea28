import type { Diagnostic } from "../../model/diagnostic.js";
import type { DeployPlan, PlannedJob } from "../../model/plan-types.js";
import { scheduleCall } from "../container.js";
import { type Flow, flowFor, flowsOf, isOrchestrated, levelsOf } from "../flows.js";
import { checkSource } from "../git-source.js";
import { capabilities } from "./capabilities.js";
import { checkNotifications } from "./check-notifications.js";
import { checkSettings } from "./check-settings.js";
import { error, info, warning } from "./findings.js";
import { callsOf, flowSource, overrideOf } from "./flows.js";
import { maxTimeoutSeconds } from "./job.js";
import { checkSchedule } from "./schedule.js";
import { roundSize } from "./size.js";
import { triggerSource } from "./triggers.js";
import { jobsPerLevel, maxSourceBytes, sourceText, type WorkflowSource } from "./workflow-source.js";

/** Bytes of what a start changes of a job. Source: the argument of a workflow's execution (Google's API reference). */
export const maxOverrideBytes = 32 * 1024;

/** Jobs of a region. Source: Cloud Run's quotas (docs/cloud-facts.md). */
export const maxJobs = 1000;

/** What Google Cloud can't do of a plan, and what it does in another way. */
export function check(plan: DeployPlan): Diagnostic[] {
  return [
    ...checkSettings(plan),
    ...plan.jobs.flatMap(checkJob),
    ...checkJobs(plan),
    ...plan.schedules.flatMap((schedule) => checkSchedule(schedule)),
    ...checkOverrides(plan),
    ...checkWorkflows(plan),
    ...checkTriggers(plan),
    ...checkNotifications(plan),
    ...checkSource(plan, "Google Cloud"),
  ];
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
