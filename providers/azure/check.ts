import type { Diagnostic } from "../../model/diagnostic.js";
import type { DeployPlan } from "../../model/plan-types.js";
import { flowsOf, isOrchestrated } from "../flows.js";
import { checkSource } from "../git-source.js";
import { capabilities } from "./capabilities.js";
import { countActions } from "./flows.js";
import { azureRegistry } from "./image.js";
import { maxActions } from "./logic-app.js";
import { retention } from "./logs.js";
import { locationOf } from "./names.js";
import { checkSchedule } from "./schedule.js";
import { roundSize } from "./size.js";

/** What Azure can't do of a plan, and what it does in another way. */
export function check(plan: DeployPlan): Diagnostic[] {
  return [
    ...checkPlace(plan),
    ...checkSizes(plan),
    ...checkTimeouts(plan),
    ...plan.schedules.flatMap(checkSchedule),
    ...checkFlows(plan),
    ...checkTriggers(plan),
    ...checkNetwork(plan),
    ...checkImage(plan),
    ...checkLogs(plan),
    ...checkNotifications(plan),
    ...checkTags(plan),
    ...checkSource(plan, "Azure"),
  ];
}

function checkPlace({ settings }: DeployPlan): Diagnostic[] {
  const found: Diagnostic[] = [];
  if (locationOf({ settings } as DeployPlan) === "") {
    found.push({
      severity: "error",
      code: "azure-no-region",
      message: `stack ${settings.stack} has no location`,
      hint: `set azure-native:location in Pulumi.${settings.stack}.yaml, such as westeurope`,
    });
  }
  if (settings.architecture === "arm64") {
    found.push({
      severity: "error",
      code: "azure-arm64",
      message: `handoff:architecture is arm64: ${capabilities.arm64.how}`,
      hint: "remove handoff:architecture",
    });
  }
  if (settings.spot) {
    found.push({
      severity: "warning",
      code: "azure-spot",
      message: `handoff:spot has no effect: ${capabilities.spot.how}`,
      hint: "remove handoff:spot",
    });
  }
  return found;
}

function checkSizes({ jobs }: DeployPlan): Diagnostic[] {
  return jobs.flatMap(({ name, resources }): Diagnostic[] => {
    const rounded = roundSize(resources);
    if ("problem" in rounded) {
      return [
        {
          severity: "error",
          code: "azure-size",
          message: `job ${name}: ${rounded.problem}`,
          hint: "ask for less in `resources`, or split the task",
        },
      ];
    }
    return rounded.notes.map((note) => ({
      severity: "info",
      code: "azure-size-rounded",
      message: `job ${name}: ${note}`,
    }));
  });
}

/** Longest wait of a Logic App's run. Source: limits of Logic Apps (90 days), from memory, UNCONFIRMED. */
const longestFlowSeconds = 90 * 86_400;

function checkTimeouts(plan: DeployPlan): Diagnostic[] {
  return plan.jobs
    .filter(({ timeoutSeconds }) => (timeoutSeconds ?? 0) > longestFlowSeconds)
    .map(({ name }) => ({
      severity: "error",
      code: "azure-timeout",
      message: `job ${name}: a time-out of more than 90 days is longer than Azure waits for anything`,
      hint: "give it a shorter `timeout`",
    }));
}

function checkFlows(plan: DeployPlan): Diagnostic[] {
  return flowsOf(plan)
    .filter((flow) => countActions(flow) + triggerActions > maxActions)
    .map((flow) => ({
      severity: "error",
      code: "azure-flow-size",
      message: `${flow.jobs.length} tasks are too many for one Logic App, which has ${maxActions} actions: they need ${countActions(flow) + triggerActions}`,
      hint: "use `granularity: project`, or fewer tasks in one selection",
    }));
}

/** What a queue's Logic App has beside the flow. */
const triggerActions = 7;

/** Concurrent runs of a Logic App's trigger, and executions of a job. Source: limits of both, from memory, UNCONFIRMED. */
const maxConcurrency = 100;

function checkTriggers(plan: DeployPlan): Diagnostic[] {
  const tooMany = plan.triggers
    .filter((trigger) => trigger.maxConcurrency > maxConcurrency)
    .map(
      ({ name, maxConcurrency: wanted }): Diagnostic => ({
        severity: "error",
        code: "azure-concurrency",
        message: `trigger ${name}: ${wanted} runs at a time are more than the ${maxConcurrency} that Azure allows`,
        hint: `write max_concurrency: ${maxConcurrency}, or less`,
      }),
    );
  const polled = isOrchestrated(plan)
    ? plan.triggers.map(
        ({ name }): Diagnostic => ({
          severity: "info",
          code: "azure-trigger-poll",
          message: `trigger ${name}: with granularity task a Logic App takes one message each 30 seconds`,
        }),
      )
    : [];
  return [...tooMany, ...polled];
}

function checkNetwork({ settings }: DeployPlan): Diagnostic[] {
  const { network } = settings;
  if (network.mode !== "existing") return [];
  const found: Diagnostic[] = [];
  const [subnet = ""] = network.subnets;
  if (network.subnets.length !== 1 || !subnetId.test(subnet)) {
    found.push({
      severity: "error",
      code: "azure-network",
      message: `handoff:network names ${network.subnets.join(", ")}: Azure needs the id of exactly one subnet`,
      hint: "write subnets: [/subscriptions/…/resourceGroups/…/providers/Microsoft.Network/virtualNetworks/…/subnets/…]",
    });
  }
  if (network.vpc !== undefined || network.securityGroups.length > 0) {
    found.push({
      severity: "warning",
      code: "azure-network-ignored",
      message: "handoff:network's vpc and securityGroups have no effect on Azure: they belong to the subnet",
      hint: "remove them, and set the subnet's own network security group",
    });
  }
  return found;
}

const subnetId =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Network\/virtualNetworks\/[^/]+\/subnets\/[^/]+$/i;

function checkImage({ settings }: DeployPlan): Diagnostic[] {
  if (settings.image === undefined || azureRegistry(settings.image) === undefined) return [];
  return [
    {
      severity: "info",
      code: "azure-image-registry",
      message: `the jobs' identities need the role AcrPull on the registry of ${settings.image}: handoff gives no rights on what it didn't make`,
    },
  ];
}

function checkLogs({ settings }: DeployPlan): Diagnostic[] {
  const { logRetentionDays: days } = settings;
  if (days < retention.min) {
    return [
      {
        severity: "info",
        code: "azure-log-retention",
        message: `logs are kept ${retention.min} days: a workspace's least (${days} were asked for)`,
      },
    ];
  }
  if (days <= retention.max) return [];
  return [
    {
      severity: "warning",
      code: "azure-log-retention",
      message: `logs are kept ${retention.max} days, not ${days}: a workspace has no more`,
      hint: "export the workspace's tables where they must be kept longer",
    },
  ];
}

function checkNotifications(plan: DeployPlan): Diagnostic[] {
  const commands = plan.notifications
    .filter(({ target }) => target.kind === "command")
    .map(
      (): Diagnostic => ({
        severity: "warning",
        code: "azure-no-command",
        message: `a notification's command is not run: ${capabilities.command.how}`,
        hint: "add a notification with email or webhook for this stack",
      }),
    );
  const webhook = plan.notifications.some(({ target }) => target.kind === "webhook");
  const timeout = isOrchestrated(plan) && plan.notifications.some(({ on }) => on.includes("timeout"));
  return [
    ...commands,
    ...(webhook
      ? [
          {
            severity: "info" as const,
            code: "azure-webhook-schema",
            message: `webhooks are called by ${capabilities.webhook.how}`,
          },
        ]
      : []),
    ...(timeout
      ? [
          {
            severity: "info" as const,
            code: "azure-timeout-alert",
            message: "with granularity task a time-out is reported as a failure",
          },
        ]
      : []),
  ];
}

/** Of a resource. Source: Azure Resource Manager, from memory, UNCONFIRMED. */
const maxTags = 50;

function checkTags({ tags }: DeployPlan): Diagnostic[] {
  const count = Object.keys(tags).length;
  if (count <= maxTags) return [];
  return [
    {
      severity: "error",
      code: "azure-tags",
      message: `${count} tags are more than the ${maxTags} that a resource can have`,
      hint: "remove some from handoff:tags",
    },
  ];
}
