/**
 * Alerts: EventBridge rules on how runs end, and an alarm on calls of schedules that were given up. What they notice goes to
 * the notifier, which adds what the run itself told, sends mail, and puts what webhooks are sent on the event bus.
 */
import type { NotificationEvent } from "../../model/project.js";
import { json, type RenderedResource, type RenderedValue, ref } from "../rendering.js";
import type { Endings } from "./artifacts.js";
import { type EventSource, eventSources, type SourceParts } from "./events.js";
import { role } from "./identity.js";
import { nameOf } from "./names.js";
import { type NotifierInput, notifier, ownSource } from "./notifier.js";
import { aws } from "./resources.js";
import type { Scope } from "./scope.js";

export interface AlertParts extends SourceParts {
  readonly endings: Endings;
}

/** Mail addresses that want the same events. */
interface Topic {
  readonly on: ReadonlySet<NotificationEvent>;
  readonly arn: RenderedValue;
}

interface Webhook {
  readonly id: string;
  readonly on: ReadonlySet<NotificationEvent>;
  readonly arn: RenderedValue;
}

interface Recipients<Recipient> {
  readonly recipients: readonly Recipient[];
  readonly resources: readonly RenderedResource[];
}

/** Targets of one rule (EventBridge quota, cannot be raised; UNCONFIRMED for each region). */
const targetsOfRule = 5;

export function alerts(scope: Scope, parts: AlertParts): RenderedResource[] {
  const mails = mail(scope);
  const hooks = webhooks(scope);
  const wanted = new Set([...mails.recipients, ...hooks.recipients].flatMap(({ on }) => [...on]));
  if (wanted.size === 0) return [];
  const { sources, resources } = eventSources(scope, parts, wanted);
  const told = notifier(scope, {
    endings: parts.endings,
    topics: mails.recipients.map(({ arn }) => arn),
    posts: hooks.recipients.length > 0,
  });
  const caller = role(scope, {
    kind: "alerts",
    service: "events.amazonaws.com",
    confined: true,
    statements: [
      { Sid: "StartNotifier", Effect: "Allow", Action: "states:StartExecution", Resource: told.arn },
      ...(hooks.recipients.length === 0
        ? []
        : [
            {
              Sid: "CallWebhooks",
              Effect: "Allow" as const,
              Action: "events:InvokeApiDestination",
              Resource: hooks.recipients.map(({ arn }) => arn),
            },
          ]),
    ],
  });
  const noticed = sources.flatMap((source) => {
    const topics = mails.recipients.filter(({ on }) => on.has(source.event)).map(({ arn }) => arn);
    const made = rule(scope, source.id, `${source.event} of ${scope.plan.spec.project.name}`, source.pattern);
    return [
      made,
      target(scope, source.id, "notifier", {
        rule: ref(made, "name"),
        arn: told.arn,
        roleArn: caller.arn,
        inputTransformer: { inputTemplate: inputTemplate(inputOf(scope, source), topics) },
      }),
    ];
  });
  const posted = [...wanted].sort().flatMap((event) =>
    chunks(
      hooks.recipients.filter(({ on }) => on.has(event)),
      targetsOfRule,
    ).flatMap((few, index) => {
      const id = `post${event}${index === 0 ? "" : index + 1}`;
      const made = rule(scope, id, `webhooks that want to hear of ${event}`, {
        source: [ownSource],
        resources: [told.arn],
        detail: { event: [event] },
      });
      return [
        made,
        ...few.map((hook) =>
          target(scope, id, hook.id, {
            rule: ref(made, "name"),
            arn: hook.arn,
            roleArn: caller.arn,
            inputPath: "$.detail",
          }),
        ),
      ];
    }),
  );
  return [
    ...mails.resources,
    ...hooks.resources,
    ...resources,
    ...told.resources,
    ...caller.resources,
    ...noticed,
    ...posted,
  ];
}

function rule(scope: Scope, id: string, description: string, eventPattern: RenderedValue) {
  return aws("aws:cloudwatch/eventRule:EventRule", scope.resource("alert", id), scope.parent, {
    name: nameOf(scope.plan, "rule", id),
    description: description.slice(0, 512),
    eventPattern: json(eventPattern),
    state: "ENABLED",
    tags: scope.tags,
  });
}

interface TargetInputs {
  readonly rule: RenderedValue;
  readonly arn: RenderedValue;
  readonly roleArn: RenderedValue;
  readonly inputPath?: string;
  readonly inputTransformer?: { readonly inputTemplate: RenderedValue };
}

function target(scope: Scope, ruleId: string, targetId: string, inputs: TargetInputs) {
  const { rule, arn, roleArn, inputPath, inputTransformer } = inputs;
  return aws(
    "aws:cloudwatch/eventTarget:EventTarget",
    scope.resource("alerttarget", `${ruleId}-${targetId}`),
    scope.parent,
    {
      rule: rule as string,
      targetId,
      arn: arn as string,
      roleArn: roleArn as string,
      ...(inputPath === undefined ? {} : { inputPath }),
      ...(inputTransformer === undefined
        ? {}
        : { inputTransformer: { inputTemplate: inputTransformer.inputTemplate as string } }),
    },
  );
}

const subjects = { success: "succeeded", failure: "failed", timeout: "timed out", missed: "missed" } as const;

function inputOf({ plan }: Scope, { event, happened, link }: EventSource): Omit<NotifierInput, "topics"> {
  const [project, client, stack] = [plan.spec.project.name, plan.settings.client, plan.settings.stack].map(
    plain,
  ) as [string, string, string];
  const who = `${project} (${client})`;
  return {
    event,
    happened,
    project,
    client,
    stack,
    who,
    log: `handoff logs -s ${stack}`,
    link,
    mail: { before: "\n\nLog: ", after: `\n${link}\n` },
    subject: `${who}: ${subjects[event]}`.replace(/[^\x20-\x7e]/g, "_").slice(0, 99),
  };
}

/** JSON with the whole event in it. In a template `<name>` is a variable: there is none in what `inputOf` gives. */
function inputTemplate(
  input: Omit<NotifierInput, "topics">,
  topics: readonly RenderedValue[],
): RenderedValue {
  const list = topics.flatMap((arn, index) => [index === 0 ? '"' : ',"', arn, '"']);
  return {
    $join: [`${JSON.stringify(input).slice(0, -1)},"topics":[`, ...list, '],"from":<aws.events.event.json>}'],
  };
}

/** Without what means something in a template: `<name>`. */
function plain(text: string): string {
  return text.replace(/[<>\p{Cc}]/gu, "_");
}

/** One topic for each set of events: an address is asked once to confirm, whatever it wants to hear of. */
function mail(scope: Scope): Recipients<Topic> {
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
  const recipients: Topic[] = [];
  const resources: RenderedResource[] = [];
  for (const [key, { on, members }] of groups) {
    const topic = aws("aws:sns/topic:Topic", scope.resource("topic", key), parent, {
      name: nameOf(plan, "topic", key),
      tags,
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
    resources.push(topic, ...subscriptions);
    recipients.push({ on, arn: ref(topic, "arn") });
  }
  return { recipients, resources };
}

/** EventBridge API destinations: POST of JSON whose `text` chats such as Slack show. */
function webhooks(scope: Scope): Recipients<Webhook> {
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
  return {
    resources: [connection, ...destinations],
    recipients: hooks.map(({ on }, index) => ({
      id: `webhook-${index + 1}`,
      on,
      arn: ref(destinations[index] ?? connection, "arn"),
    })),
  };
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
