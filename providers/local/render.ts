import { installSpec } from "../../model/plan.js";
import type { DeployPlan } from "../../model/plan-types.js";
import type { Project } from "../../model/project.js";
import type { RunSpec } from "../../model/run.js";
import type { RenderContext } from "../contract.js";
import { clones } from "../git-source.js";
import type { Reference, RenderedInputs, RenderedResource, RenderedValue, Rendering } from "../rendering.js";
import { deploymentName, resourceName } from "./names.js";
import { renderSchedule } from "./schedule.js";
import { containerSize } from "./size.js";

/** The plan as resources of the local platform, parents first. */
export function render(plan: DeployPlan, context: RenderContext): Rendering {
  const { settings, spec } = plan;
  const { project } = spec;
  const deployment = deploymentName(context.pulumiProject, settings.stack);
  const nameOf = (...parts: string[]) => resourceName(context.name, parts);
  const parent = context.name;
  const job = project.name;
  const child: MakeChild = (type, part, inputs) => ({
    type: `handoff:local:${type}`,
    name: nameOf(part),
    parent,
    inputs: { deployment, ...inputs },
  });

  const pipeline: RenderedResource = {
    type: "handoff:local:Pipeline",
    name: context.name,
    parent: null,
    inputs: { deployment },
  };

  const { resources: content, inputs: contentInputs } =
    settings.engine === "docker" ? image(plan, child) : codeAndVenvs(plan, child);
  // Without Docker, or with a project that can't be built, nothing else is made.
  const afterImage = settings.engine === "docker" ? { dependsOn: content.map(({ name }) => name) } : {};

  const secrets = plan.secrets.map(
    ({ key }): RenderedResource => ({
      type: "handoff:local:Secret",
      name: nameOf("secret", key),
      parent,
      inputs: { deployment, key, value: { $secret: key } },
      ...afterImage,
    }),
  );

  const artifacts: RenderedResource = {
    type: "handoff:local:Store",
    name: nameOf("artifacts"),
    parent,
    inputs: { deployment, name: "artifacts", kind: "artifacts", deleteData: settings.deleteData },
    ...afterImage,
  };
  const stores = plan.stores.map(
    ({ name, kind }): RenderedResource => ({
      type: "handoff:local:Store",
      name: nameOf("store", name),
      parent,
      inputs: { deployment, name, kind, deleteData: settings.deleteData },
      ...afterImage,
    }),
  );

  // One job, whatever the granularity: the runner orders tasks by depends_on and retries them.
  const jobs: RenderedResource[] = [
    {
      type: "handoff:local:Job",
      name: nameOf("job", job),
      parent,
      inputs: {
        deployment,
        stack: settings.stack,
        client: settings.client,
        name: job,
        tasks: plan.jobs.flatMap(({ tasks }) => tasks),
        ...contentInputs,
        spec: asInput(jobSpec(spec)),
        timeoutSeconds: project.deploy.timeoutSeconds,
        notifications: asInput(plan.notifications),
        secretKeys: plan.secrets.map(({ key }) => key),
      },
      // An agent that sees the job may run it at once.
      dependsOn: [...secrets, artifacts, ...stores].map(({ name }) => name),
    },
  ];
  const dependsOn = jobs.map(({ name }) => name);

  const schedules = plan.schedules.map(
    (schedule): RenderedResource => ({
      type: "handoff:local:Schedule",
      name: nameOf("schedule", schedule.name),
      parent,
      inputs: { deployment, name: schedule.name, job, schedule: renderSchedule(schedule) },
      dependsOn,
    }),
  );
  const triggers = plan.triggers.map(
    ({ name, tasks, maxConcurrency }): RenderedResource => ({
      type: "handoff:local:Trigger",
      name: nameOf("trigger", name),
      parent,
      inputs: { deployment, name, job, tasks, maxConcurrency },
      dependsOn,
    }),
  );

  const resources = [
    pipeline,
    ...content,
    ...secrets,
    artifacts,
    ...stores,
    ...jobs,
    ...schedules,
    ...triggers,
  ];
  return {
    resources: resources.map(dropUndefined),
    lookups: [],
    outputs: outputsOf({ jobs, schedules, triggers, stores: [artifacts, ...stores] }),
  };
}

type MakeChild = (type: string, part: string, inputs: RenderedInputs) => RenderedResource;

/** What a run works with, and how its job names that. */
interface Content {
  readonly resources: readonly RenderedResource[];
  readonly inputs: RenderedInputs;
}

function codeAndVenvs({ settings, spec }: DeployPlan, child: MakeChild): Content {
  // Each run clones it, and installs what is new.
  if (clones({ spec })) return { resources: [], inputs: { codeDir: "", venvsDir: "" } };
  const source = settings.projectDir;
  const code = child("Code", "code", { source });
  const codeDir = ref(code, "codeDir");
  if (spec.project.installs.length === 0) {
    return { resources: [code], inputs: { codeDir, venvsDir: "" } };
  }
  const venvs = child("Venvs", "venvs", { source, codeDir, spec: asInput(installSpec(spec)) });
  return { resources: [code, venvs], inputs: { codeDir, venvsDir: ref(venvs, "venvsDir") } };
}

/** The image holds files and environments. */
function image(plan: DeployPlan, child: MakeChild): Content {
  const { projectDir: source, image: given, imageBase, imageNode } = plan.settings;
  const from = {
    ...(imageBase === undefined ? {} : { base: imageBase }),
    ...(imageNode === undefined ? {} : { node: imageNode }),
  };
  const made =
    given === undefined
      ? child("Image", "image", { source, spec: asInput(plan.spec), ...from })
      : child("Image", "image", { image: given });
  const container = { image: ref(made, "imageId"), ...containerSize(plan) };
  return { resources: [made], inputs: { codeDir: "", venvsDir: "", container } };
}

/** What the stack shows. */
function outputsOf(made: Readonly<Record<"jobs" | "schedules" | "triggers" | "stores", RenderedResource[]>>) {
  const names = (resources: readonly RenderedResource[]) => resources.map(({ inputs }) => inputs.name);
  return {
    jobs: names(made.jobs),
    schedules: names(made.schedules),
    triggers: names(made.triggers),
    stores: Object.fromEntries(made.stores.map((store) => [String(store.inputs.name), ref(store, "path")])),
    ...(made.stores[0] ? { folder: ref(made.stores[0], "folder") } : {}),
  } satisfies RenderedInputs;
}

/**
 * The spec without what has a record of its own, so that an edit of a schedule's time changes that schedule alone. A
 * schedule's zone, vars and envs are part of what the job runs (`RunRequest.schedule`); the rest of it isn't.
 */
function jobSpec(spec: RunSpec): RunSpec {
  const schedules = spec.project.schedules.map(({ name, timezone, tasks, envs, vars }) => ({
    name,
    tasks,
    envs,
    vars,
    timezone,
    // Not for the run: the agent takes it from the schedule's own record.
    cron: "",
    enabled: true,
    overlap: "skip" as const,
    catchUp: false,
  }));
  const project: Project = { ...spec.project, schedules, triggers: [], notifications: [] };
  return { ...spec, project };
}

function ref(resource: RenderedResource, output: string): Reference {
  return { $ref: [resource.name, output] };
}

/** JSON data as an input; the types of the model are JSON by construction. */
function asInput(value: unknown): RenderedValue {
  return JSON.parse(JSON.stringify(value));
}

function dropUndefined(resource: RenderedResource): RenderedResource {
  const inputs = Object.entries(resource.inputs).filter(([, value]) => value !== undefined);
  return { ...resource, inputs: Object.fromEntries(inputs) };
}
