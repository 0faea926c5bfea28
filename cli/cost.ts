/** `handoff cost`: what a month costs on a platform, or on each. Loads nothing of Pulumi. */
import { type Diagnostic, ExitCode, UserError } from "../model/diagnostic.js";
import { type Platform, platforms } from "../model/plan-types.js";
import type { CostLine } from "../providers/cost.js";
import { type CostEstimate, estimateCost, shownDuration } from "../providers/estimate.js";
import { providerOf } from "../providers/registry.js";
import { type CliContext, print, printJson, say } from "./context.js";
import { declaredDurations, learntDurations } from "./durations.js";
import { colours } from "./output/colour.js";
import { wrap } from "./output/columns.js";
import { formatDiagnostics } from "./output/diagnostics.js";
import { formatMoney, formatQuantity } from "./output/money.js";
import { formatTable } from "./output/table.js";
import { findTarget, planTarget, type TargetOptions, type TargetPlan } from "./plan-target.js";

export interface CostOptions extends TargetOptions {
  readonly compare?: boolean;
  readonly duration?: readonly string[];
  readonly json?: boolean;
}

/** @throws UserError with every problem of the project on the platform; `bad-option` */
export async function showCost(options: CostOptions, context: CliContext): Promise<number> {
  return options.compare ? await compare(options, context) : await estimateOne(options, context);
}

async function estimateOne(options: CostOptions, context: CliContext): Promise<number> {
  const planned = planTarget(findTarget(options, context), context);
  const { diagnostics, plan } = planned;
  const estimate = await estimated(planned, options, context);
  if (options.json) {
    printJson(context, { ...about(planned), ...estimate, diagnostics });
    return ExitCode.ok;
  }
  const width = Math.max(60, context.stdout.columns ?? 100);
  const { region } = plan.settings;
  const place = region === undefined || estimate.cloud === "local" ? "" : ` (${region})`;
  const paint = colours(context.stdout, context.env);
  print(
    context,
    paint.bold(
      `${plan.spec.project.name} on ${providerOf(estimate.cloud).title}${place}: ${estimate.lines.length === 0 ? "nothing to pay for" : `about ${formatMoney(estimate.perMonth)} a month`}`,
    ),
  );
  print(context, `\n${formatTable(...jobTable(estimate))}`);
  if (estimate.lines.length > 0) print(context, `\n${lineTable(estimate.lines, width)}`);
  print(context, notes(estimate.notes, width));
  sayDiagnostics(diagnostics, context);
  return ExitCode.ok;
}

async function estimated(
  { plan, pulumiProject }: TargetPlan,
  { duration }: CostOptions,
  context: CliContext,
): Promise<CostEstimate> {
  const declared = declaredDurations(duration, plan);
  const open = plan.jobs.filter(({ name }) => !declared.has(name));
  const learnt = await learntDurations(open, plan, pulumiProject, context);
  return estimateCost(plan, new Map([...learnt, ...declared]));
}

function about({ plan }: TargetPlan) {
  return { schemaVersion: 1, project: plan.spec.project.name, stack: plan.settings.stack };
}

function jobTable({ jobs }: CostEstimate): [string[], string[][]] {
  return [
    ["JOB", "RUNS A MONTH", "A RUN TAKES", ""],
    jobs.map(({ job, runsPerMonth, secondsPerRun, durationFrom }) => [
      job,
      formatQuantity(runsPerMonth),
      shownDuration(secondsPerRun),
      durationFrom === "history" ? "learnt" : durationFrom,
    ]),
  ];
}

/** Each line in two: what it is and costs; and how that came about. Sources are numbered below. */
function lineTable(lines: readonly CostLine[], width: number): string {
  const sources = [...new Set(lines.map(({ source }) => source))];
  const head = ["", "QUANTITY", "FREE", "UNIT", "US$ A UNIT", "US$"];
  const rows = lines.map(({ item, quantity, unit, unitPrice, freeUnits, amount, source }) => [
    `${item} [${sources.indexOf(source) + 1}]`,
    formatQuantity(quantity),
    freeUnits === 0 ? "-" : formatQuantity(freeUnits),
    unit,
    decimal(unitPrice),
    amount.toFixed(2),
  ]);
  const total = lines.reduce((sum, { amount }) => sum + amount, 0).toFixed(2);
  const [first = "", ...others] = formatTable(head, [...rows, ["total", "", "", "", "", total]]).split("\n");
  const detailed = others.flatMap((line, index) => {
    const detail = lines[index]?.detail;
    return detail === undefined ? [line] : [line, ...wrap(detail, width - 4).map((part) => `    ${part}`)];
  });
  const footnotes = sources.flatMap((source, index) =>
    wrap(`[${index + 1}] ${source}`, width - 4).map((line, at) => (at === 0 ? line : `    ${line}`)),
  );
  return [first, ...detailed, "", ...footnotes].join("\n");
}

function notes(texts: readonly string[], width: number): string {
  return `\n${texts.flatMap((text) => wrap(text, width - 2).map((line, at) => (at === 0 ? `- ${line}` : `  ${line}`))).join("\n")}`;
}

/** A number without an exponent: `0.0000112444`. */
function decimal(value: number): string {
  return value.toFixed(10).replace(/\.?0+$/, "");
}

type Compared =
  | { readonly cloud: Platform; readonly estimate: CostEstimate; readonly diagnostics: readonly Diagnostic[] }
  | { readonly cloud: Platform; readonly estimate?: never; readonly diagnostics: readonly Diagnostic[] };

/** Every platform that can have the project; the others say why not. */
async function compare(options: CostOptions, context: CliContext): Promise<number> {
  if (options.cloud !== undefined) {
    throw new UserError("--compare is for every platform, and --cloud names one", {
      code: "bad-option",
      hint: "leave one of the two out",
    });
  }
  const compared: Compared[] = [];
  let plan: TargetPlan | undefined;
  let failure: UserError | undefined;
  for (const cloud of platforms) {
    try {
      plan = planTarget(findTarget({ ...options, cloud }, context), context);
      const estimate = await estimated(plan, options, context);
      compared.push({ cloud, estimate, diagnostics: plan.diagnostics });
    } catch (error) {
      if (!(error instanceof UserError) || error.diagnostics.length === 0) throw error;
      failure ??= error;
      compared.push({ cloud, diagnostics: error.diagnostics });
    }
  }
  // Nowhere: then it is the project that is wrong.
  if (plan === undefined) throw failure ?? new Error("no platform was compared");
  if (options.json) {
    const clouds = compared.map(({ cloud, estimate, diagnostics }) => ({
      cloud,
      possible: estimate !== undefined,
      ...estimate,
      diagnostics,
    }));
    printJson(context, { ...about(plan), clouds });
    return ExitCode.ok;
  }
  const width = Math.max(60, context.stdout.columns ?? 100);
  print(context, comparison(compared));
  const common = compared.flatMap(({ estimate }) => estimate?.notes ?? []);
  print(context, notes([...new Set(common)], width));
  for (const { cloud, estimate, diagnostics } of compared) {
    const shown = estimate ? diagnostics.filter(({ severity }) => severity !== "info") : diagnostics;
    if (shown.length > 0) say(context, `\n${providerOf(cloud).title}:`);
    sayDiagnostics(shown, context);
  }
  return ExitCode.ok;
}

function comparison(compared: readonly Compared[]): string {
  const items = [
    ...new Set(compared.flatMap(({ estimate }) => estimate?.lines.map(({ item }) => item) ?? [])),
  ];
  const cell = (estimate: CostEstimate | undefined, item?: string): string => {
    if (!estimate) return "-";
    const lines = estimate.lines.filter((line) => item === undefined || line.item === item);
    return lines.length === 0 && item !== undefined
      ? ""
      : lines.reduce((sum, { amount }) => sum + amount, 0).toFixed(2);
  };
  return formatTable(
    ["US$ A MONTH", ...compared.map(({ cloud }) => providerOf(cloud).title)],
    [
      ...items.map((item) => [item, ...compared.map(({ estimate }) => cell(estimate, item))]),
      ["total", ...compared.map(({ estimate }) => cell(estimate))],
    ],
  );
}

function sayDiagnostics(diagnostics: readonly Diagnostic[], context: CliContext): void {
  if (diagnostics.length === 0) return;
  say(context, formatDiagnostics(diagnostics, colours(context.stderr, context.env)));
}
