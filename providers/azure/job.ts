/** Container Apps jobs. */
import type { PlannedJob } from "../../model/plan-types.js";
import type { ContainerCall } from "../container.js";
import { isOrchestrated } from "../flows.js";
import type { Identity } from "./identity.js";
import type { RunnerImage } from "./image.js";
import { nameInGroup } from "./names.js";
import { profile } from "./network.js";
import { azure } from "./resources.js";
import { replaced, type Scope, type Text } from "./scope.js";
import type { JobSecret } from "./secrets.js";
import { sizeOf } from "./size.js";

/** What all jobs of a deployment have in common. */
export interface Runtime {
  readonly scope: Scope;
  readonly environmentId: Text;
  readonly image: RunnerImage;
  readonly secrets: readonly JobSecret[];
  /** Artifacts and stores: variable to URL. */
  readonly env: Readonly<Record<string, Text>>;
}

export type Trigger =
  | { readonly kind: "manual" }
  /** In UTC. */
  | { readonly kind: "schedule"; readonly cron: string }
  | { readonly kind: "queue"; readonly account: Text; readonly queue: Text; readonly maxExecutions: number };

export interface JobSpec {
  /** Name in Pulumi. */
  readonly name: string;
  /** Parts of its name on Azure. */
  readonly parts: readonly string[];
  readonly job: PlannedJob;
  readonly call: ContainerCall;
  /** Beside those of the call and the runtime. */
  readonly env?: Readonly<Record<string, Text>>;
  readonly identity: Identity;
  readonly trigger: Trigger;
}

/** The name of a job's one container: `/start` names it as well. */
export const containerName = "runner";

/** Where nothing limits a run: a number is needed, and Azure's maximum is unknown (docs/cloud-facts.md). */
const longestRunSeconds = 86_400;
/** The runner stops tasks itself, in time to say so. */
const graceSeconds = 120;

/** The limit of one execution: behind the runner's own. */
export function limitSeconds(runtime: Pick<Runtime, "scope">, job: PlannedJob): number {
  const declared = isOrchestrated(runtime.scope.plan) ? job.attemptSeconds : job.timeoutSeconds;
  return declared === undefined ? longestRunSeconds : Math.ceil(declared) + graceSeconds;
}

export function containerJob(runtime: Runtime, spec: JobSpec) {
  const { scope, environmentId, image, secrets } = runtime;
  const { parent, location, tags, group } = scope;
  const { name, parts, job, identity, trigger } = spec;
  return azure(
    "azure-native:app:Job",
    name,
    parent,
    {
      jobName: nameInGroup("job", ...parts),
      resourceGroupName: group,
      location,
      environmentId,
      workloadProfileName: profile,
      identity: { type: "UserAssigned", userAssignedIdentities: [identity.id] },
      configuration: {
        ...triggerConfiguration(trigger, identity),
        replicaTimeout: limitSeconds(runtime, job),
        // Retries are the runner's, or of the Logic App that orders the jobs: a failed container would run again at once.
        replicaRetryLimit: 0,
        ...(image.server === undefined
          ? {}
          : { registries: [{ server: image.server, identity: identity.id }] }),
        ...(secrets.length === 0
          ? {}
          : {
              secrets: secrets.map((secret) => ({
                name: secret.name,
                keyVaultUrl: secret.url,
                identity: identity.id,
              })),
            }),
      },
      template: { containers: [container(runtime, spec)] },
      tags,
    },
    // Azure reads the secrets and the image with the identity when the job is made. That the roles have arrived everywhere by
    // then is UNCONFIRMED; the environment before takes some minutes, and a second `up` goes on where one failed.
    { ...replaced, dependsOn: identity.ready },
  );
}

/** The container, as a job has it, and as a Logic App starts it: complete, since `/start` replaces the job's own. */
export function container(
  { image, secrets, env }: Runtime,
  { job, call, env: more = {}, identity }: Pick<JobSpec, "job" | "call" | "env" | "identity">,
) {
  const { cpu, memoryMiB } = sizeOf(job.resources);
  // AZURE_CLIENT_ID tells Azure's SDKs which of a job's identities is meant.
  const plain: Readonly<Record<string, Text>> = {
    ...call.env,
    ...env,
    ...more,
    AZURE_CLIENT_ID: identity.clientId,
  };
  const variables = [
    ...Object.entries(plain).map(([name, value]) => ({ name, value })),
    ...secrets.map(({ name, variable }) => ({ name: variable, secretRef: name })),
  ];
  return {
    name: containerName,
    image: image.reference as Text,
    args: [...call.args],
    env: variables.sort((a, b) => (a.name < b.name ? -1 : 1)),
    resources: { cpu, memory: `${memoryMiB / 1024}Gi` },
  };
}

function triggerConfiguration(trigger: Trigger, identity: Identity) {
  const one = { parallelism: 1, replicaCompletionCount: 1 };
  switch (trigger.kind) {
    case "manual":
      return { triggerType: "Manual", manualTriggerConfig: one };
    case "schedule":
      return {
        triggerType: "Schedule",
        scheduleTriggerConfig: { ...one, cronExpression: trigger.cron },
      };
    case "queue":
      return {
        triggerType: "Event",
        eventTriggerConfig: {
          ...one,
          scale: {
            minExecutions: 0,
            maxExecutions: trigger.maxExecutions,
            pollingInterval: 30,
            rules: [
              {
                name: "queue",
                type: "azure-queue",
                identity: identity.id,
                // Texts, as KEDA wants them. Messages that a run has taken are counted too: `maxExecutions` bounds runs.
                metadata: { accountName: trigger.account, queueName: trigger.queue, queueLength: "1" },
              },
            ],
          },
        },
      };
  }
}
