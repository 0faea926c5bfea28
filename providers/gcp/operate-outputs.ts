/** What the stack's outputs say of what was made (outputs.ts). */
import { UserError } from "../../model/diagnostic.js";
import type { DeployedStack } from "../operate.js";
import type { Place } from "./operate-execution.js";

export interface Made extends Place {
  /** Physical names by the plan's, as those below. */
  readonly jobs: ReadonlyMap<string, string>;
  readonly flows: ReadonlyMap<string, string>;
  /** Those of `flows`, and those of triggers, by `trigger NAME`. */
  readonly workflows: ReadonlyMap<string, string>;
  /** Names of triggers by their keys in `workflows`. */
  readonly triggers: ReadonlyMap<string, string>;
  readonly schedules: ReadonlyMap<string, string>;
  /** Of Cloud Logging; undefined where logs stay in the project's own alone. */
  readonly logBucket?: string;
}

/** @throws UserError `not-deployed` */
export function madeOf(outputs: DeployedStack["outputs"]): Made {
  const { project, region, jobs, schedules, logBucket } = outputs;
  if (typeof project !== "string" || typeof region !== "string") {
    throw new UserError("the stack's outputs name no project and region of Google Cloud", {
      code: "not-deployed",
      hint: "deploy it again with handoff up",
    });
  }
  const flows = names(outputs.flows, (value) => value);
  const triggered = [...names(outputs.triggerFlows, (value) => value)];
  return {
    project,
    region,
    jobs: names(jobs, (value) => (value as { name?: unknown } | null)?.name),
    flows,
    workflows: new Map([...flows, ...triggered.map(([name, flow]) => [`trigger ${name}`, flow] as const)]),
    triggers: new Map(triggered.map(([name]) => [`trigger ${name}`, name])),
    schedules: names(schedules, (value) => value),
    ...(typeof logBucket === "string" ? { logBucket } : {}),
  };
}

function names(output: unknown, nameOf: (value: unknown) => unknown): ReadonlyMap<string, string> {
  return new Map(
    Object.entries((output ?? {}) as object).flatMap(([key, value]) => {
      const name = nameOf(value);
      return typeof name === "string" ? [[key, name]] : [];
    }),
  );
}

/** @throws UserError `not-deployed` */
export function physical(known: ReadonlyMap<string, string>, name: string, what: string): string {
  const found = known.get(name);
  if (found !== undefined) return found;
  throw new UserError(`the ${what} ${name} is not deployed`, {
    code: "not-deployed",
    hint: "deploy what project.yml says now with handoff up",
  });
}

/** What names of jobs, workflows and schedules begin with. */
export function parentOf({ project, region }: Place): string {
  return `projects/${project}/locations/${region}`;
}
