/** The Container Apps jobs of a stack and their executions. */
import { jobExecution } from "@azure/arm-appcontainers/api";
import { listByResourceGroup } from "@azure/arm-appcontainers/api/jobs";
import { list } from "@azure/arm-appcontainers/api/jobsExecutions";
import type { Sleep } from "../cloud-errors.js";
import type { Execution } from "../cloud-operate.js";
import { type AzureClients, asked, collect, mapFew } from "./operate-clients.js";
import { isMissing } from "./operate-errors.js";
import { type AzureJob, executionOf, failureBy, variablesOf } from "./operate-executions.js";
import { sameId } from "./operate-ids.js";
import type { EndOfContainer } from "./operate-logs.js";

export interface JobsContext {
  readonly clients: AzureClients;
  readonly group: string;
  /** The outputs' `jobs`: name in the plan to id. */
  readonly deployed: Readonly<Record<string, string>>;
  readonly now: () => Date;
  readonly sleep: Sleep;
  /** How containers ended, from the system's log; empty where it can't be read. */
  ends(executions: readonly string[]): Promise<ReadonlyMap<string, EndOfContainer>>;
}

export const readJobs = "Microsoft.App/jobs/read";
const readExecutions = "Microsoft.App/jobs/executions/read";

/** All that the deployment has: nothing else is in its resource group. */
export async function listJobs({ clients, group, deployed }: JobsContext): Promise<AzureJob[]> {
  const found = await asked("list the jobs of the stack", readJobs, () =>
    collect(listByResourceGroup(clients.manager, group)),
  );
  return found.flatMap((job) => {
    const { id, name } = job;
    if (id === undefined || name === undefined) return [];
    const env = variablesOf(job.template);
    const own = Object.entries(deployed).find(([, other]) => sameId(other, id))?.[0];
    const planned = own ?? env.HANDOFF_JOB;
    return planned === undefined ? [] : [{ id, name, job: planned, env }];
  });
}

/** Azure keeps about a hundred of each kind for a job (UNCONFIRMED), and tells no order: all of them are read. */
const mostExecutions = 1000;

export async function listExecutions(context: JobsContext, jobs: readonly AzureJob[]): Promise<Execution[]> {
  const { clients, group } = context;
  const found = await mapFew(jobs, async (job) => {
    const executions = await asked(`list the runs of ${job.job}`, readExecutions, () =>
      collect(list(clients.manager, group, job.name), mostExecutions),
    );
    return executions.map((execution) => executionOf(execution, job, context.now()));
  });
  return await explained(found.flat(), context);
}

/** Null for one that Azure has forgotten. */
export async function getExecution(
  id: string,
  jobs: readonly AzureJob[],
  context: JobsContext,
): Promise<Execution | null> {
  // Azure names an execution by its job; a job's name may begin with another's.
  const candidates = jobs
    .filter(({ name }) => id.startsWith(`${name}-`))
    .sort((a, b) => b.name.length - a.name.length);
  for (const job of candidates) {
    const found = await asked(`look at the run ${id}`, readExecutions, async () => {
      try {
        return await jobExecution(context.clients.manager, context.group, job.name, id);
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    });
    if (found) return (await explained([executionOf(found, job, context.now())], context))[0] ?? null;
  }
  return null;
}

/** Of those that failed without a word of Azure's about it, what the system's log says. */
async function explained(executions: readonly Execution[], context: JobsContext): Promise<Execution[]> {
  const unclear = executions.filter(({ status, exitCode }) => status === "failure" && exitCode === null);
  if (unclear.length === 0) return [...executions];
  const ends = await context.ends(unclear.map(({ id }) => id));
  return executions.map((execution) => {
    const end = ends.get(execution.id);
    if (!end || execution.status !== "failure") return execution;
    const { exitCode, reason, timedOut } = end;
    const status = failureBy(exitCode, timedOut ? "DeadlineExceeded" : undefined);
    return { ...execution, status, exitCode, reason: reason ?? execution.reason };
  });
}
