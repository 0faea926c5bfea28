/** Operating a stack on Google Cloud: Cloud Run's executions, Workflows', Cloud Logging and Cloud Scheduler. */
import type { run_v2 } from "@googleapis/run";
import { UserError } from "../../model/diagnostic.js";
import { type Sleep, sleepFor } from "../cloud-errors.js";
import {
  type CloudDriver,
  CloudError,
  type CloudOperatorOptions,
  cloudOperator,
  type Execution,
  type LogTarget,
  type ReadLogPage,
  type ScheduleState,
  type StartCall,
} from "../cloud-operate.js";
import type { DeployedStack, OpenOperator, Operator } from "../operate.js";
import { defaultRetentionDays } from "./logs.js";
import { type Clients, once, openClients, repeatable, type WorkflowExecution } from "./operate-clients.js";
import { type Asked, failureOf, gcpError } from "./operate-errors.js";
import { flowExecution, jobExecution, type Place, shortName, type TaskAttempt } from "./operate-execution.js";
import { listRequest, logFilter, logPage, parseCursor } from "./operate-log.js";

export const gcpOperator: OpenOperator = (stack) => operateGcp(stack);

/** @throws UserError `not-deployed`, `invalid-environment` */
export function operateGcp(stack: DeployedStack, options: CloudOperatorOptions = {}): Operator {
  return cloudOperator(stack, gcpDriver(stack, openClients(stack.env), options), options);
}

/** Most entries become visible within seconds. Source: Logging's page on late entries; UNCONFIRMED. */
const logDelayMs = 20_000;

/** Listings asked at the same time. */
const parallel = 8;

/** Newest executions that a start is looked for in, after its answer was lost. */
const lookedAt = 20;

export function gcpDriver(
  stack: DeployedStack,
  clients: Clients,
  { sleep = sleepFor }: { readonly sleep?: Sleep } = {},
): CloudDriver {
  const made = madeOf(stack.outputs);
  const { run, logging, scheduler, workflows } = clients;
  const parent = `projects/${made.project}/locations/${made.region}`;
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
    return found.map((raw) => flowExecution(flow, raw, made));
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
    const name = `${parent}/workflows/${made.flows.get(flow) ?? flow}/executions/${id}`;
    const asked = { doing: `ask for ${id}`, permission: "workflows.executions.get" };
    const raw = await found(asked, () => workflows.get(name));
    return raw === null ? null : flowExecution(flow, raw, made);
  }

  async function startJob(call: StartCall): Promise<Execution> {
    const name = physical(made.jobs, call.job, "job");
    const asked = { doing: `run ${name}`, permission: "run.jobs.runWithOverrides" };
    const [args] = (call.calls ?? []).map((called) => called.args);
    const overrides: run_v2.Schema$GoogleCloudRunV2Overrides = {
      containerOverrides: [{ ...(args ? { args: [...args] } : {}), env: variables(call.env) }],
    };
    const requestBody = { overrides };
    return await startedOnce(
      async () => {
        const request = { name: `${parent}/jobs/${name}`, requestBody };
        const { metadata } = await ask(asked, () => run.projects.locations.jobs.run(request, once));
        return metadata?.name ? jobExecution(call.job, metadata, made) : undefined;
      },
      async () => {
        const newest = await executionsOf(call.job, name, lookedAt);
        return newest.find(({ runId }) => runId === call.runId);
      },
    );
  }

  async function startFlow(call: StartCall, flow: string): Promise<Execution> {
    const name = physical(made.flows, flow, "flow");
    const asked = { doing: `run ${name}`, permission: "workflows.executions.create" };
    const argument = flowArgument(call, [...made.jobs.keys()]);
    const started = await startedOnce(
      async () =>
        flowExecution(
          flow,
          await ask(asked, () => workflows.create(`${parent}/workflows/${name}`, argument)),
          made,
        ),
      async () => {
        const doing = { doing: `list the executions of ${name}`, permission: "workflows.executions.list" };
        const newest = await ask(doing, () =>
          workflows.list(`${parent}/workflows/${name}`, { size: lookedAt }),
        );
        const raw = newest.executions?.find((one) => isAskedBy(one, call));
        return raw && flowExecution(flow, raw, made);
      },
    );
    return { ...started, schedule: call.schedule, trigger: null, scheduledAt: call.scheduledAt };
  }

  /** A start whose answer was lost may have happened: it is looked for, and never made a second time. */
  async function startedOnce(
    start: () => Promise<Execution | undefined>,
    look: () => Promise<Execution | undefined>,
  ): Promise<Execution> {
    let lost: unknown = new UserError("Google Cloud started the run, and doesn't name it", {
      code: "cloud-call",
      hint: "look for it with: handoff runs",
    });
    try {
      const started = await start();
      if (started) return started;
    } catch (error) {
      if (!(error instanceof CloudError && error.passing)) throw error;
      lost = error;
    }
    for (const pauseMs of [1000, 4000]) {
      await sleep(pauseMs, undefined);
      const found = await look();
      if (found) return found;
    }
    throw lost;
  }

  function log({ execution, job, since }: LogTarget): ReadLogPage {
    const of = { job: made.jobs.get(job) ?? job, region: made.region, execution, since };
    const places = logPlaces(made, since, stack.now());
    const asked = { doing: `read the log of ${execution}`, permission: "logging.logEntries.list" };
    return async (text, signal) => {
      const cursor = parseCursor(text);
      const filter = logFilter(of, cursor.received);
      const options = { ...repeatable, ...(signal ? { signal } : {}) };
      const list = (token: string | undefined) =>
        logging.entries.list({ requestBody: listRequest(places, filter, token) }, options);
      const answer = await ask(asked, async () => {
        try {
          return await list(cursor.token);
        } catch (error) {
          // A token is good for some time only: the look begins again, and what was shown is known.
          if (cursor.token === undefined || failureOf(error).status !== 400) throw error;
          return await list(undefined);
        }
      });
      return logPage(answer, cursor);
    };
  }

  const jobOf = (schedule: string): string =>
    `${parent}/jobs/${physical(made.schedules, schedule, "schedule")}`;

  return {
    logDelayMs,
    async executions(limit) {
      const lists = [
        ...[...made.jobs].map(
          ([job, name]) =>
            () =>
              executionsOf(job, name, limit),
        ),
        ...[...made.flows].map(
          ([flow, name]) =>
            () =>
              flowExecutions(flow, name, limit),
        ),
      ];
      return (await some(lists, parallel)).flat();
    },
    execution: async ({ kind, job, id }) =>
      kind === "flow" ? await flowExecutionNow(job, id) : await jobExecutionNow(job, id),
    async start(call) {
      if (call.flow !== null) return await startFlow(call, call.flow);
      const { schedule, scheduledAt } = call;
      return { ...(await startJob(call)), runId: call.runId, schedule, trigger: null, scheduledAt };
    },
    log,
    async schedule(name): Promise<ScheduleState> {
      const asked = { doing: `ask for the schedule ${name}`, permission: "cloudscheduler.jobs.get" };
      const { state, schedule, timeZone } = await ask(asked, () => scheduler.get(jobOf(name)));
      return {
        // Cloud Scheduler itself disables one whose calls can't be made.
        paused: state === "PAUSED" || state === "DISABLED",
        ...(schedule ? { expression: schedule } : {}),
        ...(timeZone ? { timezone: timeZone } : {}),
      };
    },
    async setPaused(name, paused) {
      const [verb, permission] = paused ? ["pause", "pause"] : ["resume", "enable"];
      const asked = {
        doing: `${verb} the schedule ${name}`,
        permission: `cloudscheduler.jobs.${permission}`,
      };
      await ask(asked, () => (paused ? scheduler.pause(jobOf(name)) : scheduler.resume(jobOf(name))));
    },
  };
}

/** Its one task knows the exit code. */
const withMoreToTell = (execution: Execution): Execution => ({
  ...execution,
  partial: execution.endedAt !== null && execution.status !== "success",
});

interface Made extends Place {
  /** Physical names by the plan's, as the two below. */
  readonly jobs: ReadonlyMap<string, string>;
  readonly flows: ReadonlyMap<string, string>;
  readonly schedules: ReadonlyMap<string, string>;
  /** Of Cloud Logging; undefined where logs stay in the project's own alone. */
  readonly logBucket?: string;
}

function madeOf({ project, region, jobs, flows, schedules, logBucket }: DeployedStack["outputs"]): Made {
  if (typeof project !== "string" || typeof region !== "string") {
    throw new UserError("the stack's outputs name no project and region of Google Cloud", {
      code: "not-deployed",
      hint: "deploy it again with handoff up",
    });
  }
  return {
    project,
    region,
    jobs: names(jobs, (value) => (value as { name?: unknown } | null)?.name),
    flows: names(flows, (value) => value),
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

function physical(known: ReadonlyMap<string, string>, name: string, what: string): string {
  const found = known.get(name);
  if (found !== undefined) return found;
  throw new UserError(`the ${what} ${name} is not deployed`, {
    code: "not-deployed",
    hint: "deploy what project.yml says now with handoff up",
  });
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

const dayMs = 24 * 3_600_000;

/** The project's own bucket forgets earlier than the stack's. */
function logPlaces({ project, logBucket }: Made, since: string, now: Date): string[] {
  const age = (now.getTime() - Date.parse(since)) / dayMs;
  const isForgotten = age > defaultRetentionDays - 1;
  return isForgotten && logBucket !== undefined ? [`${logBucket}/views/_AllLogs`] : [`projects/${project}`];
}

async function ask<T>(asked: Asked, call: () => Promise<{ readonly data: T }>): Promise<T> {
  try {
    const { data } = await call();
    // An answer that broke off in the middle of its JSON is given as a text.
    if (typeof data === "object") return data;
    throw new Error("the answer broke off");
  } catch (error) {
    throw error instanceof UserError ? error : gcpError(error, asked);
  }
}

/** Null: it isn't there. */
async function found<T>(asked: Asked, call: () => Promise<{ readonly data: T }>): Promise<T | null> {
  return await ask(asked, async () => {
    try {
      return (await call()) as { readonly data: T | null };
    } catch (error) {
      if (failureOf(error).status === 404) return { data: null };
      throw error;
    }
  });
}

/** Most items that one page is asked for. */
const mostPerPage = 100;

/** The first `limit`, as far as there are so many. */
async function pages<T>(
  limit: number,
  page: (
    size: number,
    token: string | undefined,
  ) => Promise<{ items: readonly T[]; next?: string | null | undefined }>,
): Promise<T[]> {
  const all: T[] = [];
  let token: string | undefined;
  do {
    const { items, next } = await page(Math.min(mostPerPage, limit - all.length), token);
    all.push(...items);
    token = next || undefined;
  } while (token !== undefined && all.length < limit);
  return all.slice(0, limit);
}

/** In their order; so many at the same time. */
async function some<T>(calls: readonly (() => Promise<T>)[], atOnce: number): Promise<T[]> {
  const all: T[] = [];
  for (let from = 0; from < calls.length; from += atOnce) {
    all.push(...(await Promise.all(calls.slice(from, from + atOnce).map((call) => call()))));
  }
  return all;
}
