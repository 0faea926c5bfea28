/** Alerts: one policy for each kind of event that somebody wants to be told of. */
import type { NotificationEvent } from "../../model/project.js";
import { isOrchestrated } from "../flows.js";
import { type RenderedResource, ref } from "../rendering.js";
import { type Channel, targetId } from "./channels.js";
import { jobsFilter } from "./logs.js";
import { jobName } from "./names.js";
import { gcp } from "./resources.js";
import { namesOf, type Scope } from "./scope.js";

const events = ["failure", "timeout", "missed", "success"] as const satisfies readonly NotificationEvent[];

/** What alerts watch: physical names. */
export interface Watched {
  /** Of workflows whose executions are runs. */
  readonly flows: readonly string[];
  readonly triggers: readonly string[];
  readonly schedules: readonly string[];
}

type Condition =
  /** Happened in the last minutes. */
  | { readonly metric: string }
  /** A log entry. Monitoring takes it only as a policy's one condition. `summary`: it tells how the run ended. */
  | { readonly log: string; readonly summary?: true };

export function alerts(
  scope: Scope,
  channels: ReadonlyMap<string, Channel>,
  watched: Watched,
): RenderedResource[] {
  return events.flatMap((event) => {
    const told = channelsFor(scope, event, channels);
    const conditions = conditionsOf(scope, event, watched);
    if (told.length === 0 || conditions.length === 0) return [];
    return [renderPolicy(scope, event, conditions, told)];
  });
}

/** Who hears of failures hears of time-outs by that: Cloud Run counts them as failures, and nobody is told twice. */
function channelsFor(
  { plan }: Scope,
  event: NotificationEvent,
  channels: ReadonlyMap<string, Channel>,
): Channel[] {
  const { notifications, settings } = plan;
  const wanting = (wanted: NotificationEvent) =>
    notifications
      .filter(({ on }) => on.includes(wanted))
      .map(({ target }) => targetId(target, settings.secretKeys));
  const failures = wanting("failure");
  const ids = wanting(event).filter((id) => event !== "timeout" || !failures.includes(id));
  return [...new Set(ids)].flatMap((id) => {
    const found = id === null ? undefined : channels.get(id);
    return found ? [found] : [];
  });
}

function conditionsOf(scope: Scope, event: NotificationEvent, watched: Watched): Condition[] {
  const orchestrated = isOrchestrated(scope.plan);
  switch (event) {
    case "failure":
      return orchestrated
        ? [failedExecutions([...watched.flows, ...watched.triggers])]
        : [failedRuns(scope), ...(watched.triggers.length > 0 ? [failedExecutions(watched.triggers)] : [])];
    case "success":
      // The runner's own line, which has the run's metrics; one that was skipped did not run.
      return [
        {
          log: `${jobsFilter(scope)} AND jsonPayload.event="${orchestrated ? "flow.end" : "run.end"}" AND jsonPayload.status="success"`,
          summary: true,
        },
      ];
    case "timeout":
      // With a workflow it is an attempt that timed out, and more may follow: only the failure at the end is told.
      return orchestrated ? [] : [{ log: `${jobsFilter(scope)} AND ${timedOut}` }];
    case "missed":
      return watched.schedules.length === 0
        ? []
        : [{ log: `${notStarted} AND ${oneOf("job_id", watched.schedules, ":log")}` }];
  }
}

/** The runner's own last line, or Cloud Run's about its limit (as in public reports of it, read 2026-11-21). */
const timedOut =
  '((jsonPayload.event="run.end" AND jsonPayload.status="timeout") OR textPayload:"reached the maximum timeout")';

/** Scheduler's entry about an attempt that failed (UNCONFIRMED). */
const notStarted = 'resource.type="cloud_scheduler_job" AND severity>=ERROR';

/** Executions of the jobs that failed, whatever they died of. */
function failedRuns({ plan }: Scope): Condition {
  const jobs = plan.jobs.map(({ name }) => jobName(plan, name));
  return {
    metric: [
      'resource.type="cloud_run_job"',
      oneOf("job_name", jobs),
      'metric.type="run.googleapis.com/job/completed_execution_count"',
      'metric.labels.result="failed"',
    ].join(" AND "),
  };
}

/** Executions of workflows that failed. Metric and labels as in several public projects, read 2026-11-21. */
function failedExecutions(workflows: readonly string[]): Condition {
  return {
    metric: [
      'resource.type="workflows.googleapis.com/Workflow"',
      oneOf("workflow_id", workflows),
      'metric.type="workflows.googleapis.com/finished_execution_count"',
      'metric.labels.status="FAILED"',
    ].join(" AND "),
  };
}

/** Filters of Monitoring have `one_of`, those of Logging a list in parentheses. */
function oneOf(label: string, values: readonly string[], language: ":metric" | ":log" = ":metric"): string {
  const quoted = values.map((value) => `"${value}"`);
  const name = `resource.labels.${label}`;
  if (quoted.length === 1) return `${name}=${quoted[0]}`;
  return language === ":log" ? `${name}=(${quoted.join(" OR ")})` : `${name}=one_of(${quoted.join(",")})`;
}

const severities = { failure: "ERROR", timeout: "ERROR", missed: "ERROR", success: undefined } as const;

/** As its variables are called in a policy's documentation (docs/cloud-facts.md). */
const summaryLabel = "summary";
const runLabel = "run";
const extracted = (label: string): string => `\${log.extracted_label.${label}}`;

/** Said to a person, and the `text` of a webhook. */
function sentence({ plan, title }: Scope, event: NotificationEvent): string {
  const log = `Log: handoff logs -s ${plan.settings.stack}`;
  switch (event) {
    case "success":
      return `${title}: ${extracted(summaryLabel)}. ${log} ${extracted(runLabel)}`;
    case "failure":
      return `${title}: failed. ${log}`;
    case "timeout":
      return `${title}: timed out. ${log}`;
    case "missed":
      return `${title}: missed: a schedule could not start its run.`;
  }
}

function renderPolicy(
  scope: Scope,
  event: NotificationEvent,
  conditions: readonly Condition[],
  told: readonly Channel[],
): RenderedResource {
  const { name, parent, project, labels: tags, title } = scope;
  const severity = severities[event];
  const ofLogs = conditions.some((condition) => "log" in condition);
  return gcp(
    "gcp:monitoring/alertPolicy:AlertPolicy",
    name("alert", event),
    parent,
    {
      project,
      displayName: `handoff: ${event} of ${title}`,
      combiner: "OR",
      conditions: conditions.map((condition, index) => ({
        displayName: `${event} ${index + 1}`,
        ...("log" in condition
          ? { conditionMatchedLog: { filter: condition.log, ...labels(condition) } }
          : { conditionThreshold: threshold(condition.metric) }),
      })),
      notificationChannels: told.map(({ channel }) => ref(channel, "name")),
      documentation: {
        content: sentence(scope, event),
        mimeType: "text/markdown",
        // In a subject no variable of a log entry has been seen.
        subject: `${title}: ${subjects[event]}`.slice(0, 200),
      },
      alertStrategy: ofLogs
        ? { autoClose: "1800s", notificationRateLimit: { period: "300s" } }
        : { autoClose: "1800s", notificationPrompts: ["OPENED"] },
      ...(severity === undefined ? {} : { severity }),
      userLabels: { ...tags, "handoff-event": event },
    },
    { dependsOn: namesOf(told.flatMap(({ resources }) => resources)) },
  );
}

const subjects = { success: "succeeded", failure: "failed", timeout: "timed out", missed: "missed" } as const;

/** What the sentence takes out of the entry. */
function labels({ summary }: Extract<Condition, { log: string }>) {
  if (!summary) return {};
  return {
    labelExtractors: {
      [summaryLabel]: "EXTRACT(jsonPayload.summary)",
      [runLabel]: "EXTRACT(jsonPayload.runId)",
    },
  };
}

/** One or more in five minutes. ALIGN_DELTA counts the events of a period; ALIGN_COUNT would count points. */
function threshold(filter: string) {
  return {
    filter,
    aggregations: [{ alignmentPeriod: "300s", perSeriesAligner: "ALIGN_DELTA" }],
    comparison: "COMPARISON_GT",
    thresholdValue: 0,
    duration: "0s",
    trigger: { count: 1 },
  } as const;
}
