/**
 * The APIs of Google Cloud that operating a stack asks, as far as it does, in one server on loopback: what is there, pages,
 * filters, states, and a network that fails. Shapes: the types of Google's own packages.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { logging_v2 } from "@googleapis/logging";
import type { run_v2 } from "@googleapis/run";
import type { SchedulerJob, WorkflowExecution } from "../../../providers/gcp/operate-clients.js";
import { matchesFilter } from "./log-filter.js";

export type RunExecution = run_v2.Schema$GoogleCloudRunV2Execution;
export type LogEntry = logging_v2.Schema$LogEntry;
type Attempt = run_v2.Schema$GoogleCloudRunV2TaskAttemptResult;

export const parent = "projects/my-project/locations/us-central1";

export interface Request {
  readonly method: string;
  /** With what is asked after the `?`. */
  readonly path: string;
  readonly body: unknown;
}

/** What happens to the next calls that match, once each. */
export interface Fault {
  readonly match: RegExp;
  /** `status`: the call is refused. `before`: the connection ends before it is read; `after`: it has its effect; `half`: the answer breaks off. */
  readonly kind: "status" | "before" | "after" | "half";
  readonly status?: number;
  readonly body?: unknown;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const refused = (status: number, code: string, message: string): Answer => ({
  status,
  body: { error: { code: status, message, status: code } },
});
const notFound = (what: string) => refused(404, "NOT_FOUND", `Resource ${what} was not found.`);
const ok = (body: unknown): Answer => ({ status: 200, body });

export class GcpServer {
  readonly requests: Request[] = [];
  readonly faults: Fault[] = [];
  /** By the job's physical name; newest last. */
  readonly executions = new Map<string, RunExecution[]>();
  readonly attempts = new Map<string, Attempt>();
  readonly workflows = new Map<string, WorkflowExecution[]>();
  readonly schedules = new Map<string, SchedulerJob>();
  readonly entries: LogEntry[] = [];
  /** Items of a page at most, whatever is asked. */
  mostPerPage = 1000;
  /** Called once something was started. */
  onStart: (name: string) => void = () => {};
  /** Called after each look into the log. */
  onRead: () => void = () => {};
  #server = createServer((request, response) => void this.#handle(request, response));
  #count = 0;
  /** Page tokens that are good no more. */
  #expired = new Set<string>();
  #tokens = new Map<string, { readonly filter: string; readonly from: number }>();

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** All page tokens of logs that were given so far. */
  expireTokens(): void {
    for (const token of this.#tokens.keys()) this.#expired.add(token);
  }

  asked(pattern: RegExp): Request[] {
    return this.requests.filter(({ method, path }) => pattern.test(`${method} ${path}`));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const asked: Request = {
      method: request.method ?? "GET",
      path: decodeURIComponent(request.url ?? "/"),
      body: text === "" ? undefined : JSON.parse(text),
    };
    this.requests.push(asked);
    const place = this.faults.findIndex(({ match }) => match.test(`${asked.method} ${asked.path}`));
    const [fault] = place < 0 ? [] : this.faults.splice(place, 1);
    if (fault?.kind === "before") return void request.socket.destroy();
    const { status, body } =
      fault?.kind === "status"
        ? { status: fault.status ?? 503, body: fault.body ?? "" }
        : this.#answer(asked);
    if (fault?.kind === "after") return void request.socket.destroy();
    const said = typeof body === "string" ? body : JSON.stringify(body);
    response.writeHead(status, { "content-type": "application/json; charset=UTF-8" });
    if (fault?.kind !== "half") return void response.end(said);
    response.write(said.slice(0, said.length / 2), () => request.socket.destroy());
  }

  #answer({ method, path, body }: Request): Answer {
    const url = new URL(path, "http://localhost");
    const of = (pattern: string) => new RegExp(`^${pattern}$`).exec(url.pathname)?.slice(1) ?? null;
    const route = (verb: string, pattern: string, answer: (...parts: string[]) => Answer): Answer | null => {
      const parts = method === verb ? of(pattern) : null;
      return parts && answer(...parts);
    };
    const page = {
      size: Number(url.searchParams.get("pageSize") ?? 100),
      token: url.searchParams.get("pageToken"),
    };
    const one = "([^/:]+)";
    return (
      route("POST", `/v2/${parent}/jobs/${one}:run`, (job) => this.#run(job ?? "", body)) ??
      route("GET", `/v2/${parent}/jobs/${one}/executions`, (job) =>
        this.#list("executions", this.executions.get(job ?? ""), page),
      ) ??
      route("GET", `/v2/${parent}/jobs/${one}/executions/${one}`, (job, id) =>
        this.#get(this.executions.get(job ?? ""), id),
      ) ??
      route("GET", `/v2/${parent}/jobs/${one}/executions/${one}/tasks`, (_job, id) =>
        ok({ tasks: [{ lastAttemptResult: this.attempts.get(id ?? "") }] }),
      ) ??
      route("POST", `/v1/${parent}/workflows/${one}/executions`, (flow) => this.#execute(flow ?? "", body)) ??
      route("GET", `/v1/${parent}/workflows/${one}/executions`, (flow) =>
        this.#list("executions", this.workflows.get(flow ?? ""), page),
      ) ??
      route("GET", `/v1/${parent}/workflows/${one}/executions/${one}`, (flow, id) =>
        this.#get(this.workflows.get(flow ?? ""), id),
      ) ??
      route("GET", `/v1/${parent}/jobs/${one}`, (name) => this.#schedule(name)) ??
      route("POST", `/v1/${parent}/jobs/${one}:pause`, (name) => this.#schedule(name, "PAUSED")) ??
      route("POST", `/v1/${parent}/jobs/${one}:resume`, (name) => this.#schedule(name, "ENABLED")) ??
      route("POST", "/v2/entries:list", () => this.#logs(body as logging_v2.Schema$ListLogEntriesRequest)) ??
      refused(404, "NOT_FOUND", `no such method: ${method} ${path}`)
    );
  }

  #list(
    key: string,
    items: readonly unknown[] | undefined,
    { size, token }: { readonly size: number; readonly token: string | null },
  ): Answer {
    if (!items) return notFound(key);
    const newestFirst = [...items].reverse();
    const from = Number(token ?? 0);
    const until = from + Math.min(size, this.mostPerPage);
    return ok({
      // Empty lists are left out.
      ...(newestFirst.length > from ? { [key]: newestFirst.slice(from, until) } : {}),
      ...(until < newestFirst.length ? { nextPageToken: String(until) } : {}),
    });
  }

  #get(items: readonly { readonly name?: string | null }[] | undefined, id: string | undefined): Answer {
    const found = items?.find(({ name }) => name?.endsWith(`/${id}`));
    return found ? ok(found) : notFound(String(id));
  }

  #run(job: string, body: unknown): Answer {
    const list = this.executions.get(job);
    if (!list) return notFound(job);
    const { overrides } = body as run_v2.Schema$GoogleCloudRunV2RunJobRequest;
    const [override] = overrides?.containerOverrides ?? [];
    this.#count += 1;
    const name = `${parent}/jobs/${job}/executions/${job}-x${this.#count}`;
    const execution: RunExecution = {
      name,
      job,
      createTime: new Date().toISOString().replace("Z", "123Z"),
      template: { containers: [{ args: override?.args ?? ["run"], env: override?.env ?? [] }] },
      conditions: [{ type: "Completed", state: "CONDITION_PENDING" }],
    };
    list.push(execution);
    this.onStart(name);
    const metadata = { "@type": "type.googleapis.com/google.cloud.run.v2.Execution", ...execution };
    return ok({ name: `${parent}/operations/o${this.#count}`, metadata, done: false });
  }

  #execute(flow: string, body: unknown): Answer {
    const list = this.workflows.get(flow);
    if (!list) return notFound(flow);
    this.#count += 1;
    const name = `${parent}/workflows/${flow}/executions/0000-e${this.#count}`;
    const at = new Date().toISOString();
    const { argument = "null" } = body as { argument?: string };
    JSON.parse(argument);
    const execution: WorkflowExecution = { name, createTime: at, startTime: at, state: "ACTIVE", argument };
    list.push(execution);
    this.onStart(name);
    const { argument: _, ...basic } = execution;
    return ok(basic);
  }

  #schedule(name: string | undefined, state?: SchedulerJob["state"]): Answer {
    const found = this.schedules.get(name ?? "");
    if (!found) return notFound(String(name));
    const now = state === undefined ? found : { ...found, state };
    this.schedules.set(name ?? "", now);
    return ok(now);
  }

  #logs({
    resourceNames,
    filter,
    orderBy,
    pageSize,
    pageToken,
  }: logging_v2.Schema$ListLogEntriesRequest): Answer {
    if (!resourceNames?.length || orderBy !== "timestamp asc" || !filter)
      return refused(400, "INVALID_ARGUMENT", "what a log is asked for is missing");
    const from = pageToken ? this.#tokens.get(pageToken) : { filter, from: 0 };
    if (!from || from.filter !== filter || this.#expired.has(pageToken ?? ""))
      return refused(400, "INVALID_ARGUMENT", "page_token doesn't match arguments from the request");
    const found = this.entries
      .filter((entry) => matchesFilter(entry, filter))
      .sort((a, b) => ((a.timestamp ?? "") < (b.timestamp ?? "") ? -1 : 1));
    const until = from.from + Math.min(pageSize ?? 50, this.mostPerPage);
    const token = `page-${this.#tokens.size + 1}`;
    if (until < found.length) this.#tokens.set(token, { filter, from: until });
    const answer = ok({
      ...(found.length > from.from ? { entries: found.slice(from.from, until) } : {}),
      ...(until < found.length ? { nextPageToken: token } : {}),
    });
    this.onRead();
    return answer;
  }
}
