/** What has run and runs: asked of Cloud Run and Workflows. */
import type { CloudDriver, Execution } from "../cloud-operate.js";
import { ask, found, pages, some } from "./operate-calls.js";
import type { Clients, WorkflowExecution } from "./operate-clients.js";
import { flowExecution, jobExecution, shortName, type TaskAttempt } from "./operate-execution.js";
import { type Made, parentOf } from "./operate-outputs.js";

/** Listings asked at the same time. */
const parallel = 8;

export interface ExecutionReader {
  readonly newest: CloudDriver["executions"];
  readonly now: CloudDriver["execution"];
}

export function executionReader({ run, workflows }: Clients, made: Made): ExecutionReader {
  const parent = parentOf(made);
  const { executions: jobExecutions } = run.projects.locations.jobs;

  async function executionsOf(job: string, name: string, limit: number): Promise<Execution[]> {
    const asked = { doing: `list the executions of ${name}`, permission: "run.executions.list" };
    const found = await pages(limit, async (pageSize, pageToken) => {
      const { executions = [], nextPageToken } = await ask(asked, () =>
        jobExecutions.list({
          parent: `${parent}/jobs/${name}`,
          pageSize,
          ...(pageToken ? { pageToken } : {}),
        }),
      );
      return { items: executions, next: nextPageToken };
    });
    return found.map((raw) => withMoreToTell(jobExecution(job, raw, made)));
  }

  async function flowExecutions(flow: string, name: string, limit: number): Promise<Execution[]> {
    const asked = { doing: `list the executions of ${name}`, permission: "workflows.executions.list" };
    const found = await pages(limit, async (size, token) => {
      const { executions = [], nextPageToken } = await ask(asked, () =>
        workflows.list(`${parent}/workflows/${name}`, { size, ...(token ? { token } : {}) }),
      );
      return { items: executions, next: nextPageToken };
    });
    return found.map((raw) => flowOf(flow, raw));
  }

  /** A trigger's is called with the message alone. */
  function flowOf(flow: string, raw: WorkflowExecution): Execution {
    const execution = flowExecution(flow, raw, made);
    const trigger = made.triggers.get(flow);
    return trigger === undefined ? execution : { ...execution, schedule: null, trigger };
  }

  async function jobExecutionNow(job: string, id: string): Promise<Execution | null> {
    const name = `${parent}/jobs/${made.jobs.get(job) ?? job}/executions/${id}`;
    const asked = { doing: `ask for ${id}`, permission: "run.executions.get" };
    const raw = await found(asked, () => jobExecutions.get({ name }));
    if (raw === null) return null;
    const execution = jobExecution(job, raw, made);
    if (!withMoreToTell(execution).partial) return execution;
    return jobExecution(job, raw, made, await lastAttempt(name));
  }

  /** Why it ended is told of its one task. */
  async function lastAttempt(name: string): Promise<TaskAttempt | undefined> {
    const asked = { doing: `ask why ${shortName(name)} failed`, permission: "run.tasks.list" };
    const list = await found(asked, () => jobExecutions.tasks.list({ parent: name, pageSize: 1 }));
    return list?.tasks?.[0]?.lastAttemptResult;
  }

  async function flowExecutionNow(flow: string, id: string): Promise<Execution | null> {
    const name = `${parent}/workflows/${made.workflows.get(flow) ?? flow}/executions/${id}`;
    const asked = { doing: `ask for ${id}`, permission: "workflows.executions.get" };
    const raw = await found(asked, () => workflows.get(name));
    return raw === null ? null : flowOf(flow, raw);
  }

  return {
    async newest(limit) {
      const lists = [
        ...[...made.jobs].map(
          ([job, name]) =>
            () =>
              executionsOf(job, name, limit),
        ),
        ...[...made.workflows].map(
          ([flow, name]) =>
            () =>
              flowExecutions(flow, name, limit),
        ),
      ];
      return (await some(lists, parallel)).flat();
    },
    now: async ({ kind, job, id }) =>
      kind === "flow" ? await flowExecutionNow(job, id) : await jobExecutionNow(job, id),
  };
}

/** Its one task knows the exit code. */
const withMoreToTell = (execution: Execution): Execution => ({
  ...execution,
  partial: execution.endedAt !== null && execution.status !== "success",
});
