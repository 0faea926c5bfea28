import type { DeployPlan } from "../../model/plan-types.js";
import type { RenderContext } from "../contract.js";
import type { RenderedResource, Rendering } from "../rendering.js";
import { alerts } from "./alerts.js";
import { artifacts } from "./artifacts.js";
import { flows } from "./flows.js";
import { image } from "./image.js";
import { cluster, job } from "./job.js";
import { network } from "./network.js";
import { outputs } from "./outputs.js";
import { schedules } from "./schedules.js";
import { scopeOf } from "./scope.js";
import { secrets } from "./secrets.js";
import { stores } from "./stores.js";
import { triggers } from "./triggers.js";

/** The plan as AWS resources, each after those it refers to. */
export function render(plan: DeployPlan, context: RenderContext): Rendering {
  const { scope, lookups } = scopeOf(plan, context);
  const pipeline: RenderedResource = {
    type: "handoff:aws:Pipeline",
    name: context.name,
    parent: null,
    inputs: {},
  };
  const kept = artifacts(scope);
  const declared = stores(scope);
  const held = secrets(scope);
  const net = network(scope);
  const runner = image(scope);
  const compute = cluster(scope);
  const jobs = plan.jobs.map((planned) =>
    job(scope, planned, {
      image: runner,
      secrets: held,
      network: net,
      env: { HANDOFF_ARTIFACTS: kept.url, ...declared.env },
      statements: [...kept.statements, ...declared.statements],
    }),
  );
  const parts = { cluster: compute, network: net, jobs };
  const ordered = flows(scope, parts);
  const timed = schedules(scope, { ...parts, flows: ordered });
  const triggered = triggers(scope, { ...parts, flows: ordered });
  const told = alerts(scope, {
    cluster: compute.arn,
    flows: ordered.arns,
    triggers: triggered.machines,
    schedules: timed,
    endings: kept.endings,
  });
  return {
    lookups: [...lookups, ...net.lookups, ...runner.lookups],
    resources: [
      pipeline,
      ...kept.resources,
      ...declared.resources,
      ...held.resources,
      ...net.resources,
      ...runner.resources,
      compute.cluster,
      compute.capacity,
      ...jobs.flatMap((made) => made.resources),
      ...ordered.resources,
      ...timed.resources,
      ...triggered.resources,
      ...told,
    ],
    outputs: outputs(scope, {
      ...parts,
      flows: ordered,
      schedules: timed,
      triggers: triggered,
      stores: { artifacts: kept.url, ...declared.urls },
      image: runner.reference,
    }),
  };
}
