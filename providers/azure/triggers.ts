/**
 * Queue triggers: a storage queue, and beside it `…-poison` for messages that failed for good.
 * granularity project: a job that Azure starts for each message. Azure only counts messages: the runner takes one from
 * HANDOFF_QUEUE, deletes it after a good run, and moves it to HANDOFF_DEAD_LETTER_QUEUE when the run failed.
 * granularity task: a Logic App takes the message, runs the flow with it and deletes or moves it.
 */
import type { Trigger } from "../../model/project.js";
import { jobCall, triggerCall } from "../container.js";
import { flowFor, jobsOf } from "../flows.js";
import { type RenderedResource, type RenderedValue, ref, type Typed, text } from "../rendering.js";
import type { Storage } from "./artifacts.js";
import { checkAction, flowActions, type MadeJob } from "./flows.js";
import { type Grant, type Identity, identity } from "./identity.js";
import { containerJob, limitSeconds, type Runtime } from "./job.js";
import { type Actions, literal, quoted, signIn, whatever, workflow } from "./logic-app.js";
import { nameInGroup, poisonQueueName } from "./names.js";
import { azure } from "./resources.js";
import type { Scope, Text } from "./scope.js";

export interface RenderedTriggers {
  readonly resources: readonly RenderedResource[];
  readonly made: readonly {
    readonly trigger: Trigger;
    readonly queue: Text;
    readonly deadLetters: Text;
    /** Job or Logic App that takes the messages. */
    readonly taker: Typed<string>;
  }[];
}

interface Queues {
  readonly resources: readonly RenderedResource[];
  readonly name: Text;
  readonly url: Text;
  readonly poisonUrl: Text;
  readonly grants: readonly Grant[];
}

/** granularity project. */
export function triggers(runtime: Runtime, storage: Storage, grants: readonly Grant[]): RenderedTriggers {
  const { scope } = runtime;
  const { plan } = scope;
  const made = plan.triggers.flatMap((trigger) => {
    const [job] = jobsOf(plan, trigger.tasks);
    if (!job) return [];
    const queues = queuesOf(scope, storage, trigger);
    // An identity of its own: other runs have no business with the queue.
    const own = identity(scope, `on-${trigger.name}`, [
      ...grants,
      ...queues.grants,
      { role: "countMessages", of: trigger.name, scope: queueId(storage, queues.name) },
    ]);
    const { args, env } = triggerCall(plan, job, trigger);
    const taker = containerJob(runtime, {
      name: scope.resource("triggerjob", trigger.name),
      parts: [job.name, "on", trigger.name],
      job,
      call: { args, env: { ...jobCall(plan, job).env, ...env } },
      env: { HANDOFF_QUEUE: queues.url, HANDOFF_DEAD_LETTER_QUEUE: queues.poisonUrl },
      identity: own,
      trigger: {
        kind: "queue",
        account: storage.account,
        queue: queues.name,
        maxExecutions: trigger.maxConcurrency,
      },
    });
    return [{ trigger, queues, resources: [...queues.resources, ...own.resources, taker], taker }];
  });
  return rendered(made);
}

/** granularity task. */
export function flowTriggers(runtime: Runtime, storage: Storage, jobs: readonly MadeJob[]): RenderedTriggers {
  const { scope } = runtime;
  const { plan } = scope;
  const made = plan.triggers.flatMap((trigger) => {
    const flow = flowFor(plan, trigger.tasks);
    if (flow.jobs.length === 0) return [];
    const queues = queuesOf(scope, storage, trigger);
    const runs = flow.jobs.flatMap(({ name }) => jobs.filter(({ job }) => job.name === name));
    const own = identity(scope, `on-${trigger.name}`, [
      ...queues.grants,
      ...runs.map(({ job, id }): Grant => ({ role: "runJob", of: job.name, scope: id })),
    ]);
    const taker = workflow(scope, {
      name: scope.resource("trigger", trigger.name),
      parts: [plan.spec.project.name, "on", trigger.name],
      identity: own.id,
      enabled: true,
      triggers: { message: messageTrigger(own, queues, trigger, hiddenSeconds(runtime, flow.jobs)) },
      actions: messageActions(runtime, trigger, queues, own, jobs),
      dependsOn: own.ready,
    });
    return [{ trigger, queues, resources: [...queues.resources, ...own.resources, taker], taker }];
  });
  return rendered(made);
}

function rendered(
  made: readonly {
    trigger: Trigger;
    queues: Queues;
    resources: readonly RenderedResource[];
    taker: Typed<string>;
  }[],
): RenderedTriggers {
  return {
    resources: made.flatMap(({ resources }) => resources),
    made: made.map(({ trigger, queues, taker }) => ({
      trigger,
      queue: queues.url,
      deadLetters: queues.poisonUrl,
      taker,
    })),
  };
}

function queuesOf(scope: Scope, storage: Storage, { name }: Trigger): Queues {
  const { parent, dataGroup } = scope;
  const queueName = nameInGroup("queue", "on", name);
  const queue = (kind: string, physical: string) =>
    azure("azure-native:storage:Queue", scope.resource(kind, name), parent, {
      accountName: storage.account,
      resourceGroupName: dataGroup,
      queueName: physical,
    });
  const messages = queue("queue", queueName);
  const poison = queue("deadletters", poisonQueueName(queueName));
  const url = (of: Text) => text`https://${storage.account}.queue.core.windows.net/${of}`;
  return {
    resources: [messages, poison],
    name: ref(messages, "name"),
    url: url(ref(messages, "name")),
    poisonUrl: url(ref(poison, "name")),
    grants: [
      { role: "takeMessages", of: name, scope: queueId(storage, ref(messages, "name")) },
      { role: "sendMessages", of: name, scope: queueId(storage, ref(poison, "name")) },
    ],
  };
}

/** The full id, as a scope of a role. */
function queueId({ accountId }: Storage, name: Text): Text {
  return text`${accountId}/queueServices/default/queues/${name}`;
}

const storageApi = { "x-ms-version": "2021-12-02" } as const;
const storageAudience = "https://storage.azure.com/";

/** A message stays hidden while it is worked on: for all time-outs of its jobs, at most the week that a queue allows. */
function hiddenSeconds(runtime: Runtime, jobs: readonly MadeJob["job"][]): number {
  const all = jobs.reduce(
    (sum, job) => sum + (limitSeconds(runtime, job) + 900) * ((job.retries?.max ?? 0) + 1),
    3600,
  );
  return Math.min(604_800, Math.ceil(all));
}

/** Asks the queue for one message; a run for each, and no more runs at a time than the project allows. */
function messageTrigger(own: Identity, { url }: Queues, trigger: Trigger, hidden: number): RenderedValue {
  return {
    type: "Http",
    recurrence: { frequency: "Second", interval: 30 },
    inputs: {
      method: "GET",
      uri: text`${url}/messages?numofmessages=1&visibilitytimeout=${hidden}`,
      headers: storageApi,
      authentication: signIn(own.id, storageAudience),
    },
    conditions: [{ expression: `@not(empty(${messagePart("MessageId")}))` }],
    runtimeConfiguration: { concurrency: { runs: trigger.maxConcurrency } },
  };
}

/** A part of the message, in the XML that the queue answers. */
function messagePart(name: "MessageId" | "PopReceipt" | "MessageText"): string {
  return `xpath(xml(triggerBody()), 'string(//QueueMessage/${name})')`;
}

function messageActions(
  runtime: Runtime,
  trigger: Trigger,
  queues: Queues,
  own: Identity,
  jobs: readonly MadeJob[],
): Actions {
  const flow = flowFor(runtime.scope.plan, trigger.tasks);
  const actions = flowActions(runtime, flow, jobs, own.id, {
    options: "''",
    env: "outputs('Message')",
  });
  const good = flow.jobs.map(
    ({ name }) => `equals(actions(${quoted(checkAction(name))})?['status'], 'Succeeded')`,
  );
  const remove = (runAfter: RenderedValue): RenderedValue => ({
    type: "Http",
    inputs: {
      method: "DELETE",
      uri: text`${queues.url}/messages/@{${messagePart("MessageId")}}?popreceipt=@{encodeUriComponent(${messagePart("PopReceipt")})}`,
      headers: storageApi,
      authentication: signIn(own.id, storageAudience),
    },
    runAfter,
  });
  // Leaves of the flow: when each has ended in some way, so has everything.
  const ends = Object.assign({}, ...flow.jobs.map(({ name }) => whatever(checkAction(name))));
  return {
    Message: {
      type: "Compose",
      inputs: [
        { name: "HANDOFF_MESSAGE", value: `@{${messagePart("MessageText")}}` },
        { name: "HANDOFF_TRIGGER", value: literal(trigger.name) },
      ],
      runAfter: {},
    },
    ...withMessage(actions),
    Finish: {
      type: "If",
      expression: `@and(${["true", ...good].join(", ")})`,
      actions: { Delete: remove({}) },
      else: {
        actions: {
          Move: {
            type: "Http",
            inputs: {
              method: "POST",
              uri: text`${queues.poisonUrl}/messages`,
              headers: { ...storageApi, "Content-Type": "application/xml" },
              body: `@{concat('<QueueMessage><MessageText>', replace(replace(${messagePart("MessageText")}, '&', '&amp;'), '<', '&lt;'), '</MessageText></QueueMessage>')}`,
              authentication: signIn(own.id, storageAudience),
            },
            runAfter: {},
          },
          Delete_moved: remove({ Move: ["Succeeded"] }),
          // The run is a failed one: the alert sees it.
          Fail: {
            type: "Terminate",
            inputs: {
              runStatus: "Failed",
              runError: { code: "JobFailed", message: "a job of the flow failed" },
            },
            runAfter: whatever("Delete_moved"),
          },
        },
      },
      runAfter: ends,
    },
  };
}

/** The variables of the jobs are put together after the message's. */
function withMessage(actions: Actions): Actions {
  const { Environments, ...rest } = actions;
  return {
    Environments: {
      ...(Environments as Record<string, RenderedValue>),
      runAfter: { Message: ["Succeeded"] },
    },
    ...rest,
  };
}
