import type { Diagnostic } from "../../model/diagnostic.js";
import type { DeployPlan, PlannedJob } from "../../model/plan-types.js";
import type { Resources } from "../../model/project.js";

/** The runner itself, in a container, and a small command. */
const smallestMemoryMiB = 128;
/** Docker's own. */
const smallestCpu = 0.01;

/** Limits of the one container that runs all of a project; what is left out has none. */
export function containerSize(plan: DeployPlan): Pick<Resources, "cpu" | "memoryMiB"> {
  const cpu = needed(plan.jobs, "cpu");
  const memoryMiB = needed(plan.jobs, "memoryMiB");
  return {
    ...(cpu === undefined ? {} : { cpu: Math.max(smallestCpu, cpu) }),
    ...(memoryMiB === undefined ? {} : { memoryMiB: Math.max(smallestMemoryMiB, Math.ceil(memoryMiB)) }),
  };
}

/**
 * What the jobs that can run at the same time need together, at most: a job, and all that neither come before it nor after
 * it. Undefined when one of the jobs says nothing, so that others' limits aren't its own.
 */
function needed(jobs: readonly PlannedJob[], key: "cpu" | "memoryMiB"): number | undefined {
  const before = ancestors(jobs);
  const beside = (a: PlannedJob, b: PlannedJob) =>
    a === b || !(before.get(a.name)?.has(b.name) || before.get(b.name)?.has(a.name));
  let most = 0;
  for (const job of jobs) {
    let sum = 0;
    for (const { resources } of jobs.filter((other) => beside(job, other))) {
      const size = resources[key];
      if (size === undefined) return undefined;
      sum += size;
    }
    most = Math.max(most, sum);
  }
  return jobs.length === 0 ? undefined : Number(most.toFixed(3));
}

/** By name, the names of all that must come before. Jobs come in an order in which that is known. */
function ancestors(jobs: readonly PlannedJob[]): Map<string, ReadonlySet<string>> {
  const found = new Map<string, ReadonlySet<string>>();
  for (const { name, dependsOn } of jobs)
    found.set(name, new Set(dependsOn.flatMap((other) => [other, ...(found.get(other) ?? [])])));
  return found;
}

/** Who asks for what can't be had is told; so is who gets more. */
export function checkSizes(plan: DeployPlan): Diagnostic[] {
  const inContainers = plan.settings.engine === "docker";
  return plan.jobs.flatMap(({ name, resources: { cpu, memoryMiB, diskGiB } }): Diagnostic[] => {
    const info = (code: string, message: string, hint?: string): Diagnostic => ({
      severity: "info",
      code,
      message: `job ${name}: ${message}`,
      ...(hint === undefined ? {} : { hint }),
    });
    if (!inContainers) {
      if (cpu === undefined && memoryMiB === undefined && diskGiB === undefined) return [];
      const hint = "handoff:engine: docker gives cpu and memory to a container";
      return [info("local-size-ignored", processesAreUnlimited, hint)];
    }
    return [
      memoryMiB !== undefined && memoryMiB < smallestMemoryMiB
        ? [
            info(
              "local-size-rounded",
              `its container gets ${smallestMemoryMiB} MiB of memory, the least it can do with`,
            ),
          ]
        : [],
      diskGiB === undefined
        ? []
        : [info("local-size-ignored", "disk is not limited: a container writes to this machine's")],
    ].flat();
  });
}

const processesAreUnlimited = "a run may use the whole machine: cpu, memory and disk are not enforced";
