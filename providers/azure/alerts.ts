/**
 * Alerts by e-mail and webhook, once after the last retry. granularity project: the runner retries, and its last line tells
 * the end. granularity task: the Logic App retries, and its run is what failed; of a success the last job's log tells.
 */
import type { Notification, NotificationEvent } from "../../model/project.js";
import { type RenderedResource, type RenderedValue, ref, secret, type Typed } from "../rendering.js";
import {
  flowsThatSucceeded,
  missedAfter,
  missedFires,
  runColumn,
  runsThatEnded,
  summaryColumn,
} from "./kql.js";
import { nameInGroup, nameOf } from "./names.js";
import { azure } from "./resources.js";
import { replaced, type Scope, type Text } from "./scope.js";

export interface AlertSources {
  readonly workspaceId: Text;
  /** granularity task: Logic Apps whose runs are told of; none otherwise. */
  readonly flows: readonly { readonly name: string; readonly workflow: Typed<string> }[];
  /** By schedule: names of the jobs that start first. */
  readonly jobNames: Readonly<Record<string, readonly Text[]>>;
}

/** Minutes between two looks; a rule looks at what came since the last one. */
const every = "PT5M";

export function alerts(scope: Scope, sources: AlertSources): RenderedResource[] {
  const groups = scope.plan.notifications
    .map((notification, index) => ({ on: notification.on, group: actionGroup(scope, notification, index) }))
    .flatMap(({ on, group }) => (group ? [{ on, group }] : []));
  const listeners = (event: NotificationEvent) =>
    groups.filter(({ on }) => on.includes(event)).map(({ group }) => ref(group, "id"));
  return [
    ...groups.map(({ group }) => group),
    ...(sources.flows.length > 0
      ? [
          ...sources.flows.flatMap((flow) => flowFailures(scope, flow, listeners)),
          ...endAlerts(scope, sources.workspaceId, "success", flowsThatSucceeded(), listeners),
        ]
      : jobAlerts(scope, sources.workspaceId, listeners)),
    ...missedAlerts(scope, sources, listeners("missed")),
  ];
}

type Listeners = (event: NotificationEvent) => readonly Text[];

/** Who is told. Nothing for a command, which only the local platform has, or a webhook whose secret the stack doesn't hold. */
function actionGroup(scope: Scope, { target }: Notification, index: number) {
  const { plan, parent, tags, group } = scope;
  const receivers = receiversOf(target, plan.settings.secretKeys);
  if (!receivers) return undefined;
  const number = String(index + 1);
  return azure(
    "azure-native:monitor:ActionGroup",
    scope.resource("notification", number),
    parent,
    {
      actionGroupName: nameOf(plan, "alert", "notification", number),
      groupShortName: nameInGroup("actionGroupShort", plan.spec.project.name),
      resourceGroupName: group,
      location: "Global",
      enabled: true,
      ...receivers,
      tags,
    },
    replaced,
  );
}

function receiversOf(target: Notification["target"], secretKeys: readonly string[]) {
  if (target.kind === "email") {
    return {
      emailReceivers: [{ name: "mail", emailAddress: target.address, useCommonAlertSchema: true }],
    };
  }
  if (target.kind === "command") return undefined;
  if (target.secret !== undefined && !secretKeys.includes(target.secret)) return undefined;
  const serviceUri = target.secret === undefined ? target.url : secret(target.secret);
  if (serviceUri === undefined) return undefined;
  return { webhookReceivers: [{ name: "webhook", serviceUri, useCommonAlertSchema: true }] };
}

/** granularity project: one rule for each kind of end. */
function jobAlerts(scope: Scope, workspaceId: Text, listeners: Listeners): RenderedResource[] {
  return (["failure", "timeout", "success"] as const).flatMap((event) =>
    endAlerts(scope, workspaceId, event, runsThatEnded(event), listeners),
  );
}

/** A rule that tells of each run by itself, and how it ended. */
function endAlerts(
  scope: Scope,
  workspaceId: Text,
  event: "failure" | "timeout" | "success",
  query: string,
  listeners: Listeners,
): RenderedResource[] {
  const actionGroups = listeners(event);
  if (actionGroups.length === 0) return [];
  return [
    queryRule(scope, workspaceId, {
      kind: "alert",
      name: event,
      title: `${titleOf(scope)}: ${titles[event]}`,
      severity: event === "success" ? 4 : 1,
      query,
      window: every,
      shown: [runColumn, summaryColumn],
      actionGroups,
    }),
  ];
}

const titles = { failure: "a run failed", timeout: "a run timed out", success: "a run succeeded" } as const;

/** A schedule whose time passed and nothing started, however it is started. */
function missedAlerts(
  scope: Scope,
  sources: AlertSources,
  actionGroups: readonly Text[],
): RenderedResource[] {
  if (actionGroups.length === 0) return [];
  return scope.plan.schedules
    .filter(({ name, enabled }) => enabled && name in sources.jobNames)
    .map((schedule) =>
      queryRule(scope, sources.workspaceId, {
        kind: "missed",
        name: schedule.name,
        title: `${titleOf(scope)}: schedule ${schedule.name} started nothing`,
        severity: 1,
        query: missedFires(schedule, sources.jobNames[schedule.name] ?? []),
        window: `PT${missedAfter.everyMinutes / 60}H`,
        // The query looks further back than it is asked: what was late by a quarter of an hour in the hour before.
        lookBack: "PT2H",
        actionGroups,
      }),
    );
}

interface QueryRule {
  readonly kind: string;
  readonly name: string;
  readonly title: string;
  readonly severity: number;
  readonly query: RenderedValue;
  readonly window: string;
  readonly lookBack?: string;
  /** Columns that the notification shows; rows that differ in them are alerts of their own. */
  readonly shown?: readonly string[];
  readonly actionGroups: readonly Text[];
}

function queryRule(scope: Scope, workspaceId: Text, rule: QueryRule) {
  const { plan, parent, location, tags, group } = scope;
  return azure(
    "azure-native:monitor:ScheduledQueryRule",
    scope.resource(rule.kind, rule.name),
    parent,
    {
      ruleName: nameOf(plan, "alert", rule.kind, rule.name),
      displayName: rule.title,
      resourceGroupName: group,
      location,
      kind: "LogAlert",
      enabled: true,
      scopes: [workspaceId],
      severity: rule.severity,
      evaluationFrequency: rule.window,
      windowSize: rule.window,
      ...(rule.lookBack === undefined ? {} : { overrideQueryTimeRange: rule.lookBack }),
      criteria: {
        allOf: [
          {
            query: rule.query as Text,
            timeAggregation: "Count",
            operator: "GreaterThan",
            threshold: 0,
            ...(rule.shown === undefined
              ? {}
              : { dimensions: rule.shown.map((name) => ({ name, operator: "Include", values: ["*"] })) }),
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 },
          },
        ],
      },
      // Else the second failed run in a row would be part of the first one's alert (docs/cloud-facts.md).
      autoMitigate: false,
      // The logs' tables are there only after the first run.
      skipQueryValidation: true,
      actions: { actionGroups: rule.actionGroups },
      tags,
    },
    replaced,
  );
}

/** granularity task: runs of a Logic App that failed. A job's time-out is a failed run like any other. */
function flowFailures(
  scope: Scope,
  { name, workflow }: AlertSources["flows"][number],
  listeners: Listeners,
): RenderedResource[] {
  const { plan, parent, tags, group } = scope;
  const groups = [...new Set([...listeners("failure"), ...listeners("timeout")].map(keyOf))];
  if (groups.length === 0) return [];
  return [
    azure(
      "azure-native:monitor:MetricAlert",
      scope.resource("alert", `failure-${name}`),
      parent,
      {
        ruleName: nameOf(plan, "alert", "failure", name),
        description: `${titleOf(scope)}, ${name}: ${titles.failure}`,
        resourceGroupName: group,
        location: "Global",
        enabled: true,
        severity: 1,
        scopes: [ref(workflow, "id")],
        evaluationFrequency: "PT1M",
        windowSize: "PT5M",
        autoMitigate: false,
        criteria: {
          odataType: "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
          allOf: [
            {
              name: "failure",
              criterionType: "StaticThresholdCriterion",
              metricNamespace: "Microsoft.Logic/workflows",
              metricName: "RunsFailed",
              operator: "GreaterThan",
              threshold: 0,
              timeAggregation: "Total",
            },
          ],
        },
        actions: groups.map((id) => ({ actionGroupId: { $ref: [id, "id"] as const } })),
        tags,
      },
      replaced,
    ),
  ];
}

/** Name in Pulumi of the action group that a reference is to: references to the same one are not the same object. */
function keyOf(group: Text): string {
  if (typeof group === "object" && "$ref" in group) return group.$ref[0];
  throw new Error("an action group is referred to by its resource");
}

function titleOf({ plan }: Scope): string {
  return `${plan.spec.project.name} (${plan.settings.client}, ${plan.settings.stack})`;
}
