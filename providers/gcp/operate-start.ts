/** Starting a job of Cloud Run or a flow: each once, whatever happens to the answer. */
import type { run_v2 } from "@googleapis/run";
import { ExitCode, UserError } from "../../model/diagnostic.js";
import type { Sleep } from "../cloud-errors.js";
import { CloudError, type Execution, type StartCall } from "../cloud-operate.js";
import { ask } from "./operate-calls.js";
import { type Clients, once, type WorkflowExecution } from "./operate-clients.js";
import { flowExecution, jobExecution } from "./operate-execution.js";
import { type Made, parentOf, physical } from "./operate-outputs.js";

/** Newest executions that a start is looked for in, after its answer was lost. */
const lookedAt = 20;

export function starter(
  { run, workflows }: Clients,
  made: Made,
  sleep: Sleep,
): (call: StartCall) => Promise<Execution> {
  const { jobs } = run.projects.locations;

  async function startJob(call: StartCall): Promise<Execution> {
    const name = `${parentOf(made)}/jobs/${physical(made.jobs, call.job, "job")}`;
    const asked = { doing: `run ${call.job}`, permission: "run.jobs.runWithOverrides" };
    const requestBody = { overrides: overridesOf(call) };
    const started = await startedOnce(
      async () => {
        const { metadata } = await ask(asked, () => jobs.run({ name, requestBody }, once));
        return metadata?.name ? jobExecution(call.job, metadata, made) : undefined;
      },
      async () => {
        const look = { doing: `look for the run of ${call.job}`, permission: "run.executions.list" };
        const list = { parent: name, pageSize: lookedAt };
        const { executions = [] } = await ask(look, () => jobs.executions.list(list));
        const found = executions.map((raw) => jobExecution(call.job, raw, made));
        return found.find(({ runId }) => runId === call.runId);
      },
    );
    return { ...started, runId: call.runId };
  }

  async function startFlow(call: StartCall, flow: string): Promise<Execution> {
    const name = `${parentOf(made)}/workflows/${physical(made.flows, flow, "flow")}`;
    const asked = { doing: `run ${flow}`, permission: "workflows.executions.create" };
    const argument = flowArgument(call, [...made.jobs.keys()]);
    const raw = await startedOnce(
      () => ask(asked, () => workflows.create(name, argument)),
      async () => {
        const look = { doing: `look for the run of ${flow}`, permission: "workflows.executions.list" };
        const { executions = [] } = await ask(look, () => workflows.list(name, { size: lookedAt }));
        return executions.find((one) => isAskedBy(one, call));
      },
    );
    return flowExecution(flow, raw, made);
  }

  /** A start whose answer was lost may have happened: it is looked for, and never made a second time. */
  async function startedOnce<T>(
    start: () => Promise<T | undefined>,
    look: () => Promise<T | undefined>,
  ): Promise<T> {
    let lost = "Google Cloud answered without the run's name";
    try {
      const started = await start();
      if (started) return started;
    } catch (error) {
      if (!(error instanceof CloudError && error.passing)) throw error;
      lost = error.message;
    }
    for (const pauseMs of [1000, 4000]) {
      await sleep(pauseMs, undefined);
      const found = await look();
      if (found) return found;
    }
    throw new UserError(`${lost}; no such run is to be seen`, {
      code: "cloud-call",
      hint: "see whether handoff runs shows it before you start it again",
      exitCode: ExitCode.failed,
    });
  }

  return async (call) => {
    const started = call.flow === null ? await startJob(call) : await startFlow(call, call.flow);
    return { ...started, schedule: call.schedule, trigger: null, scheduledAt: call.scheduledAt };
  };
}

/** The environment is added to the job's; arguments take the place of the job's. */
function overridesOf({ calls, env }: StartCall): run_v2.Schema$GoogleCloudRunV2Overrides {
  const [called] = calls ?? [];
  return { containerOverrides: [{ ...(called ? { args: [...called.args] } : {}), env: variables(env) }] };
}

const variables = (env: Readonly<Record<string, string>>) =>
  Object.entries(env).map(([name, value]) => ({ name, value }));

/** `calls` are what the workflow reads (flows.ts); by `request` the execution is known where its answer was lost. */
function flowArgument({ calls, env, runId }: StartCall, jobs: readonly string[]): string {
  const called = calls ?? jobs.map((job) => ({ job, args: undefined }));
  return JSON.stringify({
    request: runId,
    calls: Object.fromEntries(
      called.map(({ job, args }) => [job, { ...(args ? { args } : {}), env: variables(env) }]),
    ),
  });
}

function isAskedBy({ argument }: WorkflowExecution, { runId }: StartCall): boolean {
  return argument?.includes(JSON.stringify(runId)) === true;
}
