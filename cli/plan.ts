/** `handoff plan`: all that a deployment would be, offline. */
import { describeCron, parseCron } from "../model/cron.js";
import { type Diagnostic, ExitCode, UserError } from "../model/diagnostic.js";
import type { DeployPlan, PlannedJob } from "../model/plan-types.js";
import type { Resources, Schedule } from "../model/project.js";
import { formatDuration, formatMemory } from "../model/size.js";
import { areas, purposeOf } from "../providers/areas.js";
import { type CostEstimate, estimateCost } from "../providers/estimate.js";
import type { PlanPreview, PreviewedResource } from "../providers/plan-preview.js";
import { providerOf } from "../providers/registry.js";
import { type CliContext, print, printJson, say } from "./context.js";
import { type Colours, colours } from "./output/colour.js";
import { formatColumns } from "./output/columns.js";
import { formatDiagnostics } from "./output/diagnostics.js";
import { formatMoney } from "./output/money.js";
import { findTarget, planTarget, type Target, type TargetOptions } from "./plan-target.js";

export interface PlanOptions extends TargetOptions {
  readonly json?: boolean;
  readonly graph?: "mermaid";
}

/** @throws UserError with every problem of the project on the platform; with `--json` they are printed, and 2 is returned. */
export async function showPlan(options: PlanOptions, context: CliContext): Promise<number> {
  const target = findTarget(options, context);
  const planned = plannedOrProblems(target, options, context);
  if (planned === undefined) return ExitCode.invalid;
  const { plan, pulumiProject, diagnostics } = planned;
  if (options.graph !== undefined) {
    const { mermaidGraph } = await import("../providers/graph.js");
    print(context, mermaidGraph(plan));
    return ExitCode.ok;
  }
  const cost = estimateCost(plan);
  const { previewPlan } = await import("../providers/plan-preview.js");
  const preview = await previewPlan(plan, pulumiProject);
  if (options.json) printJson(context, document(target, preview, diagnostics, cost));
  else report(plan, preview, diagnostics, cost, context);
  return ExitCode.ok;
}

function plannedOrProblems(target: Target, { json }: PlanOptions, context: CliContext) {
  try {
    return planTarget(target, context);
  } catch (error) {
    if (!json || !(error instanceof UserError) || error.diagnostics.length === 0) throw error;
    printJson(context, document(target, undefined, [...target.diagnostics, ...error.diagnostics], null));
    return undefined;
  }
}

/** The contract of `plan --json`. */
function document(
  { settings }: Target,
  preview: PlanPreview | undefined,
  diagnostics: readonly Diagnostic[],
  cost: CostEstimate | null,
) {
  const { cloud, stack, client } = settings;
  const { resources = [], lookups = [], outputs = {} } = preview ?? {};
  return { schemaVersion: 1, cloud, stack, client, resources, lookups, outputs, diagnostics, cost };
}

function report(
  plan: DeployPlan,
  { resources }: PlanPreview,
  diagnostics: readonly Diagnostic[],
  cost: CostEstimate,
  context: CliContext,
): void {
  const paint = colours(context.stdout, context.env);
  const width = Math.max(60, context.stdout.columns ?? 100);
  const made = resources.filter(({ parent }) => parent !== null);
  print(context, paint.bold(headline(plan)));
  const show = ({ title, rows }: Section) =>
    print(context, `\n${paint.bold(title)}\n${formatColumns(rows, { width, indent: 2 })}`);
  modelSections(plan).forEach(show);
  const prefix = `${plan.spec.project.name}-`;
  print(context, `\n${made.length} resources, whose names start with ${prefix}`);
  resourceSections(made, prefix, paint).forEach(show);
  const price =
    cost.lines.length === 0
      ? "Nothing to pay for"
      : `About ${paint.bold(formatMoney(cost.perMonth))} a month; line by line: handoff cost`;
  print(context, `\n${price}`);
  if (diagnostics.length > 0)
    say(context, `\n${formatDiagnostics(diagnostics, colours(context.stderr, context.env))}`);
  say(context, "\nThis is a plan: nothing was contacted, and nothing was created.");
}

function headline({ settings, spec }: DeployPlan): string {
  const { cloud, stack, client, region, gcpProject } = settings;
  const place = [region, gcpProject].filter((part) => part !== undefined && cloud !== "local").join(", ");
  const forWhom = client === stack ? "" : ` of client ${client}`;
  return `${spec.project.name} on ${providerOf(cloud).title}${place === "" ? "" : ` (${place})`}, stack ${stack}${forWhom}`;
}

interface Section {
  readonly title: string;
  readonly rows: readonly (readonly string[])[];
}

/** What the user wrote, as it was understood. */
function modelSections(plan: DeployPlan): Section[] {
  const { project } = plan.spec;
  const sections: Section[] = [
    { title: "What runs", rows: plan.jobs.map((job) => [job.name, describeJob(job, plan)]) },
    {
      title: "When",
      rows: [
        ...plan.schedules.map((schedule) => [schedule.name, describeSchedule(schedule)]),
        ...plan.triggers.map(({ name, tasks, maxConcurrency }) => [
          name,
          `for each message of its queue, ${maxConcurrency} at a time${selection(tasks)}`,
        ]),
      ],
    },
    {
      title: "What is kept",
      rows: [
        ["artifacts", project.artifacts.keep.join(", ")],
        ...plan.stores.map(({ name, kind }) => [name, kind]),
      ],
    },
    {
      title: "Who is told",
      rows: plan.notifications.map(({ on, target }) => [
        target.kind === "email" ? target.address : target.kind,
        `of ${on.join(", ")}`,
      ]),
    },
  ];
  return sections.filter(({ rows }) => rows.length > 0);
}

function describeJob(job: PlannedJob, plan: DeployPlan): string {
  const alone = job.tasks.length === 1 && job.tasks[0] === job.name;
  return [
    ...(alone ? [] : [`runs ${job.tasks.join(", ")}`]),
    ...(job.dependsOn.length > 0 ? [`after ${job.dependsOn.join(", ")}`] : []),
    ...(plan.settings.cloud === "local" ? [] : [sizeOf(job.resources)]),
    ...(job.retries && job.retries.max > 0 ? [`up to ${job.retries.max} retries`] : []),
    ...(job.timeoutSeconds === undefined ? [] : [`at most ${formatDuration(job.timeoutSeconds)}`]),
  ].join("; ");
}

function sizeOf({ cpu, memoryMiB, diskGiB }: Resources): string {
  const asked = [
    ...(cpu === undefined ? [] : [`${cpu} vCPU`]),
    ...(memoryMiB === undefined ? [] : [`${formatMemory(memoryMiB)} of memory`]),
    ...(diskGiB === undefined ? [] : [`${diskGiB}Gi of disk`]),
  ];
  return asked.length === 0 ? "the platform's default size" : `at least ${asked.join(", ")}`;
}

function describeSchedule({ cron, timezone, tasks, enabled, vars, envs }: Schedule): string {
  const overrides = [...Object.keys(vars), ...Object.keys(envs)];
  return [
    `${describeCron(parseCron(cron))}, ${timezone}${selection(tasks)}`,
    ...(overrides.length > 0 ? [`with its own ${overrides.join(", ")}`] : []),
    ...(enabled ? [] : ["paused"]),
  ].join("; ");
}

function selection(tasks: readonly string[]): string {
  return tasks.length === 0 ? "" : `: ${tasks.join(", ")}`;
}

function resourceSections(
  resources: readonly PreviewedResource[],
  prefix: string,
  paint: Colours,
): Section[] {
  const found = resources.map((resource) => ({ ...resource, ...purposeOf(resource.type) }));
  return areas
    .map((area) => ({ area, of: found.filter((resource) => resource.area === area) }))
    .filter(({ of }) => of.length > 0)
    .map(({ area, of }) => ({
      title: `${area} ${paint.dim(`(${of.length})`)}`,
      rows: of.map(({ name, type, text }) => [
        name.startsWith(prefix) ? name.slice(prefix.length) : name,
        paint.dim(shortType(type)),
        text,
      ]),
    }));
}

/** `aws:ecs/taskDefinition:TaskDefinition` as `ecs.TaskDefinition`. */
function shortType(type: string): string {
  const [, module = "", name = ""] = type.split(":");
  const folder = module.split("/")[0] ?? "";
  return folder === "" || folder === "index" || folder === name.toLowerCase() || type.startsWith("handoff:")
    ? name
    : `${folder}.${name}`;
}
