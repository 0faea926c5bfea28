import type { Diagnostic } from "../../model/diagnostic.js";
import type { DeployPlan, PlannedJob } from "../../model/plan-types.js";
import { isOrchestrated } from "../flows.js";
import { checkSource } from "../git-source.js";
import { capabilities } from "./capabilities.js";
import { legalTags } from "./names.js";
import { retention } from "./retention.js";
import { checkSchedule } from "./schedule.js";
import { scheduledFlow, scheduledOverrides } from "./schedules.js";
import { roundSize } from "./size.js";

/** Characters of RunTask's overrides, as JSON (botocore 1.44.5), and of Step Functions' input. */
const limits = { overrides: 8192, flowInput: 262_144, tags: 50 } as const;

/** What AWS can't do of a plan, and what it does in another way. */
export function check(plan: DeployPlan): Diagnostic[] {
  return [
    ...checkRegion(plan),
    ...checkNetwork(plan),
    ...checkTags(plan),
    ...plan.jobs.flatMap(checkSize),
    ...plan.schedules.flatMap((schedule) => [...checkSchedule(schedule), ...checkCall(plan, schedule)]),
    ...checkTriggers(plan),
    ...checkNotifications(plan),
    ...checkRetention(plan),
    ...checkSource(plan, "AWS"),
  ];
}

function checkRegion({ settings: { region, stack } }: DeployPlan): Diagnostic[] {
  if (region === undefined) {
    return [
      {
        severity: "error",
        code: "aws-no-region",
        message: `stack ${stack} has no AWS region`,
        hint: `set aws:region in Pulumi.${stack}.yaml, for example: pulumi config set aws:region us-east-1`,
      },
    ];
  }
  if (/^[a-z]{2,4}(-[a-z]+)+-\d$/.test(region)) return [];
  return [
    {
      severity: "error",
      code: "aws-region",
      message: `\`${region}\` is no AWS region`,
      hint: "write it as in us-east-1, without the zone's letter",
    },
  ];
}

function checkNetwork({ settings: { network } }: DeployPlan): Diagnostic[] {
  if (network.mode !== "existing") return [];
  const kinds = [
    { values: network.vpc === undefined ? [] : [network.vpc], prefix: "vpc", what: "a VPC" },
    { values: network.subnets, prefix: "subnet", what: "a subnet" },
    { values: network.securityGroups, prefix: "sg", what: "a security group" },
  ];
  const wrong = kinds.flatMap(({ values, prefix, what }) =>
    values
      .filter((value) => !new RegExp(`^${prefix}-[0-9a-f]{8,17}$`).test(value))
      .map(
        (value): Diagnostic => ({
          severity: "error",
          code: "aws-network",
          message: `\`handoff:network\` has \`${value}\`, which is not the id of ${what}`,
          hint: `AWS takes ids, such as ${prefix}-0123456789abcdef0`,
        }),
      ),
  );
  const many = (count: number, max: number, what: string): Diagnostic[] =>
    count <= max
      ? []
      : [
          {
            severity: "error",
            code: "aws-network",
            message: `\`handoff:network\` has ${count} ${what}, and a task takes ${max}`,
            hint: `name at most ${max}`,
          },
        ];
  return [
    ...wrong,
    ...many(network.subnets.length, 16, "subnets"),
    ...many(network.securityGroups.length, 5, "security groups"),
  ];
}

function checkTags({ tags }: DeployPlan): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const legal = legalTags(tags);
  const names = Object.keys(tags);
  if (names.length > limits.tags - 1) {
    diagnostics.push({
      severity: "error",
      code: "aws-tags",
      message: `there are ${names.length} tags, and a resource takes ${limits.tags} with its name`,
      hint: "remove some of handoff:tags",
    });
  }
  for (const [name, value] of Object.entries(tags)) {
    if (/^aws:/i.test(name)) {
      diagnostics.push({
        severity: "error",
        code: "aws-tags",
        message: `the tag \`${name}\` can't be set: names that start with aws: are AWS's own`,
        hint: "rename it in handoff:tags",
      });
    } else if (legal[name] !== value) {
      diagnostics.push({
        severity: "info",
        code: "aws-tag-changed",
        message: `the tag \`${name}\` is written with \`_\` for what AWS doesn't allow, or shortened`,
      });
    }
  }
  return diagnostics;
}

function checkSize({ name, resources }: PlannedJob): Diagnostic[] {
  const rounded = roundSize(resources);
  if ("problem" in rounded) {
    return [
      {
        severity: "error",
        code: "aws-size",
        message: `job ${name}: ${rounded.problem}`,
        hint: "ask for less in `resources`, or split the task",
      },
    ];
  }
  if (rounded.notes.length === 0) return [];
  return [
    {
      severity: "info",
      code: "aws-size-rounded",
      message: `job ${name} gets the next size that Fargate has: ${rounded.notes.join(", ")}`,
    },
  ];
}

function checkCall(plan: DeployPlan, schedule: DeployPlan["schedules"][number]): Diagnostic[] {
  const orchestrated = isOrchestrated(plan);
  const longest = orchestrated
    ? Math.max(...overridesOfFlow(scheduledFlow({ plan }, schedule)))
    : JSON.stringify(scheduledOverrides({ plan }, schedule)).length;
  if (longest <= limits.overrides) return [];
  return [
    {
      severity: "error",
      code: "aws-overrides-too-long",
      message: `schedule ${schedule.name}: its vars and envs make a call of ${longest} characters, and ECS takes ${limits.overrides}`,
      hint: "put long values into a file of the project, or into vars and envs of the project itself",
    },
  ];
}

/** Characters of each job's overrides in a flow, and, when that is too much by itself, of the whole input. */
function overridesOfFlow(input: unknown): number[] {
  const { calls, environment } = input as { calls: unknown[]; environment: unknown };
  const whole = JSON.stringify(input).length;
  return [
    ...calls.map(
      (call) => JSON.stringify({ containerOverrides: [{ name: "runner", call, environment }] }).length,
    ),
    ...(whole > limits.flowInput ? [whole] : []),
  ];
}

function checkTriggers({ triggers }: DeployPlan): Diagnostic[] {
  return triggers.map(({ name, maxConcurrency }) => ({
    severity: "warning",
    code: "aws-trigger-concurrency",
    message: `trigger ${name}: ${capabilities["trigger-concurrency"].how} (it is ${maxConcurrency})`,
    hint: "make the tasks safe to run at the same time, or send messages one after the other",
  }));
}

function checkNotifications({ notifications, settings }: DeployPlan): Diagnostic[] {
  return notifications.flatMap(({ target }): Diagnostic[] => {
    if (target.kind === "command") {
      return [
        {
          severity: "warning",
          code: "aws-no-command",
          message: `a notification's command will not be run: ${capabilities.command.how}`,
          hint: "add a notification with webhook or email for this stack",
        },
      ];
    }
    if (target.kind !== "webhook") return [];
    if (target.secret !== undefined && !settings.secretKeys.includes(target.secret)) {
      return [
        {
          severity: "warning",
          code: "aws-webhook-not-set",
          message: `the webhook of secret ${target.secret} will not be called: the stack has no value for it`,
          hint: `handoff secrets set ${target.secret} -s ${settings.stack}`,
        },
      ];
    }
    if (target.url === undefined || /^https:\/\//i.test(target.url)) return [];
    return [
      {
        severity: "error",
        code: "aws-webhook-not-https",
        message: "a notification's webhook is not called over https, and EventBridge calls no other",
        hint: "write an address that starts with https://",
      },
    ];
  });
}

function checkRetention({ settings: { logRetentionDays } }: DeployPlan): Diagnostic[] {
  const days = retention(logRetentionDays);
  if (days === logRetentionDays) return [];
  return [
    {
      severity: "info",
      code: "aws-retention-rounded",
      message: `logs are kept ${days} days: CloudWatch Logs has no ${logRetentionDays}`,
    },
  ];
}
