/**
 * The APIs of Azure that operating a stack asks, as far as it does, in one server on loopback: Container Apps, Logic Apps,
 * Log Analytics, their pages, states and refusals, and a network that fails. Shapes: Azure's own packages and REST reference.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Request {
  readonly method: string;
  /** With what is asked after the `?`. */
  readonly path: string;
  readonly body: unknown;
  readonly headers: IncomingMessage["headers"];
}

/** What happens to the next calls that match, once each. */
export interface Fault {
  readonly match: RegExp;
  /** `status`: the call is refused. `before`: the connection ends before it is read; `after`: it has its effect; `half`: the answer breaks off. */
  readonly kind: "status" | "before" | "after" | "half";
  readonly status?: number;
  readonly body?: unknown;
}

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly secretRef?: string }[];
  readonly resources?: unknown;
}

export interface ServedExecution {
  readonly name: string;
  readonly properties: {
    status: string;
    startTime?: string;
    endTime?: string;
    reason?: string;
    message?: string;
    template: { readonly containers: readonly Container[] };
    detailedStatus?: unknown;
  };
}

export interface ServedJob {
  readonly id: string;
  readonly name: string;
  readonly properties: {
    runningState: string;
    readonly configuration: Readonly<Record<string, unknown>>;
    readonly template: { readonly containers: readonly Container[] };
  };
  /** In no order. */
  readonly executions: ServedExecution[];
}

export interface ServedRun {
  readonly name: string;
  readonly properties: {
    status: string;
    startTime: string;
    endTime?: string;
    code?: string;
    error?: { code: string; message: string };
    correlation?: { clientTrackingId: string };
    trigger?: { outputs?: unknown; outputsLink?: { uri: string } };
  };
}

export interface ServedWorkflow {
  readonly id: string;
  readonly name: string;
  readonly properties: { state: string; readonly definition: unknown };
  /** Newest first. */
  readonly runs: ServedRun[];
}

/** A row of ContainerAppConsoleLogs_CL. */
export interface ConsoleRow {
  readonly printed: string;
  /** When it came in. */
  readonly came: string;
  readonly group: string;
  readonly line: string;
  readonly id?: string;
  readonly stream?: string;
}

/** A row of ContainerAppSystemLogs_CL. */
export interface SystemRow {
  readonly printed: string;
  readonly execution: string;
  readonly reason: string;
  readonly line: string;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export const subscription = "34adfa4f-cedf-4dc0-ba29-b6d1a69ab345";
export const customerId = "6c3ac85e-59d5-4e5d-90eb-27979f57cb16";

const refused = (status: number, code: string, message: string): Answer => ({
  status,
  body: { error: { code, message } },
});
const notFound = (what: string) => refused(404, "ResourceNotFound", `The resource ${what} was not found.`);
const ok = (body: unknown, headers?: Answer["headers"]): Answer => ({
  status: 200,
  body,
  ...(headers ? { headers } : {}),
});

export class AzureServer {
  readonly requests: Request[] = [];
  readonly faults: Fault[] = [];
  readonly jobs = new Map<string, ServedJob>();
  readonly workflows = new Map<string, ServedWorkflow>();
  readonly console: ConsoleRow[] = [];
  readonly system: SystemRow[] = [];
  /** Id of the workspace. */
  workspace = "";
  /** Items of a page at most. */
  mostPerPage = 1000;
  /** A start's answer has no body. */
  silentStart = false;
  /** What the trigger of a flow that is started gets of the request's body. */
  passBody: (body: unknown) => unknown = (body) => body;
  /** A run says what its trigger got with a link, as for much of it. */
  linksOutputs = false;
  /** The answer to the start of a flow has the run's name. */
  namesRuns = true;
  now: () => Date = () => new Date();
  /** Called once something was started. */
  onStart: (name: string) => void = () => {};
  readonly #subscription: string;
  #server = createServer((request, response) => void this.#handle(request, response));
  #count = 0;
  #operations = new Map<string, unknown>();
  #root = "";

  constructor(ofSubscription: string = subscription) {
    this.#subscription = ofSubscription;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.#root = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return `${this.#root}/`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
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
      headers: request.headers,
    };
    this.requests.push(asked);
    const place = this.faults.findIndex(({ match }) => match.test(`${asked.method} ${asked.path}`));
    const [fault] = place < 0 ? [] : this.faults.splice(place, 1);
    if (fault?.kind === "before") return void request.socket.destroy();
    const { status, body, headers }: Answer =
      fault?.kind === "status"
        ? { status: fault.status ?? 503, body: fault.body ?? "" }
        : this.#answer(asked);
    if (fault?.kind === "after") return void request.socket.destroy();
    const said = typeof body === "string" ? body : JSON.stringify(body);
    response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
    if (fault?.kind !== "half") return void response.end(said);
    response.write(said.slice(0, said.length / 2), () => request.socket.destroy());
  }

  #answer({ method, path, body, headers }: Request): Answer {
    const url = new URL(path, "http://localhost");
    const of = (pattern: string) => new RegExp(`^${pattern}$`, "i").exec(url.pathname)?.slice(1) ?? null;
    const route = (verb: string, pattern: string, answer: (...parts: string[]) => Answer): Answer | null => {
      const parts = method === verb ? of(pattern) : null;
      return parts && answer(...parts);
    };
    if (!/^\/(v1|content)\//.test(url.pathname) && !url.searchParams.has("api-version"))
      return refused(
        400,
        "MissingApiVersionParameter",
        "The api-version query parameter (?api-version=) is required.",
      );
    const one = "([^/]+)";
    const group = `/subscriptions/${this.#subscription}/resourceGroups/[^/]+/providers`;
    const jobs = `${group}/Microsoft\\.App/jobs`;
    const workflows = `${group}/Microsoft\\.Logic/workflows`;
    return (
      route("GET", jobs, () => this.#page([...this.jobs.values()].map(shown), url)) ??
      route("GET", `${jobs}/${one}`, (name) => this.#job(name, (job) => ok(shown(job)))) ??
      route("GET", `${jobs}/${one}/executions`, (name) =>
        this.#job(name, ({ executions }) => this.#page(executions, url)),
      ) ??
      route("GET", `${jobs}/${one}/executions/${one}`, (name, id) =>
        this.#job(name, ({ executions }) => found(executions, id)),
      ) ??
      route("POST", `${jobs}/${one}/start`, (name) => this.#job(name, (job) => this.#start(job, body))) ??
      route("POST", `${jobs}/${one}/suspend`, (name) =>
        this.#job(name, (job) => this.#switch(job, "Suspended")),
      ) ??
      route("POST", `${jobs}/${one}/resume`, (name) =>
        this.#job(name, (job) => this.#switch(job, "Ready")),
      ) ??
      route("GET", "/(?:operations|content)/([0-9]+)", (id) => ok(this.#operations.get(id ?? ""))) ??
      route("GET", workflows, () => this.#page([...this.workflows.values()].map(shown), url)) ??
      route("GET", `${workflows}/${one}`, (name) => this.#workflow(name, (flow) => ok(shown(flow)))) ??
      route("GET", `${workflows}/${one}/runs`, (name) =>
        this.#workflow(name, ({ runs }) => this.#page(runs, url)),
      ) ??
      route("GET", `${workflows}/${one}/runs/${one}`, (name, id) =>
        this.#workflow(name, ({ runs }) => found(runs, id)),
      ) ??
      route("POST", `${workflows}/${one}/runs/${one}/cancel`, (name, id) =>
        this.#workflow(name, ({ runs }) => {
          const run = runs.find((other) => other.name === id);
          if (run) Object.assign(run.properties, { status: "Cancelled", endTime: this.now().toISOString() });
          return ok("");
        }),
      ) ??
      route("POST", `${workflows}/${one}/(enable|disable)`, (name, verb) =>
        this.#workflow(name, ({ properties }) => {
          properties.state = verb === "enable" ? "Enabled" : "Disabled";
          return ok("");
        }),
      ) ??
      route("POST", `${workflows}/${one}/triggers/manual/run`, (name) =>
        this.#workflow(name, (flow) => this.#run(flow, body, headers)),
      ) ??
      (this.workspace !== "" &&
      method === "GET" &&
      url.pathname.toLowerCase() === this.workspace.toLowerCase()
        ? ok({ id: this.workspace, properties: { customerId } })
        : null) ??
      route("POST", `/v1/workspaces/${customerId}/query`, () => this.#query(body as LogsQuery)) ??
      refused(404, "NotFound", `no such method: ${method} ${path}`)
    );
  }

  #job(name: string | undefined, answer: (job: ServedJob) => Answer): Answer {
    const job = this.jobs.get(name ?? "");
    return job ? answer(job) : notFound(`Microsoft.App/jobs/${name}`);
  }

  #workflow(name: string | undefined, answer: (workflow: ServedWorkflow) => Answer): Answer {
    const workflow = this.workflows.get(name ?? "");
    return workflow ? answer(workflow) : notFound(`Microsoft.Logic/workflows/${name}`);
  }

  #page(items: readonly unknown[], url: URL): Answer {
    const from = Number(url.searchParams.get("$skiptoken") ?? 0);
    const size = Math.min(this.mostPerPage, Number(url.searchParams.get("$top") ?? this.mostPerPage));
    const next = new URL(`${this.#root}${url.pathname}${url.search}`);
    next.searchParams.set("$skiptoken", String(from + size));
    return ok({
      value: items.slice(from, from + size),
      ...(from + size < items.length ? { nextLink: next.href } : {}),
    });
  }

  /** The body is the execution's template; nothing is taken from the job's where there is one. */
  #start(job: ServedJob, body: unknown): Answer {
    const template = (body ?? job.properties.template) as ServedExecution["properties"]["template"];
    for (const { image, resources } of template.containers ?? []) {
      if (!image || !resources)
        return refused(400, "ContainerAppInvalidTemplate", "Container needs an image and resources.");
    }
    this.#count += 1;
    const name = `${job.name}-x${this.#count}`;
    job.executions.unshift({
      name,
      properties: { status: "Running", startTime: this.now().toISOString(), template },
    });
    this.onStart(name);
    const answer = { id: `${job.id}/executions/${name}`, name };
    return this.silentStart ? this.#operation(answer, "") : ok(answer);
  }

  #switch(job: ServedJob, runningState: string): Answer {
    job.properties.runningState = runningState;
    return this.#operation(shown(job), "");
  }

  #outputs(outputs: unknown): { outputs?: unknown; outputsLink?: { uri: string } } {
    if (!this.linksOutputs) return { outputs };
    this.#operations.set(String(this.#count), outputs);
    return { outputsLink: { uri: `${this.#root}/content/${this.#count}` } };
  }

  /** One that goes on after the answer. */
  #operation(result: unknown, body: unknown): Answer {
    this.#count += 1;
    this.#operations.set(String(this.#count), result);
    const location = `${this.#root}/operations/${this.#count}?api-version=2026-07-01`;
    return { status: 202, body, headers: { location, "retry-after": "0" } };
  }

  #run(flow: ServedWorkflow, body: unknown, headers: Request["headers"]): Answer {
    if (flow.properties.state !== "Enabled")
      return refused(409, "WorkflowTriggerIsNotEnabled", "Could not execute a disabled workflow.");
    this.#count += 1;
    const name = `0858456${this.#count}CU12`;
    const clientTrackingId = String(headers["x-ms-client-tracking-id"] ?? name);
    flow.runs.unshift({
      name,
      properties: {
        status: "Running",
        startTime: this.now().toISOString(),
        correlation: { clientTrackingId },
        trigger: this.#outputs({ headers: {}, body: this.passBody(body) }),
      },
    });
    this.onStart(name);
    return { status: 202, body: "", headers: this.namesRuns ? { "x-ms-workflow-run-id": name } : {} };
  }

  /** As much of the query language as is asked in. */
  #query({ query, timespan }: LogsQuery): Answer {
    const [from = "", until = ""] = timespan.split("/");
    const isTime = (time: string) =>
      Date.parse(time) >= Date.parse(from) && Date.parse(time) <= Date.parse(until);
    const take = Number(/\| take (\d+)/.exec(query)?.[1]);
    const rowsOf = <Row>(
      rows: readonly Row[],
      columns: readonly (readonly [string, string, (row: Row) => unknown])[],
    ) =>
      ok({
        tables: [
          {
            name: "PrimaryResult",
            columns: columns.map(([name, type]) => ({ name, type })),
            rows: rows.slice(0, take).map((row) => columns.map(([, , value]) => value(row))),
          },
        ],
      });
    if (query.includes("(ContainerAppConsoleLogs_CL")) {
      const start = /ContainerGroupName_s startswith "([^"]*)"/.exec(query)?.[1] ?? "";
      const since = Date.parse(/came >= datetime\(([^)]*)\)/.exec(query)?.[1] ?? "1970-01-01T00:00:00Z");
      const rows = this.console
        .filter(
          ({ group, came, printed }) =>
            group.startsWith(start) && Date.parse(came) >= since && isTime(printed),
        )
        .sort(
          (a, b) =>
            compare(a.came, b.came) || compare(a.printed, b.printed) || compare(a.id ?? "", b.id ?? ""),
        );
      return rowsOf(rows, [
        ["printed", "datetime", ({ printed }) => printed],
        ["came", "datetime", ({ came }) => came],
        ["id", "string", ({ id }) => id ?? ""],
        ["stream", "string", ({ stream }) => stream ?? ""],
        ["line", "string", ({ line }) => line],
      ]);
    }
    if (query.includes("(ContainerAppSystemLogs_CL")) {
      const [executions = "", reasons = ""] = [...query.matchAll(/in \(([^)]*)\)/g)].map(([, list]) => list);
      const rows = this.system
        .filter(
          ({ execution, reason, printed }) =>
            executions.includes(`"${execution}"`) && reasons.includes(`"${reason}"`) && isTime(printed),
        )
        .sort((a, b) => compare(a.printed, b.printed));
      return rowsOf(rows, [
        ["printed", "datetime", ({ printed }) => printed],
        ["execution", "string", ({ execution }) => execution],
        ["reason", "string", ({ reason }) => reason],
        ["line", "string", ({ line }) => line],
      ]);
    }
    return {
      status: 400,
      body: {
        error: {
          code: "BadArgumentError",
          message: "The request had some invalid properties",
          innererror: { code: "SemanticError", message: "A semantic error occurred." },
        },
      },
    };
  }
}

interface LogsQuery {
  readonly query: string;
  readonly timespan: string;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Without what is the server's own. */
function shown({ id, name, properties }: ServedJob | ServedWorkflow): unknown {
  return { id, name, properties };
}

function found(items: readonly { readonly name: string }[], id: string | undefined): Answer {
  const item = items.find(({ name }) => name === id);
  return item ? ok(item) : notFound(String(id));
}
