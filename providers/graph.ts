/** A plan as a picture: `handoff plan --graph mermaid`. */
import { describeCron, parseCron } from "../model/cron.js";
import type { DeployPlan, PlannedJob } from "../model/plan-types.js";
import type { Notification, Schedule } from "../model/project.js";
import { isOrchestrated, jobsOf } from "./flows.js";

/**
 * Schedules and triggers, the jobs and tasks that they start, what these keep, and who is told: a Mermaid flowchart. Ids are
 * `s1`, `t1`, `j1`, …, so that no name of the project's can break it.
 */
export function mermaidGraph(plan: DeployPlan): string {
  const { project } = plan.spec;
  const lines = ["flowchart LR"];
  const nodes = orchestratedNodes(plan) ?? taskNodes(plan);

  lines.push(`  subgraph project[${label(project.name)}]`);
  for (const { id, text } of nodes.values()) lines.push(`    ${id}[${label(text)}]`);
  for (const [from, to] of edgesBetween(plan, nodes)) lines.push(`    ${from} --> ${to}`);
  lines.push("  end");

  plan.schedules.forEach((schedule, index) => {
    const id = `s${index + 1}`;
    lines.push(`  ${id}([${label(schedule.name, whenOf(schedule))}])`);
    for (const start of startsOf(plan, schedule.tasks, nodes)) {
      lines.push(`  ${id} ${arrow(schedule.tasks, schedule.enabled)} ${start}`);
    }
  });
  plan.triggers.forEach(({ name, tasks }, index) => {
    const id = `t${index + 1}`;
    lines.push(`  ${id}[/${label(name, "a run for each message")}/]`);
    for (const start of startsOf(plan, tasks, nodes)) lines.push(`  ${id} ${arrow(tasks, true)} ${start}`);
  });
  [{ name: "artifacts", kind: "files kept from run to run" }, ...plan.stores].forEach(
    ({ name, kind }, index) => {
      lines.push(`  d${index + 1}[(${label(name, kind)})]`, `  project <--> d${index + 1}`);
    },
  );
  plan.notifications.forEach((notification, index) => {
    const id = `n${index + 1}`;
    lines.push(
      `  ${id}>${label(recipient(notification))}]`,
      `  project -. ${label(notification.on.join(", "))} .-> ${id}`,
    );
  });
  return `${lines.join("\n")}\n`;
}

interface Node {
  readonly id: string;
  readonly text: string;
}

/** granularity task: a node for each job. */
function orchestratedNodes(plan: DeployPlan): Map<string, Node> | undefined {
  if (!isOrchestrated(plan)) return undefined;
  return new Map(
    plan.jobs.map(({ name }, index): [string, Node] => [name, { id: `j${index + 1}`, text: name }]),
  );
}

/** granularity project: a node for each task of the one job. */
function taskNodes({ jobs }: DeployPlan): Map<string, Node> {
  const tasks = jobs.flatMap((job) => job.tasks);
  return new Map(tasks.map((name, index): [string, Node] => [name, { id: `k${index + 1}`, text: name }]));
}

/** Jobs by what they depend on; the tasks of one job in their order. */
function edgesBetween(plan: DeployPlan, nodes: ReadonlyMap<string, Node>): [string, string][] {
  const pairs = isOrchestrated(plan)
    ? plan.jobs.flatMap(({ name, dependsOn }) => dependsOn.map((other): [string, string] => [other, name]))
    : plan.jobs.flatMap(({ tasks }) =>
        tasks.slice(1).map((task, index): [string, string] => [tasks[index] ?? "", task]),
      );
  return pairs.map(([from, to]) => [nodes.get(from)?.id ?? "", nodes.get(to)?.id ?? ""]);
}

/** Where a selection begins: the whole, or the tasks of it that wait for no other of it. */
function startsOf(plan: DeployPlan, tasks: readonly string[], nodes: ReadonlyMap<string, Node>): string[] {
  if (tasks.length === 0) return ["project"];
  const selected = isOrchestrated(plan) ? rootsOf(jobsOf(plan, tasks)) : firstOf(plan, tasks);
  return selected.map((name) => nodes.get(name)?.id ?? "project");
}

function rootsOf(jobs: readonly PlannedJob[]): string[] {
  const names = new Set(jobs.map(({ name }) => name));
  return jobs.filter(({ dependsOn }) => !dependsOn.some((other) => names.has(other))).map(({ name }) => name);
}

/** The runner goes through the tasks in their order, whatever that of the selection. */
function firstOf({ jobs }: DeployPlan, tasks: readonly string[]): string[] {
  return jobs
    .flatMap((job) => job.tasks)
    .filter((task) => tasks.includes(task))
    .slice(0, 1);
}

/** Which tasks, where it isn't all; dotted where nothing comes of it. */
function arrow(tasks: readonly string[], enabled: boolean): string {
  const selection = tasks.length > 3 ? `${tasks.length} tasks` : tasks.join(", ");
  const text = [...(selection === "" ? [] : [selection]), ...(enabled ? [] : ["(paused)"])].join(" ");
  if (text === "") return "-->";
  return enabled ? `-- ${label(text)} -->` : `-. ${label(text)} .->`;
}

function whenOf({ cron, timezone }: Schedule): string {
  return `${describeCron(parseCron(cron))}, ${timezone}`;
}

/** A webhook's address may hold a password: its host is enough. */
function recipient({ target }: Notification): string {
  if (target.kind === "email") return `e-mail to ${target.address}`;
  if (target.kind === "command") return "command on this machine";
  return target.secret === undefined
    ? `webhook at ${hostOf(target.url)}`
    : `webhook of secret ${target.secret}`;
}

function hostOf(url: string | undefined): string {
  try {
    return new URL(url ?? "").host;
  } catch {
    return "an address";
  }
}

/** What ends or formats a label in Mermaid, as its numbered entities; lines are parted with `<br/>`. */
function label(...lines: readonly string[]): string {
  const escaped = lines.map((line) =>
    line
      .replace(/\s+/g, " ")
      .replace(/[#"<>&`\\;]/g, (character) => `#${character.charCodeAt(0)};`)
      .trim(),
  );
  return `"${escaped.join("<br/>")}"`;
}
