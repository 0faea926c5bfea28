import type { Diagnostic } from "./diagnostic.js";
import { topologicalOrder } from "./graph.js";
import type { DeployPlan, PlannedJob, StackSettings } from "./plan-types.js";
import type { Project, Resources, Task } from "./project.js";
import type { RunSpec } from "./run.js";
import { neededSecrets } from "./secrets.js";

/**
 * Decides a deployment: what jobs there are, of what size, in what order, under which tags. Pure; the result is frozen
 * deeply and shares nothing with `project`.
 * @param contentHash from `contentHash(dir)`
 */
export function planDeployment(project: Project, settings: StackSettings, contentHash: string): DeployPlan {
  const spec = runSpec(project);
  const tasks = topologicalOrder(spec.project.tasks).filter((task) => task.active);
  const jobs =
    tasks.length === 0
      ? []
      : project.deploy.granularity === "task"
        ? tasks.map((task) => taskJob(task, spec.project))
        : [projectJob(tasks, spec.project)];
  return frozen({
    schemaVersion: 1,
    settings,
    tags: {
      ...settings.tags,
      "handoff-client": settings.client,
      "handoff-project": project.name,
      "handoff-stack": settings.stack,
    },
    contentHash,
    jobs,
    schedules: project.schedules,
    triggers: project.triggers,
    stores: project.stores,
    secrets: project.secrets,
    notifications: project.notifications,
    spec,
    diagnostics: [...checkTasks(tasks, project), ...checkSecrets(project, settings)],
  } satisfies DeployPlan);
}

/** What the runner is given: the project with `deploy`'s time-out, retries and resources filled into its top-level tasks. */
export function runSpec(project: Project): RunSpec {
  return frozen({
    schemaVersion: 1,
    project: { ...project, tasks: project.tasks.map((task) => withDefaults(task, project)) },
  } satisfies RunSpec);
}

/** What an install needs: nothing but the installs, so that nothing else can change the environments. */
export function installSpec(spec: RunSpec): RunSpec {
  const { dialect, name, installs } = spec.project;
  return {
    schemaVersion: spec.schemaVersion,
    project: {
      dialect,
      name,
      installs,
      deploy: { granularity: "project", source: { kind: "image" }, resources: {}, legacy: {} },
      vars: {},
      envs: {},
      secretEnvs: [],
      secrets: [],
      artifacts: { keep: [], pushOnFail: false },
      stores: [],
      tasks: [],
      schedules: [],
      triggers: [],
      notifications: [],
    },
  };
}

function withDefaults(task: Task, { deploy }: Project): Task {
  const timeoutSeconds = task.timeoutSeconds ?? deploy.timeoutSeconds;
  const retries = task.retries ?? deploy.retries;
  return {
    ...task,
    resources: { ...deploy.resources, ...task.resources },
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(retries === undefined ? {} : { retries }),
  };
}

/** One job for all tasks: they run one after the other in it, so it needs what the largest of them needs. */
function projectJob(tasks: readonly Task[], project: Project): PlannedJob {
  const timeoutSeconds = sumOrNothing(tasks.map(longestRun));
  return {
    name: project.name,
    tasks: tasks.map((task) => task.name),
    resources: largest(tasks.map((task) => task.resources ?? {})),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    dependsOn: [],
  };
}

function taskJob(task: Task, project: Project): PlannedJob {
  const timeoutSeconds = longestRun(task);
  return {
    name: task.name,
    tasks: [task.name],
    resources: task.resources ?? {},
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(task.timeoutSeconds === undefined ? {} : { attemptSeconds: task.timeoutSeconds }),
    ...(task.retries === undefined ? {} : { retries: task.retries }),
    dependsOn: activeDependencies(task, project),
  };
}

/**
 * Seconds that a task may take with all its retries, which the runner makes within the job: a platform that stopped the
 * job earlier would cut them off. Undefined when a single attempt has no limit.
 */
function longestRun({ timeoutSeconds, retries }: Task): number | undefined {
  if (timeoutSeconds === undefined) return undefined;
  let total = timeoutSeconds;
  let delay = retries?.delaySeconds ?? 0;
  for (let retry = 0; retry < (retries?.max ?? 0); retry++) {
    total += delay + timeoutSeconds;
    delay *= retries?.backoff ?? 1;
  }
  return Math.ceil(total);
}

function sumOrNothing(values: readonly (number | undefined)[]): number | undefined {
  let sum = 0;
  for (const value of values) {
    if (value === undefined) return undefined;
    sum += value;
  }
  return sum;
}

function largest(all: readonly Resources[]): Resources {
  const result: { cpu?: number; memoryMiB?: number; diskGiB?: number } = {};
  for (const resources of all) {
    for (const key of ["cpu", "memoryMiB", "diskGiB"] as const) {
      const value = resources[key];
      if (value !== undefined) result[key] = Math.max(value, result[key] ?? 0);
    }
  }
  return result;
}

/** Active tasks that must come before; an inactive one in between passes on what it waits for. */
function activeDependencies(task: Task, { tasks }: Project): string[] {
  const byName = new Map(tasks.map((other) => [other.name, other]));
  const found = new Set<string>();
  const seen = new Set<string>();
  const open = [...task.dependsOn];
  for (let name = open.shift(); name !== undefined; name = open.shift()) {
    const dependency = byName.get(name);
    if (!dependency || seen.has(name)) continue;
    seen.add(name);
    if (dependency.active) found.add(name);
    else open.push(...dependency.dependsOn);
  }
  return [...found];
}

function checkTasks(active: readonly Task[], project: Project): Diagnostic[] {
  const names = new Set(active.map((task) => task.name));
  const idle = [
    ...project.schedules.map(({ name, tasks }) => ({ what: `schedule \`${name}\``, tasks })),
    ...project.triggers.map(({ name, tasks }) => ({ what: `trigger \`${name}\``, tasks })),
  ].filter(({ tasks }) => tasks.length > 0 && !tasks.some((name) => names.has(name)));
  if (active.length > 0) {
    return idle.map(({ what, tasks }) => ({
      severity: "error",
      code: "no-active-task",
      message: `${what} starts ${tasks.map((name) => `\`${name}\``).join(", ")}, and no such task is active`,
      hint: "remove `active: false` from one of them, or remove it from the project",
    }));
  }
  return [
    {
      severity: "error",
      code: "no-active-task",
      message: `project \`${project.name}\` has no active task: there is nothing to deploy`,
      hint: "remove `active: false` from a task",
    },
  ];
}

function checkSecrets(project: Project, settings: StackSettings): Diagnostic[] {
  const needed = neededSecrets(project);
  const missing = needed.filter((key) => !settings.secretKeys.includes(key));
  const unused = settings.secretKeys.filter((key) => !needed.includes(key));
  return [
    ...missing.map(
      (key): Diagnostic => ({
        severity: "warning",
        code: "secret-not-set",
        message: `secret \`${key}\` has no value in stack \`${settings.stack}\``,
        hint: `handoff secrets set ${key} -s ${settings.stack}`,
      }),
    ),
    ...unused.map(
      (key): Diagnostic => ({
        severity: "warning",
        code: "secret-unused",
        message: `stack \`${settings.stack}\` holds secret \`${key}\`, which project \`${project.name}\` doesn't declare`,
        hint: `add \`{key: ${key}}\` to \`secrets\`, or: handoff secrets remove ${key} -s ${settings.stack}`,
      }),
    ),
  ];
}

/** A deep copy that can't be changed. */
function frozen<T>(value: T): T {
  const copy = structuredClone(value);
  const freeze = (item: unknown): void => {
    if (typeof item !== "object" || item === null) return;
    Object.freeze(item);
    for (const child of Object.values(item)) freeze(child);
  };
  freeze(copy);
  return copy;
}
