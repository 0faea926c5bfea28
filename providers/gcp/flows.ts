// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are Workflows' expressions
/** granularity task: a workflow for each selection of jobs, which orders and retries them. */
import type { PlannedJob } from "../../model/plan-types.js";
import type { ContainerCall } from "../container.js";
import { type Flow, flowsOf, isOrchestrated } from "../flows.js";
import { ref } from "../rendering.js";
import { type Account, accountOf, grantOnJob, grantOnProject, type Identity } from "./identity.js";
import { type Job, platformTimeout } from "./job.js";
import { jobName, nameOf } from "./names.js";
import { gcp, type Made } from "./resources.js";
import { namesOf, type Scope } from "./scope.js";
import {
  type CalledJob,
  flowSteps,
  jobSubworkflows,
  type Place,
  sourceText,
  type WorkflowSource,
} from "./workflow-source.js";

export type Workflow = Made<"gcp:workflows/workflow:Workflow">;

export interface FlowWorkflow {
  /** The flow's. */
  readonly name: string;
  readonly workflow: Workflow;
}

/** A container override of Cloud Run, in its own words: the environment is added to the job's. */
export function overrideOf({ args, env }: ContainerCall) {
  return { args: [...args], env: Object.entries(env).map(([name, value]) => ({ name, value })) };
}

/** Overrides by job, as a flow's workflow is given them by who starts it. */
export function callsOf(jobs: readonly PlannedJob[], call: (job: PlannedJob) => ContainerCall) {
  return Object.fromEntries(jobs.map((job) => [job.name, overrideOf(call(job))]));
}

/** Who the workflows are: they start the jobs and wait for their end. Null where there are none. */
export function workflowIdentity(scope: Scope, jobs: readonly Job[]): Identity | null {
  const { plan } = scope;
  if (!isOrchestrated(plan) && plan.triggers.length === 0) return null;
  const account = accountOf(scope, "workflows", [], "the workflows");
  const grants = [
    ...jobs.map((job) => grantOnJob(scope, job, "workflows", account)),
    grantOnProject(scope, "workflows", account, "roles/run.viewer"),
  ];
  return { account, grants };
}

/** A flow as steps of a workflow; `call` says what each job is called with. */
export function calledJobs(
  { plan }: Pick<Scope, "plan">,
  flow: Flow,
  call: (job: PlannedJob) => unknown,
): Map<string, CalledJob> {
  return new Map(
    flow.jobs.map((job) => [
      job.name,
      {
        job,
        physicalName: jobName(plan, job.name),
        timeoutSeconds: platformTimeout(isOrchestrated(plan), job),
        call: call(job),
      },
    ]),
  );
}

/** The workflow's argument is `{"calls": {JOB: override}}`; what it doesn't name runs as it is deployed. */
export function flowSource(scope: Pick<Scope, "plan"> & Place, flow: Flow): WorkflowSource {
  const called = calledJobs(
    scope,
    flow,
    ({ name }) => `\${default(map.get(calls, ${JSON.stringify(name)}), nothing)}`,
  );
  return {
    main: {
      params: ["input"],
      steps: [
        {
          read_input: {
            assign: [
              { nothing: {} },
              { given: "${default(input, nothing)}" },
              { calls: '${default(map.get(given, "calls"), nothing)}' },
            ],
          },
        },
        ...flowSteps(flow, called),
      ],
    },
    ...jobSubworkflows(scope),
  };
}

export function flows(scope: Scope, identity: Identity | null, jobs: readonly Job[]): FlowWorkflow[] {
  if (!identity) return [];
  return flowsOf(scope.plan).map((flow) => ({
    name: flow.name,
    workflow: workflowOf(scope, {
      name: scope.name("flow", flow.name),
      physicalName: nameOf(scope.plan, "workflow", flow.name),
      description: `handoff: jobs of ${scope.title}, in order`,
      account: identity.account,
      source: flowSource(scope, flow),
      dependsOn: [...namesOf(jobs), ...namesOf(identity.grants)],
    }),
  }));
}

export interface WorkflowParts {
  readonly name: string;
  readonly physicalName: string;
  readonly description: string;
  readonly account: Account;
  readonly source: WorkflowSource;
  readonly dependsOn: readonly string[];
}

export function workflowOf({ parent, project, region, labels }: Scope, parts: WorkflowParts): Workflow {
  return gcp(
    "gcp:workflows/workflow:Workflow",
    parts.name,
    parent,
    {
      name: parts.physicalName,
      project,
      region,
      description: parts.description.slice(0, 1000),
      serviceAccount: ref(parts.account, "id"),
      sourceContents: sourceText(parts.source),
      deletionProtection: false,
      labels,
    },
    { dependsOn: parts.dependsOn },
  );
}
