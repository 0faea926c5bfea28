/** What the stack shows, and what running a job by hand needs. */
import { type RenderedInputs, type RenderedValue, ref, text } from "../rendering.js";
import type { MadeFlows } from "./flows.js";
import { containerName, type MadeCluster, type MadeJob } from "./job.js";
import type { Network } from "./network.js";
import type { MadeSchedules } from "./schedules.js";
import type { Scope } from "./scope.js";
import type { MadeTriggers } from "./triggers.js";

export interface OutputParts {
  readonly cluster: MadeCluster;
  readonly network: Network;
  readonly jobs: readonly MadeJob[];
  readonly flows: MadeFlows;
  readonly schedules: MadeSchedules;
  readonly triggers: MadeTriggers;
  /** Name to URL; `artifacts` among them. */
  readonly stores: Readonly<Record<string, RenderedValue>>;
  readonly image: RenderedValue;
}

export function outputs(scope: Scope, parts: OutputParts): RenderedInputs {
  const { region, plan } = scope;
  const { cluster, network, jobs, flows, schedules, triggers, stores, image } = parts;
  const home = `https://${region}.console.aws.amazon.com`;
  return {
    region,
    account: scope.account,
    cluster: cluster.arn,
    image,
    network: {
      subnets: network.subnets,
      securityGroups: [...network.securityGroups],
      assignPublicIp: network.publicIp,
    },
    jobs: Object.fromEntries(
      jobs.map(({ job, family, definition, logGroup }) => [
        job.name,
        {
          family,
          taskDefinition: definition,
          container: containerName,
          logGroup,
          logs: `${home}/cloudwatch/home?region=${region}#logsV2:log-groups/log-group/${logGroup.replaceAll("/", "$252F")}`,
        },
      ]),
    ),
    flows: flows.machines,
    schedules: schedules.names,
    ...(schedules.group === undefined ? {} : { scheduleGroup: schedules.group }),
    ...(schedules.deadLetters === undefined ? {} : { missedQueue: schedules.deadLetters.url }),
    triggers: triggers.queues,
    stores,
    // Left behind by a destroy.
    kept: plan.settings.deleteData ? [] : Object.values(stores),
    console: text`${home}/ecs/v2/clusters/${ref(cluster.cluster, "name")}/tasks?region=${region}`,
  };
}

/** What `outputs` says is left behind. */
export function keptData({ kept }: Readonly<Record<string, unknown>>): string[] {
  return Array.isArray(kept) ? kept.filter((url): url is string => typeof url === "string") : [];
}
