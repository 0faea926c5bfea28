/** Executions of Container Apps jobs: which there are, how they ended, and starting one. */
import type { Job, JobExecution, JobExecutionTemplate } from "@azure/arm-appcontainers";
import { jobExecution } from "@azure/arm-appcontainers/api";
import { get, listByResourceGroup, start } from "@azure/arm-appcontainers/api/jobs";
import { list } from "@azure/arm-appcontainers/api/jobsExecutions";
import type { RunStatus } from "../../model/run.js";
import type { Sleep } from "../cloud-errors.js";
import { CloudError, type Execution, type StartCall } from "../cloud-operate.js";
import { containerName } from "./job.js";
import { type AzureClients, asked, collect, mapFew } from "./operate-clients.js";
import { isMissing, Refusal } from "./operate-errors.js";
import { consoleOf, parseId, sameId } from "./operate-ids.js";
import type { EndOfContainer } from "./operate-logs.js";

/** A job on Azure: a job of the plan has one of its own, one for each schedule and one for each trigger. */
export interface AzureJob {
  readonly id: string;
  /** On Azure. */
  readonly name: string;
  /** In the plan. */
  readonly job: string;
  readonly env: Variables;
}

type Variables = Readonly<Record<string, string>>;

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

const read = "Microsoft.App/jobs/read";
const readExecutions = "Microsoft.App/jobs/executions/read";

/** All that the deployment has: nothing else is in its resource group. */
export async function listJobs({ clients, group, deployed }: JobsContext): Promise<AzureJob[]> {
  const found = await asked("list the jobs of the stack", read, () =>
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
    ).catch((error: unknown) => {
      throw error;
    });
    return executions.map((execution) => executionOf(execution, job, context));
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
    if (found) return (await explained([executionOf(found, job, context)], context))[0] ?? null;
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
    return {
      ...execution,
      status: timedOut ? "timeout" : execution.status,
      exitCode: execution.exitCode ?? exitCode,
      reason: reason ?? execution.reason,
    };
  });
}

/** By Container Apps' own names. `Degraded` is one of which some part failed; `Unknown` is yet to be found out. */
const statuses: Readonly<Record<string, RunStatus>> = {
  Running: "running",
  Processing: "queued",
  Stopped: "stopped",
  Degraded: "failure",
  Failed: "failure",
  Succeeded: "success",
  Unknown: "running",
};

export function executionOf(
  found: JobExecution,
  job: AzureJob,
  { now }: Pick<JobsContext, "now">,
): Execution {
  const env = { ...job.env, ...variablesOf(found.template) };
  const seen = statuses[found.status ?? ""] ?? "running";
  const timedOut = seen === "failure" && found.reason === "DeadlineExceeded";
  const status = timedOut ? "timeout" : seen;
  const ended = status !== "running" && status !== "queued";
  const started = found.startTime?.toISOString();
  const firedAt = started ?? env.HANDOFF_STARTED_AT ?? found.endTime?.toISOString() ?? now().toISOString();
  return {
    kind: "job",
    id: found.name ?? "",
    ...(env.HANDOFF_RUN_ID === undefined ? {} : { runId: env.HANDOFF_RUN_ID }),
    job: job.job,
    schedule: env.HANDOFF_SCHEDULE ?? null,
    trigger: env.HANDOFF_TRIGGER ?? null,
    ...(env.HANDOFF_SCHEDULED_AT === undefined ? {} : { scheduledAt: env.HANDOFF_SCHEDULED_AT }),
    firedAt,
    startedAt: status === "queued" ? null : (started ?? null),
    // Its end is told a moment later than that it ended.
    endedAt: ended ? (found.endTime?.toISOString() ?? started ?? now().toISOString()) : null,
    status,
    exitCode: ended ? exitCodeOf(found, status) : null,
    reason: ended && status !== "success" ? reasonOf(found) : null,
    console: consoleOf(job.id),
  };
}

function exitCodeOf({ detailedStatus }: JobExecution, status: RunStatus): number | null {
  if (status === "success") return 0;
  const containers = detailedStatus?.replicas?.flatMap(({ containers = [] }) => containers) ?? [];
  return containers.find(({ code }) => code !== undefined && code !== 0)?.code ?? null;
}

/** One sentence. Azure's words, where it has any. */
function reasonOf(found: JobExecution): string | null {
  const code = exitCodeOf(found, "failure");
  if (code === 137) return killed;
  const told = [found.reason, found.message].filter((text) => text !== undefined && text !== "");
  if (told.length > 0) return told.join(": ");
  const container = found.detailedStatus?.replicas
    ?.flatMap(({ containers = [] }) => containers)
    .find(({ additionalInformation }) => additionalInformation);
  if (container?.additionalInformation) return container.additionalInformation;
  return code === null ? null : `the container exited with ${code}`;
}

/** Of the whole container, so that its runner could not say a word. */
export const killed =
  "the container was killed (exit code 137): it had no memory left, most likely; ask for more with `resources`";

/** Starts a job. As Azure takes a start's template for the whole, it is the job's own with what the call changes. */
export async function startJob(call: StartCall, context: JobsContext): Promise<Execution> {
  const { clients, group, deployed } = context;
  const id = deployed[call.job];
  if (id === undefined) throw new Error(`there is no job ${call.job} in the outputs`);
  const { name } = parseId(id);
  const job = await asked(`read the job ${call.job}`, read, () => get(clients.manager, group, name));
  const azureJob: AzureJob = { id, name, job: call.job, env: variablesOf(job.template) };
  const template = startTemplate(job.template, call);
  const started = await asked(`start the job ${call.job}`, "Microsoft.App/jobs/start/action", async () => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await sendStart(clients, group, name, template);
      } catch (error) {
        // Throttled is not started; of what got no answer nobody knows.
        if (error instanceof Refusal && error.status === 429 && attempt < 4) {
          await context.sleep(2000 * attempt, undefined);
          continue;
        }
        if (error instanceof Refusal && error.status < 500) throw error;
        const found = await findStarted(call.runId, azureJob, context);
        if (found) return found.id;
        throw error;
      }
    }
  });
  const at = context.now().toISOString();
  return executionOf(
    { name: started, status: "Processing", startTime: new Date(at), template },
    azureJob,
    context,
  );
}

async function sendStart(
  { once }: AzureClients,
  group: string,
  name: string,
  template: JobExecutionTemplate,
): Promise<string> {
  let answer: string | undefined;
  const poller = start(once, group, name, {
    template,
    onResponse: ({ bodyAsText }) => {
      answer ??= nameIn(bodyAsText);
    },
  });
  // Its name is in the first answer. With an empty one (202), it is what the operation gives in the end.
  await poller.submitted();
  const started = answer ?? (await poller).name;
  if (started) return started;
  throw new Refusal(502, undefined, "Azure has started the job, and didn't say the execution's name");
}

function nameIn(body: string | null | undefined): string | undefined {
  if (!body) return undefined;
  try {
    const { name } = JSON.parse(body) as { readonly name?: unknown };
    return typeof name === "string" && name !== "" ? name : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a start whose answer was lost happened: its run's id is in the execution's variables. */
async function findStarted(runId: string, job: AzureJob, context: JobsContext): Promise<Execution | null> {
  for (const pauseMs of [1000, 3000, 6000]) {
    await context.sleep(pauseMs, undefined);
    try {
      const executions = await listExecutions(context, [job]);
      const found = executions.find((execution) => execution.runId === runId);
      if (found) return found;
    } catch (error) {
      if (!(error instanceof CloudError && error.passing)) throw error;
    }
  }
  return null;
}

/** The job's own template with what a start changes. */
export function startTemplate(template: Job["template"], call: StartCall): JobExecutionTemplate {
  const args = call.calls?.find(({ job }) => job === call.job)?.args;
  const part = ({ name, image, command, args: own, env, resources }: JobContainer) => ({
    ...(name === undefined ? {} : { name }),
    ...(image === undefined ? {} : { image }),
    ...(command === undefined ? {} : { command }),
    ...(own === undefined ? {} : { args: own }),
    ...(env === undefined ? {} : { env }),
    ...(resources === undefined ? {} : { resources }),
  });
  return {
    containers: (template?.containers ?? []).map((container) => {
      if (container.name !== containerName) return part(container);
      const kept = (container.env ?? []).filter(({ name }) => name === undefined || !(name in call.env));
      const added = Object.entries(call.env).map(([name, value]) => ({ name, value }));
      return part({
        ...container,
        ...(args === undefined ? {} : { args: [...args] }),
        env: [...kept, ...added],
      });
    }),
    ...(template?.initContainers?.length ? { initContainers: template.initContainers.map(part) } : {}),
  };
}

type JobContainer = NonNullable<JobExecutionTemplate["containers"]>[number];

/** Plain ones of the runner's container; secrets are references. */
function variablesOf(template: JobExecutionTemplate | Job["template"]): Variables {
  const containers = template?.containers ?? [];
  const runner = containers.find(({ name }) => name === containerName) ?? containers[0];
  return Object.fromEntries(
    (runner?.env ?? []).flatMap(({ name, value }) =>
      name === undefined || value === undefined ? [] : [[name, value] as const],
    ),
  );
}
