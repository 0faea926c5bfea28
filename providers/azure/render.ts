import type { DeployPlan } from "../../model/plan-types.js";
import { jobCall } from "../container.js";
import type { RenderContext } from "../contract.js";
import { isOrchestrated } from "../flows.js";
import { type RenderedResource, type Rendering, ref } from "../rendering.js";
import { alerts } from "./alerts.js";
import { artifacts } from "./artifacts.js";
import { type Flows, flows, type MadeJob } from "./flows.js";
import { type Grant, identity } from "./identity.js";
import { image } from "./image.js";
import { containerJob, type Runtime } from "./job.js";
import { logs } from "./logs.js";
import { network } from "./network.js";
import { outputs } from "./outputs.js";
import { flowSchedules, schedules } from "./schedules.js";
import { scopeOf } from "./scope.js";
import { secrets } from "./secrets.js";
import { stores } from "./stores.js";
import { flowTriggers, triggers } from "./triggers.js";

/** Type token of the component. */
export const pipelineType = "handoff:azure:Pipeline";

/** The plan as resources of Azure, each after those that it refers to. */
export function render(plan: DeployPlan, context: RenderContext): Rendering {
  const { scope, resources: groups, lookups } = scopeOf(plan, context);
  const storage = artifacts(scope);
  const declared = stores(scope, storage);
  const kept = secrets(scope);
  const runner = image(scope);
  const log = logs(scope);
  const net = network(scope, log);
  const runtime: Runtime = {
    scope,
    environmentId: net.environmentId,
    image: runner,
    secrets: kept.secrets,
    env: { HANDOFF_ARTIFACTS: storage.url, ...declared.env },
  };
  const grants = [...runner.grants, ...storage.grants, ...declared.grants, ...kept.grants];
  const jobs = plan.jobs.map((job) => madeJob(runtime, job, grants));
  const ordered: Flows | undefined = isOrchestrated(plan) ? flows(runtime, jobs) : undefined;
  const [first] = jobs;
  const scheduled = ordered
    ? flowSchedules(scope, ordered)
    : first
      ? schedules(runtime, first.identity)
      : { resources: [], made: {}, jobNames: {} };
  const triggered = ordered ? flowTriggers(runtime, storage, jobs) : triggers(runtime, storage, grants);
  const told = alerts(scope, {
    workspaceId: log.workspaceId,
    flows: ordered
      ? [
          ...ordered.flows.map(({ flow, workflow }) => ({ name: flow.name, workflow })),
          ...triggered.made.map(({ trigger, taker }) => ({ name: `on-${trigger.name}`, workflow: taker })),
        ]
      : [],
    jobNames: scheduled.jobNames,
  });
  const pipeline: RenderedResource = { type: pipelineType, name: context.name, parent: null, inputs: {} };
  return {
    resources: [
      pipeline,
      ...groups,
      ...storage.resources,
      ...declared.resources,
      ...kept.resources,
      ...runner.resources,
      ...log.resources,
      ...net.resources,
      ...jobs.flatMap(({ resources }) => resources),
      ...(ordered?.resources ?? []),
      ...scheduled.resources,
      ...triggered.resources,
      ...told,
    ],
    lookups: [...lookups, ...runner.lookups, ...log.lookups],
    outputs: outputs(scope, {
      jobs,
      flows: ordered?.flows ?? [],
      schedules: scheduled,
      triggers: triggered,
      artifacts: storage.url,
      stores: declared.urls,
      workspaceId: log.workspaceId,
      image: runner.reference,
      ...(net.address === undefined ? {} : { address: net.address }),
    }),
  };
}

/** A job that waits to be started, and the identity that it has: nothing else uses it but the job's schedules. */
function madeJob(
  runtime: Runtime,
  job: DeployPlan["jobs"][number],
  grants: readonly Grant[],
): MadeJob & { readonly resources: readonly RenderedResource[] } {
  const { scope } = runtime;
  const own = identity(scope, `job-${job.name}`, grants);
  const made = containerJob(runtime, {
    name: scope.resource("job", job.name),
    parts: [job.name, "job"],
    job,
    call: jobCall(scope.plan, job),
    identity: own,
    trigger: { kind: "manual" },
  });
  return {
    job,
    identity: own,
    id: ref(made, "id"),
    azureName: ref(made, "name"),
    resources: [...own.resources, made],
  };
}
