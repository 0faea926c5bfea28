// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are Workflows' expressions
/**
 * Triggers: a topic whose messages start a workflow, which runs the job or the flow with the message and puts the message into
 * a dead-letter topic when that failed. Events can't start a Cloud Run job themselves.
 */
import type { PlannedJob } from "../../model/plan-types.js";
import type { Trigger } from "../../model/project.js";
import { triggerCall } from "../container.js";
import { type Flow, flowFor, isOrchestrated } from "../flows.js";
import { type RenderedResource, ref } from "../rendering.js";
import { calledJobs, type Workflow, workflowOf } from "./flows.js";
import { type Account, accountOf, grantOnProject, grantOnTopic, type Identity } from "./identity.js";
import type { Job } from "./job.js";
import { nameOf } from "./names.js";
import { gcp, type Made } from "./resources.js";
import { namesOf, type Scope } from "./scope.js";
import {
  flowSteps,
  jobSubworkflows,
  literal,
  type Place,
  type Step,
  type WorkflowSource,
} from "./workflow-source.js";

export type Topic = Made<"gcp:pubsub/topic:Topic">;

export interface TriggerParts {
  readonly name: string;
  readonly topic: Topic;
  readonly deadLetters: Made<"gcp:pubsub/subscription:Subscription">;
  readonly workflow: Workflow;
}

export interface Triggers {
  readonly resources: readonly RenderedResource[];
  readonly triggers: readonly TriggerParts[];
}

/** Seconds that a message of a failed run is kept: 7 days, the most that Pub/Sub keeps by default (UNCONFIRMED). */
const deadLetterSeconds = 7 * 86_400;

export function triggers(
  scope: Scope,
  identity: Identity | null,
  events: Identity | null,
  jobs: readonly Job[],
): Triggers {
  if (!identity || !events) return { resources: [], triggers: [] };
  const all = scope.plan.triggers.map((trigger) => renderTrigger(scope, trigger, identity, events, jobs));
  return { resources: all.flatMap(({ resources }) => resources), triggers: all.map(({ parts }) => parts) };
}

/** Who events are delivered as: to workflows alone. */
export function eventsIdentity(scope: Scope): Identity {
  const account = accountOf(scope, "events", [], "events");
  const grants = [
    grantOnProject(scope, "events", account, "roles/workflows.invoker"),
    grantOnProject(scope, "events", account, "roles/eventarc.eventReceiver"),
  ];
  return { account, grants };
}

function renderTrigger(
  scope: Scope,
  trigger: Trigger,
  identity: Identity,
  events: Identity,
  jobs: readonly Job[],
): { resources: RenderedResource[]; parts: TriggerParts } {
  const { plan, parent, project, labels } = scope;
  const topic = topicOf(scope, scope.name("topic", trigger.name), ["trigger", trigger.name]);
  const dead = topicOf(scope, scope.name("deadletter", trigger.name), ["failed", trigger.name]);
  const deadLetters = gcp(
    "gcp:pubsub/subscription:Subscription",
    scope.name("failed", trigger.name),
    parent,
    {
      name: nameOf(plan, "subscription", "failed", trigger.name),
      project,
      topic: ref(dead, "id"),
      ackDeadlineSeconds: 60,
      messageRetentionDuration: `${deadLetterSeconds}s`,
      // Never by itself, however long nobody looks.
      expirationPolicy: { ttl: "" },
      labels,
    },
  );
  const grant = grantOnTopic(scope, dead, "workflows", ref(identity.account, "member"));
  const workflow = workflowOf(scope, {
    name: scope.name("trigger", trigger.name),
    physicalName: nameOf(plan, "workflow", "trigger", trigger.name),
    description: `handoff: a run of ${scope.title} for each message of ${trigger.name}`,
    account: identity.account,
    source: triggerSource(scope, trigger),
    dependsOn: namesOf([...jobs, ...identity.grants, grant]),
  });
  const delivery = deliveryOf(scope, scope.name("events", trigger.name), ["trigger", trigger.name], {
    topic,
    workflow,
    account: events.account,
    dependsOn: namesOf(events.grants),
  });
  return {
    resources: [topic, dead, deadLetters, grant, workflow, delivery],
    parts: { name: trigger.name, topic, deadLetters, workflow },
  };
}

export function topicOf(
  { plan, parent, project, labels }: Scope,
  name: string,
  parts: readonly string[],
): Topic {
  return gcp("gcp:pubsub/topic:Topic", name, parent, {
    name: nameOf(plan, "topic", ...parts),
    project,
    labels,
  });
}

export interface EventParts {
  readonly topic: Topic;
  readonly workflow: Workflow;
  readonly account: Account;
  readonly dependsOn: readonly string[];
}

/** Each message of the topic starts the workflow. */
export function deliveryOf(
  { plan, parent, project, region, labels }: Scope,
  name: string,
  parts: readonly string[],
  { topic, workflow, account, dependsOn }: EventParts,
): RenderedResource {
  return gcp(
    "gcp:eventarc/trigger:Trigger",
    name,
    parent,
    {
      name: nameOf(plan, "eventarcTrigger", ...parts),
      project,
      location: region,
      matchingCriterias: [{ attribute: "type", value: "google.cloud.pubsub.topic.v1.messagePublished" }],
      transport: { pubsub: { topic: ref(topic, "id") } },
      destination: { workflow: ref(workflow, "id") },
      serviceAccount: ref(account, "email"),
      labels,
    },
    { dependsOn },
  );
}

/** Source of a trigger's workflow: its argument is the event that the message came in. */
export function triggerSource(scope: Pick<Scope, "plan"> & Place, trigger: Trigger): WorkflowSource {
  const { plan, project } = scope;
  const flow: Flow = isOrchestrated(plan)
    ? flowFor(plan, trigger.tasks)
    : { name: trigger.name, jobs: plan.jobs };
  const called = calledJobs(scope, flow, (job) => callWithMessage(plan, job, trigger));
  const topic = `projects/${project}/topics/${nameOf(plan, "topic", "failed", trigger.name)}`;
  return {
    main: {
      params: ["event"],
      steps: [
        { read_data: { assign: [{ data: '${default(map.get(event, ["data", "message", "data"]), "")}' }] } },
        {
          run: {
            try: {
              steps: [
                { read_message: { assign: [{ message: "${text.decode(base64.decode(data))}" }] } },
                ...flowSteps(flow, called),
              ],
            },
            except: { as: "error", steps: failureSteps(topic, trigger, isOrchestrated(plan)) },
          },
        },
      ],
    },
    ...jobSubworkflows(scope),
  };
}

/**
 * The message is kept, then the workflow fails as well: that is what alerts see. Except where the job that failed is seen by
 * itself: in a project of one job, which would be told twice.
 */
function failureSteps(topic: string, trigger: Trigger, orchestrated: boolean): Step[] {
  const keep: Step = {
    keep_message: {
      call: "googleapis.pubsub.v1.projects.topics.publish",
      args: {
        topic,
        body: {
          messages: [
            {
              data: "${data}",
              attributes: {
                "handoff-trigger": literal(trigger.name),
                "handoff-execution": '${sys.get_env("GOOGLE_CLOUD_WORKFLOW_EXECUTION_ID")}',
              },
            },
          ],
        },
      },
    },
  };
  const told: Step = {
    told_by_the_job: {
      switch: [
        {
          condition: '${"JobFailed" in default(map.get(error, "tags"), [""])}',
          return: "the job failed; the message is in the dead-letter topic",
        },
      ],
    },
  };
  return [keep, ...(orchestrated ? [] : [told]), { fail: { raise: "${error}" } }];
}

function callWithMessage(plan: Scope["plan"], job: PlannedJob, trigger: Trigger) {
  const { args, env } = triggerCall(plan, job, trigger);
  return {
    args: args.map(literal),
    env: [
      ...Object.entries(env).map(([name, value]) => ({ name, value: literal(value) })),
      { name: "HANDOFF_MESSAGE", value: "${message}" },
    ],
  };
}
