/**
 * Google's own clients for what operating a stack asks: Cloud Run and Cloud Logging by their packages. Cloud Scheduler and
 * Workflow Executions have none of this kind on npm, only ones of gRPC with megabytes of their own: their few calls are made
 * through the same library that the packages are made of. Source of these: Google's discovery documents, v1 of each.
 */
import { logging, type logging_v2 } from "@googleapis/logging";
import { run, type run_v2 } from "@googleapis/run";
import { createAPIRequest, type GlobalOptions, GoogleAuth, type MethodOptions } from "googleapis-common";
import { UserError } from "../../model/diagnostic.js";

/** Credentials as Google's libraries find them; HANDOFF_GCP_ENDPOINT is asked without any, in place of all services. */
export type Env = Readonly<Record<string, string | undefined>>;

/** A call that gets no answer within a minute is made again, as one that is answered with 429 or 5xx; for some eight seconds. */
const patience: GlobalOptions = { timeout: 60_000, retryConfig: { retry: 4, noResponseRetries: 4 } };

/** Of Cloud Scheduler, as far as it is read. */
export interface SchedulerJob {
  readonly name?: string;
  readonly schedule?: string;
  readonly timeZone?: string;
  readonly state?: "STATE_UNSPECIFIED" | "ENABLED" | "PAUSED" | "DISABLED" | "UPDATE_FAILED";
}

/** Of Workflow Executions, as far as it is read. */
export interface WorkflowExecution {
  /** `projects/P/locations/L/workflows/W/executions/E` */
  readonly name?: string;
  readonly createTime?: string;
  readonly startTime?: string;
  readonly endTime?: string;
  readonly state?:
    | "STATE_UNSPECIFIED"
    | "ACTIVE"
    | "SUCCEEDED"
    | "FAILED"
    | "CANCELLED"
    | "UNAVAILABLE"
    | "QUEUED";
  /** JSON; only in the view FULL, as `error`. */
  readonly argument?: string;
  readonly error?: { readonly payload?: string; readonly context?: string };
  readonly stateError?: { readonly type?: string; readonly details?: string };
}

export interface WorkflowExecutionList {
  readonly executions?: readonly WorkflowExecution[];
  readonly nextPageToken?: string;
}

type Answer<T> = Promise<{ readonly data: T }>;

export interface Scheduler {
  get(name: string): Answer<SchedulerJob>;
  pause(name: string): Answer<SchedulerJob>;
  resume(name: string): Answer<SchedulerJob>;
}

export interface WorkflowExecutions {
  /** Newest first. */
  list(
    workflow: string,
    page: { readonly size: number; readonly token?: string },
  ): Answer<WorkflowExecutionList>;
  get(name: string): Answer<WorkflowExecution>;
  /** Not made again when no answer comes: it may have begun. */
  create(workflow: string, argument: string): Answer<WorkflowExecution>;
}

export interface Clients {
  readonly run: run_v2.Run;
  readonly logging: logging_v2.Logging;
  readonly scheduler: Scheduler;
  readonly workflows: WorkflowExecutions;
}

/** For calls that read, or that do the same when they are made twice: Google's library knows only by the method. */
export const repeatable: MethodOptions = { retryConfig: { httpMethodsToRetry: ["GET", "POST"] } };

/** For calls that start something: made again only where Google says that there are too many at the moment. */
export const once: MethodOptions = {
  retryConfig: {
    httpMethodsToRetry: ["POST"],
    statusCodesToRetry: [[429, 429]],
    noResponseRetries: 0,
    // Half a minute in all.
    retry: 6,
  },
};

/** Nobody is asked for credentials before the first call. @throws UserError `invalid-environment` */
export function openClients(env: Env): Clients {
  const options = clientOptions(env);
  return {
    run: run({ version: "v2", ...options }),
    logging: logging({ version: "v2", ...options }),
    scheduler: scheduler(options),
    workflows: workflowExecutions(options),
  };
}

function clientOptions(env: Env): GlobalOptions {
  const endpoint = env.HANDOFF_GCP_ENDPOINT;
  if (endpoint) {
    if (!URL.canParse(endpoint)) {
      throw new UserError(`HANDOFF_GCP_ENDPOINT is ${endpoint}, which is no URL`, {
        code: "invalid-environment",
        hint: "such as http://127.0.0.1:8080, or unset it to ask Google",
      });
    }
    return { rootUrl: endpoint, ...patience };
  }
  const file = env.GOOGLE_APPLICATION_CREDENTIALS;
  const auth = new GoogleAuth({
    scopes: ["https://www.googleapis.com/auth/cloud-platform"],
    ...(file ? { keyFilename: file } : {}),
  });
  return { auth, ...patience };
}

interface Call {
  readonly method: "GET" | "POST";
  /** With `{+name}` where the parameter's path stands. */
  readonly url: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly options?: MethodOptions;
}

/** As the packages' generated methods do it. `name` is in the path; other parameters are asked after the `?`. */
async function request<T>(context: GlobalOptions, { method, url, params, options = {} }: Call) {
  const { data } = await createAPIRequest<T>({
    options: { ...options, url, method },
    params: { ...params },
    requiredParams: ["name"],
    pathParams: ["name"],
    context: { _options: context },
  });
  return { data };
}

function scheduler(context: GlobalOptions): Scheduler {
  const root = "https://cloudscheduler.googleapis.com/v1/{+name}";
  const change = (name: string, verb: string) =>
    request<SchedulerJob>(context, {
      method: "POST",
      url: `${root}:${verb}`,
      params: { name, requestBody: {} },
      options: repeatable,
    });
  return {
    get: (name) => request(context, { method: "GET", url: root, params: { name } }),
    pause: (name) => change(name, "pause"),
    resume: (name) => change(name, "resume"),
  };
}

function workflowExecutions(context: GlobalOptions): WorkflowExecutions {
  const root = "https://workflowexecutions.googleapis.com/v1/{+name}";
  return {
    list: (name, { size, token }) =>
      request(context, {
        method: "GET",
        url: `${root}/executions`,
        params: { name, view: "FULL", pageSize: size, ...(token === undefined ? {} : { pageToken: token }) },
      }),
    get: (name) => request(context, { method: "GET", url: root, params: { name, view: "FULL" } }),
    create: (name, argument) =>
      request(context, {
        method: "POST",
        url: `${root}/executions`,
        params: { name, requestBody: { argument } },
        options: once,
      }),
  };
}
