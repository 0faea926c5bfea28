/** What the stack shows. */
import { type RenderedInputs, type RenderedResource, type RenderedValue, ref } from "../rendering.js";
import { artifactsUrl, type Bucket } from "./artifacts.js";
import type { FlowWorkflow } from "./flows.js";
import type { Job } from "./job.js";
import type { Network } from "./network.js";
import type { Scope } from "./scope.js";
import type { Stores } from "./stores.js";
import type { Triggers } from "./triggers.js";

export interface Shown {
  readonly image: RenderedValue;
  readonly jobs: readonly Job[];
  readonly flows: readonly FlowWorkflow[];
  readonly schedules: readonly RenderedResource[];
  readonly triggers: Triggers;
  readonly artifacts: Bucket;
  readonly stores: Stores;
  /** The log bucket first, where there is one. */
  readonly logs: readonly RenderedResource[];
  readonly network: Network;
}

export function outputs(scope: Scope, shown: Shown): RenderedInputs {
  const { plan, project, region } = scope;
  const { artifacts, stores, network, triggers, flows } = shown;
  const [logBucket] = shown.logs;
  const home = "https://console.cloud.google.com";
  const urls = { artifacts: artifactsUrl(scope, artifacts), ...stores.urls };
  return {
    project,
    region,
    image: shown.image,
    jobs: byName(plan.jobs, shown.jobs, ({ inputs }) => ({
      name: inputs.name,
      logs: `${home}/run/jobs/details/${region}/${inputs.name}/logs?project=${project}`,
    })),
    flows: Object.fromEntries(flows.map(({ name, workflow }) => [name, ref(workflow, "name")])),
    schedules: byName(plan.schedules, shown.schedules, ({ inputs }) => inputs.name),
    triggers: Object.fromEntries(triggers.triggers.map(({ name, topic }) => [name, ref(topic, "id")])),
    // Each has a workflow of its own, whose executions are runs where it orders jobs.
    ...(flows.length > 0 && triggers.triggers.length > 0
      ? {
          triggerFlows: Object.fromEntries(
            triggers.triggers.map(({ name, workflow }) => [name, ref(workflow, "name")]),
          ),
        }
      : {}),
    deadLetters: Object.fromEntries(
      triggers.triggers.map(({ name, deadLetters }) => [name, ref(deadLetters, "id")]),
    ),
    stores: urls,
    // What `handoff logs` reads once the project's own bucket has forgotten a run.
    ...(logBucket === undefined ? {} : { logBucket: ref(logBucket, "id") }),
    // Left behind by a destroy.
    kept: plan.settings.deleteData ? [] : Object.values(urls),
    ...(network.address === undefined ? {} : { address: network.address }),
    console: `${home}/run/jobs?project=${project}`,
  };
}

/** What `outputs` says is left behind. */
export function keptData({ kept }: Readonly<Record<string, unknown>>): string[] {
  return Array.isArray(kept) ? kept.filter((url): url is string => typeof url === "string") : [];
}

function byName(
  planned: readonly { readonly name: string }[],
  made: readonly RenderedResource[],
  value: (resource: RenderedResource) => RenderedValue,
): Record<string, RenderedValue> {
  return Object.fromEntries(
    planned.flatMap(({ name }, index) => {
      const found = made[index];
      return found ? [[name, value(found)]] : [];
    }),
  );
}
