// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are Workflows' expressions
/**
 * Whom alerts are told to. E-mail is Monitoring's own. A webhook is called by a workflow that Monitoring's messages start: so
 * it gets the same JSON as on the other platforms, which a chat such as Slack understands, and its URL stays a secret.
 */
import { createHash } from "node:crypto";
import type { Notification } from "../../model/project.js";
import { type RenderedResource, ref, text } from "../rendering.js";
import type { Bucket } from "./artifacts.js";
import { workflowOf } from "./flows.js";
import { accountOf, grantOnSecret, grantOnTopic, type Identity } from "./identity.js";
import { nameOf } from "./names.js";
import { gcp, type Made } from "./resources.js";
import { namesOf, type Scope } from "./scope.js";
import type { Secrets } from "./secrets.js";
import { deliveryOf, topicOf } from "./triggers.js";
import { literal, type Step, type WorkflowSource } from "./workflow-source.js";

export type Target = Notification["target"];

export interface Channel {
  readonly channel: Made<"gcp:monitoring/notificationChannel:NotificationChannel">;
  /** In order; a policy that uses the channel comes after all of them. */
  readonly resources: readonly RenderedResource[];
}

export interface ChannelParts {
  readonly secrets: Secrets;
  readonly artifacts: Bucket;
  /** Null where nothing starts a workflow. */
  readonly events: Identity | null;
}

/** Something that tells targets apart, and can be part of a name. Null for a target that this platform has not. */
export function targetId(target: Target, secretKeys: readonly string[]): string | null {
  if (target.kind === "email") return `email-${target.address}`;
  if (target.kind === "command") return null;
  if (target.secret !== undefined)
    return secretKeys.includes(target.secret) ? `webhook-${target.secret}` : null;
  if (target.url === undefined) return null;
  return `url-${createHash("sha256").update(target.url).digest("hex").slice(0, 8)}`;
}

/** Whether a target is called by a workflow. */
export function isCalled(target: Target, secretKeys: readonly string[]): boolean {
  return target.kind === "webhook" && targetId(target, secretKeys) !== null;
}

/** A channel for each target, by `targetId`; targets that are named twice have one. */
export function channels(scope: Scope, parts: ChannelParts): Map<string, Channel> {
  const { notifications, settings } = scope.plan;
  const channels = new Map<string, Channel>();
  for (const { target } of notifications) {
    const id = targetId(target, settings.secretKeys);
    if (id === null || channels.has(id)) continue;
    const made =
      target.kind === "email"
        ? renderEmail(scope, id, target.address)
        : renderWebhook(scope, id, target, parts);
    channels.set(id, made);
  }
  return channels;
}

function renderEmail({ name, parent, project, labels, title }: Scope, id: string, address: string): Channel {
  const channel = gcp("gcp:monitoring/notificationChannel:NotificationChannel", name("channel", id), parent, {
    project,
    type: "email",
    displayName: `handoff: ${title}`,
    labels: { email_address: address },
    userLabels: labels,
    forceDelete: true,
  });
  return { channel, resources: [channel] };
}

function renderWebhook(
  scope: Scope,
  id: string,
  target: Target,
  { secrets, artifacts, events }: ChannelParts,
): Channel {
  const { name, parent, project, labels, title } = scope;
  if (!events) throw new Error("a webhook needs somebody who starts its workflow");
  const topic = topicOf(scope, name("topic", "alerts", id), ["alerts", id]);
  const channel = gcp("gcp:monitoring/notificationChannel:NotificationChannel", name("channel", id), parent, {
    project,
    type: "pubsub",
    displayName: `handoff: ${title}`,
    labels: { topic: ref(topic, "id") },
    userLabels: labels,
    forceDelete: true,
  });
  // Monitoring's agent, which the project's first channel of this type makes; the bucket knows the project's number.
  const agent = text`serviceAccount:service-${ref(artifacts, "projectNumber")}@gcp-sa-monitoring-notification.iam.gserviceaccount.com`;
  const publish = { ...grantOnTopic(scope, topic, "monitoring", agent), dependsOn: [channel.name] };
  const account = accountOf(scope, "notifier", [id], `the call of ${id}`);
  const secret =
    target.kind === "webhook" && target.secret !== undefined ? secrets.secrets.get(target.secret) : undefined;
  const grants = secret ? [grantOnSecret(scope, secret, `notifier-${id}`, account)] : [];
  const workflow = workflowOf(scope, {
    name: name("notifier", id),
    physicalName: nameOf(scope.plan, "workflow", "notifier", id),
    description: `handoff: calls a webhook when ${title} has news`,
    account,
    source: notifierSource(scope, target),
    dependsOn: namesOf([...grants, ...(secret ? secrets.versions : [])]),
  });
  const delivery = deliveryOf(scope, name("events", "alerts", id), ["alerts", id], {
    topic,
    workflow,
    account: events.account,
    dependsOn: namesOf(events.grants),
  });
  return { channel, resources: [topic, channel, publish, account, ...grants, workflow, delivery] };
}

/** Source of the workflow that calls a webhook: its argument is the event that Monitoring's message came in. */
export function notifierSource(
  { plan, project }: Pick<Scope, "plan" | "project">,
  target: Target,
): WorkflowSource {
  const { client, stack } = plan.settings;
  return {
    main: {
      params: ["event"],
      steps: [
        {
          read_incident: {
            assign: [
              { notice: "${json.decode(base64.decode(event.data.message.data))}" },
              { incident: "${notice.incident}" },
              { said: '${default(map.get(incident, ["documentation", "content"]), incident.summary)}' },
            ],
          },
        },
        urlStep(plan, project, target),
        {
          call_webhook: {
            try: {
              call: "http.post",
              args: {
                url: "${url}",
                timeout: 30,
                body: {
                  // As the other platforms' chats get it: these three are markup in them.
                  text: '${text.replace_all(text.replace_all(text.replace_all(said, "&", "&amp;"), "<", "&lt;"), ">", "&gt;")}',

                  event: '${default(map.get(incident, ["policy_user_labels", "handoff-event"]), "")}',
                  project: literal(plan.spec.project.name),
                  client: literal(client),
                  stack: literal(stack),
                  link: '${default(map.get(incident, "url"), "")}',
                },
              },
            },
            retry: "${http.default_retry_non_idempotent}",
          },
        },
      ],
    },
  };
}

function urlStep(plan: Scope["plan"], project: string, target: Target): Step {
  if (target.kind === "webhook" && target.secret !== undefined) {
    return {
      read_url: {
        call: "googleapis.secretmanager.v1.projects.secrets.versions.accessString",
        args: { project_id: project, secret_id: nameOf(plan, "secret", target.secret), version: "latest" },
        result: "url",
      },
    };
  }
  return { read_url: { assign: [{ url: literal(target.kind === "webhook" ? (target.url ?? "") : "") }] } };
}
