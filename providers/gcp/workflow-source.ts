// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are Workflows' expressions
/**
 * Source of a workflow that runs jobs: levels of the dependency graph one after the other, the jobs of a level beside each
 * other, each with its own retries. Typed data, written as JSON, which Workflows reads as it does YAML. Texts with `${…}`
 * are Workflows' own expressions.
 */
import type { PlannedJob } from "../../model/plan-types.js";
import { type Flow, levelsOf } from "../flows.js";

/** A step is an object with one key, its name. */
export type Step = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface Subworkflow {
  readonly params?: readonly string[];
  readonly steps: readonly Step[];
}

export interface WorkflowSource {
  readonly main: Subworkflow;
  readonly [name: string]: Subworkflow;
}

/** A job as the workflow calls it. */
export interface CalledJob {
  readonly job: PlannedJob;
  /** Name of the Cloud Run job. */
  readonly physicalName: string;
  /** Seconds after which Cloud Run itself ends an execution. */
  readonly timeoutSeconds: number;
  /** What it is called with: an expression, or data with expressions in it. */
  readonly call: unknown;
}

export interface Place {
  readonly project: string;
  readonly region: string;
}

/** Branches of one parallel step. Source: Workflows' quotas; UNCONFIRMED. Steps may be nested twice. */
const branchesPerStep = 10;
/** Jobs of a level that nested steps hold. */
export const jobsPerLevel = branchesPerStep * branchesPerStep;

/** Bytes of a source. Source: Google's discovery document (docs/cloud-facts.md). */
export const maxSourceBytes = 128 * 1024;

/** Time that an execution may take to start and to end, beside the job's own. */
const startSeconds = 600;

/** Steps that run the jobs of a flow. `called` has each of them. */
export function flowSteps(flow: Flow, called: ReadonlyMap<string, CalledJob>): Step[] {
  const levels = levelsOf(flow.jobs).map((level, index) => {
    const steps = level.map(({ name }) => jobStep(find(called, name)));
    const [only] = steps;
    return steps.length === 1 && only ? only : parallel(`level_${index + 1}`, steps);
  });
  return [nameRun, ...levels];
}

/**
 * One run for all jobs and their retries: they share the schedule's lease, are found as one, and stand for the schedule's
 * latest time as it was when the workflow started.
 */
const nameRun: Step = {
  name_run: {
    assign: [
      {
        this_run: [
          { name: "HANDOFF_RUN_ID", value: '${sys.get_env("GOOGLE_CLOUD_WORKFLOW_EXECUTION_ID")}' },
          { name: "HANDOFF_STARTED_AT", value: "${time.format(sys.now())}" },
        ],
      },
    ],
  },
};

/** A branch that fails lets the others of its step end, and fails the step then. */
function parallel(name: string, steps: readonly Step[]): Step {
  if (steps.length <= branchesPerStep) {
    const branches = steps.map((step, index) => ({ [`branch_${index + 1}`]: { steps: [step] } }));
    return { [name]: { parallel: { branches } } };
  }
  const size = Math.ceil(steps.length / branchesPerStep);
  const groups: Step[] = [];
  for (let from = 0; from < steps.length; from += size) {
    groups.push(parallel(`${name}_${groups.length + 1}`, steps.slice(from, from + size)));
  }
  return parallel(name, groups);
}

function jobStep({ job, physicalName, timeoutSeconds, call }: CalledJob): Step {
  const run = {
    call: "run_job",
    args: { job: physicalName, seconds: timeoutSeconds + startSeconds, call, this_run: "${this_run}" },
  };
  const { max = 0, delaySeconds = 0, backoff = 1 } = job.retries ?? {};
  const name = stepName(job.name);
  if (max === 0) return { [name]: run };
  return {
    [name]: {
      try: run,
      retry: {
        // Whatever its cause, as the runner does in a project of one job.
        predicate: "${always}",
        max_retries: max,
        backoff: {
          initial_delay: delaySeconds,
          max_delay: Math.max(delaySeconds, delaySeconds * backoff ** (max - 1)),
          multiplier: backoff,
        },
      },
    },
  };
}

/** Step names are unique in a workflow; letters, digits and `_`. */
function stepName(job: string): string {
  return `job_${job.replace(/[^A-Za-z0-9]/g, (character) => `_${character.codePointAt(0)?.toString(16)}_`)}`;
}

/** What `flowSteps` call. An execution that failed is an error, however the connector ends. */
export function jobSubworkflows({ project, region }: Place): Readonly<Record<string, Subworkflow>> {
  return {
    run_job: {
      params: ["job", "seconds", "call", "this_run"],
      steps: [
        {
          name_run: {
            assign: [
              { none: [] },
              { given: '${default(map.get(call, "env"), none)}' },
              { named: { env: "${list.concat(list.concat(given, this_run[0]), this_run[1])}" } },
            ],
          },
        },
        {
          run: {
            // v1 is the documented connector: it waits for the execution's end, at most `timeout`.
            call: "googleapis.run.v1.namespaces.jobs.run",
            args: {
              name: `\${"namespaces/${project}/jobs/" + job}`,
              location: region,
              body: { overrides: { containerOverrides: ["${map.merge(call, named)}"] } },
              connector_params: { timeout: "${seconds}" },
            },
            result: "execution",
          },
        },
        {
          check: {
            switch: [
              {
                condition: '${default(map.get(execution, ["status", "failedCount"]), 0) > 0}',
                raise: {
                  tags: ["JobFailed"],
                  message: '${"job " + job + " failed: execution " + execution.metadata.name}',
                },
              },
            ],
          },
        },
        { done: { return: "${execution.metadata.name}" } },
      ],
    },
    always: { params: ["error"], steps: [{ answer: { return: true } }] },
  };
}

/** As Workflows is given it: to be read in the console, and without white space where that would be too long. */
export function sourceText(source: WorkflowSource): string {
  const readable = `${JSON.stringify(source, null, 2)}\n`;
  return Buffer.byteLength(readable) <= maxSourceBytes ? readable : JSON.stringify(source);
}

/** Text of the plan in a source: what looks like an expression is none. */
export function literal(value: string): string {
  if (!value.includes("$")) return value;
  const parts = value.split("$").map((part) => JSON.stringify(part));
  return `\${${parts.join(' + "$" + ')}}`;
}

function find(called: ReadonlyMap<string, CalledJob>, name: string): CalledJob {
  const found = called.get(name);
  if (!found) throw new Error(`job ${name} is not described`);
  return found;
}
