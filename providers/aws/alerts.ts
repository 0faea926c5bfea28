/** Alerts: EventBridge rules on how runs end, and an alarm on calls of schedules that were given up, told by mail and webhook. */
import type { NotificationEvent } from "../../model/project.js";
import { json, type RenderedResource, type RenderedValue, ref } from "../rendering.js";
import { eventSources, type Message, type SourceParts } from "./events.js";
import { policyDocument, role } from "./identity.js";
import { nameOf } from "./names.js";
import { aws } from "./resources.js";
import type { Scope } from "./scope.js";

/** Who is told: a topic of mail addresses that want the same events, or a webhook. */
interface Recipient {
  /** Unique among recipients. */
  readonly id: string;
  readonly on: ReadonlySet<NotificationEvent>;
  readonly arn: RenderedValue;
  /** Role with which EventBridge calls it; none for a topic, whose own policy lets it. */
  readonly roleArn?: RenderedValue;
  readonly template: (message: Message) => string;
}

interface Recipients {
  readonly recipients: readonly Recipient[];
  readonly resources: readonly RenderedResource[];
}

/** Targets of one rule (EventBridge quota, cannot be raised; UNCONFIRMED for each region). */
const targetsOfRule = 5;

export function alerts(scope: Scope, parts: SourceParts): RenderedResource[] {
  const told = [mail(scope), webhooks(scope)];
  const recipients = told.flatMap((kind) => kind.recipients);
  if (recipients.length === 0) return [];
  const wanted = new Set(recipients.flatMap(({ on }) => [...on]));
  const { sources, resources } = eventSources(scope, parts, wanted);
  const rules = sources.flatMap((source) => {
    const targets = recipients.filter(({ on }) => on.has(source.event));
    return chunks(targets, targetsOfRule).flatMap((few, index) => {
      const name = index === 0 ? source.id : `${source.id}${index + 1}`;
      const rule = aws("aws:cloudwatch/eventRule:EventRule", scope.resource("alert", name), scope.parent, {
        name: nameOf(scope.plan, "rule", name),
        description: `${source.event} of ${scope.plan.spec.project.name}`.slice(0, 512),
        eventPattern: json(source.pattern),
        state: "ENABLED",
        tags: scope.tags,
      });
      return [
        rule,
        ...few.map((recipient) => target(scope, name, ref(rule, "name"), recipient, source.message)),
      ];
    });
  });
  return [...told.flatMap((kind) => kind.resources), ...resources, ...rules];
}

function target(scope: Scope, ruleName: string, rule: RenderedValue, recipient: Recipient, message: Message) {
  const { id, arn, roleArn, template } = recipient;
  return aws(
    "aws:cloudwatch/eventTarget:EventTarget",
    scope.resource("alerttarget", `${ruleName}-${id}`),
    scope.parent,
    {
      rule: rule as string,
      targetId: id,
      arn: arn as string,
      ...(roleArn === undefined ? {} : { roleArn: roleArn as string }),
      inputTransformer: { inputPaths: message.paths, inputTemplate: template(message) },
    },
  );
}

/** One topic for each set of events: an address is asked once to confirm, whatever it wants to hear of. */
function mail(scope: Scope): Recipients {
  const { plan, parent, tags } = scope;
  const addresses = new Map<string, Set<NotificationEvent>>();
  for (const { on, target: to } of plan.notifications) {
    if (to.kind !== "email") continue;
    addresses.set(to.address, new Set([...(addresses.get(to.address) ?? []), ...on]));
  }
  const groups = new Map<string, { on: Set<NotificationEvent>; members: string[] }>();
  for (const [address, on] of addresses) {
    const key = [...on].sort().join("-");
    const group = groups.get(key) ?? { on, members: [] };
    group.members.push(address);
    groups.set(key, group);
  }
  const recipients: Recipient[] = [];
  const resources: RenderedResource[] = [];
  for (const [key, { on, members }] of groups) {
    const topic = aws("aws:sns/topic:Topic", scope.resource("topic", key), parent, {
      name: nameOf(plan, "topic", key),
      tags,
    });
    const policy = aws("aws:sns/topicPolicy:TopicPolicy", scope.resource("topicpolicy", key), parent, {
      arn: ref(topic, "arn"),
      policy: policyDocument([
        {
          // Without a condition: EventBridge's user guide has none for topics (UNCONFIRMED whether it works with one).
          Sid: "TellOfRuns",
          Effect: "Allow",
          Principal: { Service: "events.amazonaws.com" },
          Action: "sns:Publish",
          Resource: ref(topic, "arn"),
        },
      ]),
    });
    const subscriptions = members.sort().map((address) =>
      aws(
        "aws:sns/topicSubscription:TopicSubscription",
        scope.resource("mail", `${key}-${address}`),
        parent,
        {
          topic: ref(topic, "arn"),
          protocol: "email",
          endpoint: address,
        },
      ),
    );
    resources.push(topic, policy, ...subscriptions);
    recipients.push({ id: `mail-${key}`, on, arn: ref(topic, "arn"), template: asText });
  }
  return { recipients, resources };
}

/** EventBridge API destinations: POST of JSON whose `text` chats such as Slack show. */
function webhooks(scope: Scope): Recipients {
  const { plan, parent } = scope;
  const hooks = plan.notifications.flatMap(({ on, target: to }) =>
    to.kind === "webhook" && (to.secret === undefined || plan.settings.secretKeys.includes(to.secret))
      ? [{ on: new Set(on), url: to.secret === undefined ? (to.url ?? "") : { $secret: to.secret } }]
      : [],
  );
  if (hooks.length === 0) return { recipients: [], resources: [] };
  const connection = aws(
    "aws:cloudwatch/eventConnection:EventConnection",
    scope.resource("connection"),
    parent,
    {
      name: nameOf(plan, "connection"),
      description: "Webhooks carry their authorization in the address",
      authorizationType: "API_KEY",
      // A connection must have a key; the webhooks' is in their address, this one says who calls.
      authParameters: { apiKey: { key: "X-Handoff", value: "handoff" } },
    },
  );
  const destinations = hooks.map(({ url }, index) =>
    aws(
      "aws:cloudwatch/eventApiDestination:EventApiDestination",
      scope.resource("webhook", String(index + 1)),
      parent,
      {
        name: nameOf(plan, "apiDestination", String(index + 1)),
        connectionArn: ref(connection, "arn"),
        httpMethod: "POST",
        invocationEndpoint: url,
        invocationRateLimitPerSecond: 5,
      },
    ),
  );
  const caller = role(scope, {
    kind: "webhooks",
    service: "events.amazonaws.com",
    confined: true,
    statements: [
      {
        Sid: "CallWebhooks",
        Effect: "Allow",
        Action: "events:InvokeApiDestination",
        Resource: destinations.map((destination) => ref(destination, "arn")),
      },
    ],
  });
  return {
    resources: [connection, ...destinations, ...caller.resources],
    recipients: hooks.map(({ on }, index) => ({
      id: `webhook-${index + 1}`,
      on,
      arn: ref(destinations[index] ?? connection, "arn"),
      roleArn: caller.arn,
      template: asJson,
    })),
  };
}

/** Lines in quotes, as EventBridge wants text that isn't JSON. */
function asText({ lines }: Message): string {
  return lines.map((line) => `"${line}"`).join("\n");
}

/** Values that are known go in quotes; paths stand bare, so that EventBridge quotes what it puts there. */
function asJson({ lines, fields }: Message): string {
  const members = [
    `"text": "${lines.join(" ")}"`,
    ...Object.entries(fields).map(([name, value]) => `"${name}": ${value}`),
  ];
  return `{${members.join(", ")}}`;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
