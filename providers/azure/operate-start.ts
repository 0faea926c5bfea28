/** Starting a job: once, complete, and known again where the answer is lost. */
import type { Job, JobExecutionTemplate } from "@azure/arm-appcontainers";
import { get, start } from "@azure/arm-appcontainers/api/jobs";
import { CloudError, type Execution, type StartCall } from "../cloud-operate.js";
import { containerName } from "./job.js";
import { type AzureClients, asked } from "./operate-clients.js";
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
    context.now(),
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
