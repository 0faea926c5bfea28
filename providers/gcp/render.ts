import type { DeployPlan } from "../../model/plan-types.js";
import type { RenderContext } from "../contract.js";
import type { RenderedResource, Rendering } from "../rendering.js";
import { alerts } from "./alerts.js";
import { withApis } from "./apis.js";
import { artifacts } from "./artifacts.js";
import { channels, isCalled } from "./channels.js";
import { flows, workflowIdentity } from "./flows.js";
import { jobIdentity } from "./identity.js";
import { image } from "./image.js";
import { job } from "./job.js";
import { logs } from "./logs.js";
import { network } from "./network.js";
import { outputs } from "./outputs.js";
import { schedules } from "./schedules.js";
import { scopeOf } from "./scope.js";
import { jobSecretKeys, secrets } from "./secrets.js";
import { stores } from "./stores.js";
import { eventsIdentity, triggers } from "./triggers.js";

/** The plan as resources of Google Cloud, each after those it refers to. */
export function render(plan: DeployPlan, context: RenderContext): Rendering {
  const scope = scopeOf(plan, context);
  const net = network(scope);
  const runner = image(scope);
  const held = secrets(scope);
  const kept = artifacts(scope);
  const declared = stores(scope);

  const keys = jobSecretKeys(plan);
  const readable = keys.flatMap((key) => held.secrets.get(key) ?? []);
  const compute = plan.jobs.map((planned) => {
    const identity = jobIdentity(scope, planned.name, {
      secrets: readable,
      artifacts: kept,
      stores: declared,
    });
    const parts = { identity, image: runner.reference, network: net, artifacts: kept, stores: declared };
    return { identity, job: job(scope, planned, { ...parts, secrets: held, keys }) };
  });
  const jobs = compute.map((made) => made.job);

  const orchestrator = workflowIdentity(scope, jobs);
  const ordered = flows(scope, orchestrator, jobs);
  const logged = logs(scope);
  const timed = schedules(scope, jobs, ordered);
  const events = hasEvents(plan) ? eventsIdentity(scope) : null;
  const triggered = triggers(scope, orchestrator, events, jobs);
  const told = channels(scope, { secrets: held, artifacts: kept, events });

  const pipeline: RenderedResource = {
    type: "handoff:gcp:Pipeline",
    name: context.name,
    parent: null,
    inputs: {},
  };
  const made = [
    ...net.resources,
    ...runner.resources,
    ...held.secrets.values(),
    ...held.versions,
    kept,
    ...declared.buckets,
    ...declared.databaseResources,
    ...compute.flatMap(({ identity }) => [identity.account, ...identity.grants]),
    ...jobs,
    ...logged,
    ...(orchestrator ? [orchestrator.account, ...orchestrator.grants] : []),
    ...ordered.map(({ workflow }) => workflow),
    ...timed.resources,
    ...(events ? [events.account, ...events.grants] : []),
    ...triggered.resources,
    ...[...told.values()].flatMap(({ resources }) => resources),
    ...alerts(scope, told, {
      flows: ordered.map(({ workflow }) => String(workflow.inputs.name)),
      triggers: triggered.triggers.map(({ workflow }) => String(workflow.inputs.name)),
      schedules: timed.jobs.map(({ inputs }) => String(inputs.name)),
    }),
  ];
  return {
    resources: [pipeline, ...withApis(scope, made)],
    lookups: runner.lookups,
    outputs: outputs(scope, {
      image: runner.reference,
      jobs,
      flows: ordered,
      schedules: timed.jobs,
      triggers: triggered,
      artifacts: kept,
      stores: declared,
      logs: logged,
      network: net,
    }),
  };
}

/** Whether messages start workflows: of a queue, or of Monitoring for a webhook. */
function hasEvents({ triggers, notifications, settings }: DeployPlan): boolean {
  return triggers.length > 0 || notifications.some(({ target }) => isCalled(target, settings.secretKeys));
}
