import type { DeployPlan } from "../../model/plan-types.js";
import type { RenderContext } from "../contract.js";
import type { RenderedResource, Rendering } from "../rendering.js";
import { renderAlerts } from "./alerts.js";
import { withApis } from "./apis.js";
import { renderArtifacts } from "./artifacts.js";
import { isCalled, renderChannels } from "./channels.js";
import { renderFlows, renderWorkflowIdentity } from "./flows.js";
import { renderJobIdentity } from "./identity.js";
import { renderImage } from "./image.js";
import { renderJob } from "./job.js";
import { renderLogs } from "./logs.js";
import { renderNetwork } from "./network.js";
import { outputsOf } from "./outputs.js";
import { renderSchedules } from "./schedules.js";
import { scopeOf } from "./scope.js";
import { jobSecretKeys, renderSecrets } from "./secrets.js";
import { renderStores } from "./stores.js";
import { renderEventsIdentity, renderTriggers } from "./triggers.js";

/** The plan as resources of Google Cloud, each after those it refers to. */
export function render(plan: DeployPlan, context: RenderContext): Rendering {
  const scope = scopeOf(plan, context);
  const network = renderNetwork(scope);
  const image = renderImage(scope);
  const secrets = renderSecrets(scope);
  const artifacts = renderArtifacts(scope);
  const stores = renderStores(scope);

  const keys = jobSecretKeys(plan);
  const jobSecrets = keys.flatMap((key) => secrets.secrets.get(key) ?? []);
  const identities = plan.jobs.map(({ name }) =>
    renderJobIdentity(scope, name, { secrets: jobSecrets, artifacts, stores }),
  );
  const jobs = plan.jobs.flatMap((job, index) => {
    const identity = identities[index];
    if (!identity) return [];
    return [renderJob(scope, job, { identity, image: image.ref, network, artifacts, stores, secrets, keys })];
  });
  const logs = renderLogs(scope);

  const workflowIdentity = renderWorkflowIdentity(scope, jobs);
  const flows = renderFlows(scope, workflowIdentity, jobs);
  const schedules = renderSchedules(scope, jobs, flows);
  const events = hasEvents(plan) ? renderEventsIdentity(scope) : null;
  const triggers = renderTriggers(scope, workflowIdentity, events, jobs);

  const channels = renderChannels(scope, { secrets, artifacts, events });
  const alerts = renderAlerts(scope, channels, {
    flows: flows.map(({ workflow }) => String(workflow.inputs.name)),
    triggers: triggers.triggers.map(({ workflow }) => String(workflow.inputs.name)),
    schedules: schedules.jobs.map(({ inputs }) => String(inputs.name)),
  });

  const pipeline: RenderedResource = {
    type: "handoff:gcp:Pipeline",
    name: context.name,
    parent: null,
    inputs: {},
  };
  const made = [
    ...network.resources,
    ...image.resources,
    ...secrets.secrets.values(),
    ...secrets.versions,
    artifacts,
    ...stores.buckets,
    ...(stores.database ? [stores.database] : []),
    ...identities.flatMap(({ account, grants }) => [account, ...grants]),
    ...jobs,
    ...logs,
    ...(workflowIdentity ? [workflowIdentity.account, ...workflowIdentity.grants] : []),
    ...flows.map(({ workflow }) => workflow),
    ...schedules.resources,
    ...(events ? [events.account, ...events.grants] : []),
    ...triggers.resources,
    ...[...channels.values()].flatMap(({ resources }) => resources),
    ...alerts,
  ];
  return {
    resources: [pipeline, ...withApis(scope, made)],
    lookups: image.lookups,
    outputs: outputsOf(scope, {
      image: image.ref,
      jobs,
      flows,
      schedules: schedules.jobs,
      triggers,
      artifacts,
      stores,
      network,
    }),
  };
}

/** Whether messages start workflows: of a queue, or of Monitoring for a webhook. */
function hasEvents({ triggers, notifications, settings }: DeployPlan): boolean {
  return triggers.length > 0 || notifications.some(({ target }) => isCalled(target, settings.secretKeys));
}
