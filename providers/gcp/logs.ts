/** Logs: Cloud Run's go to Cloud Logging by themselves and stay 30 days; for longer, to a log bucket as well. */
import { isOrchestrated } from "../flows.js";
import { type RenderedResource, ref, text } from "../rendering.js";
import { jobName, nameOf } from "./names.js";
import { gcp } from "./resources.js";
import type { Scope } from "./scope.js";

/** Days that the project's own bucket keeps everything. Source: Cloud Logging; UNCONFIRMED. */
export const defaultRetentionDays = 30;

/** Days that a log bucket keeps at most. Source: Cloud Logging; UNCONFIRMED. */
export const maxRetentionDays = 3650;

/** Jobs of the deployment, in the language of Logging's filters. */
export function jobsFilter({ plan }: Scope): string {
  const jobs = plan.jobs.map(({ name }) => `resource.labels.job_name="${jobName(plan, name)}"`);
  return `resource.type="cloud_run_job" AND ${isOrchestrated(plan) ? `(${jobs.join(" OR ")})` : jobs.join("")}`;
}

/** A sink may write to a bucket of its own project without being granted anything (UNCONFIRMED). */
export function logs(scope: Scope): RenderedResource[] {
  const { plan, parent, project, region } = scope;
  const { logRetentionDays } = plan.settings;
  if (logRetentionDays <= defaultRetentionDays) return [];
  const bucket = gcp("gcp:logging/projectBucketConfig:ProjectBucketConfig", scope.name("logs"), parent, {
    bucketId: nameOf(plan, "logBucket"),
    project,
    location: region,
    retentionDays: Math.min(logRetentionDays, maxRetentionDays),
    description: `handoff: logs of ${scope.title}`,
  });
  const sink = gcp("gcp:logging/projectSink:ProjectSink", scope.name("sink"), parent, {
    name: nameOf(plan, "sink"),
    project,
    destination: text`logging.googleapis.com/${ref(bucket, "id")}`,
    filter: jobsFilter(scope),
    description: `handoff: logs of ${scope.title}`,
  });
  return [bucket, sink];
}
