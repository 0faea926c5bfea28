/** A Cloud Run job for each job of the plan. */
import type { PlannedJob } from "../../model/plan-types.js";
import { jobCall, secretVariable, storeVariable } from "../container.js";
import { isOrchestrated } from "../flows.js";
import { ref } from "../rendering.js";
import { artifactsUrl, type Bucket } from "./artifacts.js";
import { type Identity, readyWith } from "./identity.js";
import { jobName } from "./names.js";
import type { Network } from "./network.js";
import { gcp, type Made } from "./resources.js";
import type { Scope, Text } from "./scope.js";
import type { Secret, Secrets } from "./secrets.js";
import { sizeOf } from "./size.js";
import type { Stores } from "./stores.js";

export type Job = Made<"gcp:cloudrunv2/job:Job">;

/** Seconds that a task of a Cloud Run job may take: 7 days. Source: Cloud Run's page on task time-outs (docs/cloud-facts.md). */
export const maxTimeoutSeconds = 168 * 3600;

/** The platform's limit stands this far behind the runner's own, which stops the commands in an orderly way. */
export const timeoutMarginSeconds = 120;

/**
 * Cloud Run kills a container 10 s after its SIGTERM (as tried out in public, read 2026-11-21; the contract says it of services
 * alone): commands get most of them, the runner what is left to say so.
 */
const graceSeconds = 7;

/** Seconds after which Cloud Run stops one execution. */
export function platformTimeout(
  orchestrated: boolean,
  { timeoutSeconds, attemptSeconds }: PlannedJob,
): number {
  const limit = orchestrated ? attemptSeconds : timeoutSeconds;
  return limit === undefined
    ? maxTimeoutSeconds
    : Math.min(maxTimeoutSeconds, Math.ceil(limit) + timeoutMarginSeconds);
}

export interface JobParts {
  readonly identity: Identity;
  readonly image: Text;
  readonly network: Network;
  readonly artifacts: Bucket;
  readonly stores: Stores;
  readonly secrets: Secrets;
  /** Of the secrets, those that the commands are given. */
  readonly keys: readonly string[];
}

/** Retries are the runner's or the workflow's: Cloud Run, which can't tell a start that failed from a run, makes none. */
export function job(scope: Scope, job: PlannedJob, parts: JobParts): Job {
  const { plan, parent, project, region, labels } = scope;
  const { identity, image, network, secrets } = parts;
  const { cpu, memoryMiB } = sizeOf(job.resources);
  return gcp(
    "gcp:cloudrunv2/job:Job",
    scope.name("job", job.name),
    parent,
    {
      name: jobName(plan, job.name),
      project,
      location: region,
      labels,
      // The provider's default is true, and a destroy would fail.
      deletionProtection: false,
      template: {
        labels,
        taskCount: 1,
        parallelism: 1,
        template: {
          serviceAccount: ref(identity.account, "email"),
          maxRetries: 0,
          timeout: `${platformTimeout(isOrchestrated(plan), job)}s`,
          containers: [
            {
              image,
              args: [...jobCall(plan, job).args],
              envs: environment(scope, job, parts),
              resources: { limits: { cpu: String(cpu), memory: `${memoryMiB}Mi` } },
            },
          ],
          ...(network.vpcAccess === undefined ? {} : { vpcAccess: network.vpcAccess }),
        },
      },
    },
    // The job's account must be able to read the secrets, and they must have values, before the job can be made.
    {
      dependsOn: [...readyWith(identity), ...secrets.versions.map(({ name }) => name), ...network.dependsOn],
    },
  );
}

/** Plain values, then references to secrets; by name, as the API answers them in the order in which they were given. */
function environment(
  { plan }: Pick<Scope, "plan">,
  job: PlannedJob,
  { artifacts, stores, secrets, keys }: JobParts,
) {
  const values: Record<string, Text> = {
    ...jobCall(plan, job).env,
    HANDOFF_GRACE_SECONDS: String(graceSeconds),
    HANDOFF_ARTIFACTS: artifactsUrl({ plan }, artifacts),
  };
  for (const [store, url] of Object.entries(stores.urls)) values[storeVariable(store)] = url;
  const plain = Object.entries(values).map(([name, value]) => ({ name, value }));
  const references = keys.flatMap((key) => {
    const secret = secrets.secrets.get(key);
    return secret ? [{ name: secretVariable(key), valueSource: { secretKeyRef: latest(secret) } }] : [];
  });
  return [...plain, ...references].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Read at each start: a new value needs no new deployment. */
function latest(secret: Secret) {
  return { secret: ref(secret, "secretId"), version: "latest" };
}
