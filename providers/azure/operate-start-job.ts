/** Starting a job: once, complete, and known again where the answer is lost. */
import type { Job, JobExecutionTemplate } from "@azure/arm-appcontainers";
import { get, start } from "@azure/arm-appcontainers/api/jobs";
import { CloudError, type Execution, type StartCall } from "../cloud-operate.js";
import { containerName } from "./job.js";
import { asked } from "./operate-clients.js";
import { Refusal } from "./operate-errors.js";
import { type AzureJob, executionOf, variablesOf } from "./operate-executions.js";
import { parseId } from "./operate-ids.js";
import { type JobsContext, listExecutions, readJobs } from "./operate-jobs.js";

/** Starts a job. As Azure takes a start's template for the whole, it is the job's own with what the call changes. */
export async function startJob(call: StartCall, context: JobsContext): Promise<Execution> {
  const { clients, group, deployed } = context;
  const id = deployed[call.job];
  if (id === undefined) throw new Error(`there is no job ${call.job} in the outputs`);
  const { name } = parseId(id);
  const job = await asked(`read the job ${call.job}`, readJobs, () => get(clients.manager, group, name));
  const azureJob: AzureJob = { id, name, job: call.job, env: variablesOf(job.template) };
  const template = startTemplate(job.template, call);
  const started = await asked(`start the job ${call.job}`, "Microsoft.App/jobs/start/action", async () => {
    const sent = await send(name, template, context);
    if (sent.execution !== undefined) return sent.execution;
    const found = await findStarted(call.runId, azureJob, context);
    if (found) return found.id;
    throw (
      sent.lost ??
      new Refusal(502, undefined, "it is started, and Azure shows no run of it: look for it later")
    );
  });
  const at = context.now().toISOString();
  return executionOf(
    { name: started, status: "Processing", startTime: new Date(at), template },
    azureJob,
    context.now(),
  );
}

interface Sent {
  /** Its name, where the answer has it. */
  readonly execution?: string;
  /** What became of the answer, where nobody knows whether it was started. */
  readonly lost?: unknown;
}

/** Once: what is throttled is not started, of what got no answer nobody knows. */
async function send(
  name: string,
  template: JobExecutionTemplate,
  { clients, group, sleep }: JobsContext,
): Promise<Sent> {
  for (let attempt = 1; ; attempt += 1) {
    let execution: string | undefined;
    try {
      const starting = start(clients.once, group, name, {
        template,
        onResponse: ({ bodyAsText }) => {
          execution = nameIn(bodyAsText);
        },
      });
      // Not to the operation's end: the first answer has the name, or the list of executions will.
      await starting.submitted();
      return execution === undefined ? {} : { execution };
    } catch (error) {
      if (!(error instanceof Refusal) || error.status >= 500) return { lost: error };
      if (error.status !== 429 || attempt === 4) throw error;
      await sleep(2000 * attempt, undefined);
    }
  }
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
