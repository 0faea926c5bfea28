/** The APIs of Azure that operating a stack takes: Resource Manager (Container Apps, Logic Apps) and Log Analytics. */
import { type ContainerAppsAPIContext, createContainerAppsAPI } from "@azure/arm-appcontainers/api";
import { isRestError, type PipelinePolicy, type PipelineRequest } from "@azure/core-rest-pipeline";
import { LogsQueryClient } from "@azure/monitor-query-logs";
import { UserError } from "../../model/diagnostic.js";
import { type CallDescription, cloudError } from "../cloud-operate.js";
import { azureCredential } from "./operate-credential.js";
import { failureOf, refusalOf } from "./operate-errors.js";

type Env = Readonly<Record<string, string | undefined>>;

export interface AzureClients {
  /** Of Resource Manager. Tries again what passes by itself. */
  readonly manager: ContainerAppsAPIContext;
  /** The same without a second try: for what must not happen twice. */
  readonly once: ContainerAppsAPIContext;
  readonly logs: LogsQueryClient;
}

const endpointVariable = "HANDOFF_AZURE_ENDPOINT";

/** With HANDOFF_AZURE_ENDPOINT all is asked of that server, without a sign-in. */
export function azureClients(subscription: string, env: Env): AzureClients {
  const root = env[endpointVariable]?.replace(/\/+$/, "");
  const credential = azureCredential(env);
  const place = root ? { endpoint: root, allowInsecureConnection: root.startsWith("http:") } : {};
  const unsigned = root !== undefined && root !== "";
  const manager = (maxRetries: number) =>
    ready(
      createContainerAppsAPI(credential, subscription, { ...place, retryOptions: { maxRetries } }),
      unsigned,
      60_000,
    );
  const logs = ready(
    new LogsQueryClient(credential, {
      ...place,
      ...(root ? { endpoint: `${root}/v1` } : {}),
      retryOptions: { maxRetries: 3 },
    }),
    unsigned,
    // A query is worked on for three minutes at most.
    200_000,
  );
  return { manager: manager(3), once: manager(0), logs };
}

function ready<Client extends Pick<ContainerAppsAPIContext, "pipeline">>(
  client: Client,
  unsigned: boolean,
  timeoutMs: number,
): Client {
  if (unsigned) client.pipeline.removePolicy({ name: "bearerTokenAuthenticationPolicy" });
  client.pipeline.addPolicy(refusing);
  client.pipeline.addPolicy(rereading(timeoutMs));
  return client;
}

/** What is refused is an error of one kind, whatever each client makes of an answer that it can't read. */
const refusing: PipelinePolicy = {
  name: "handoffRefusals",
  async sendRequest(request, next) {
    const response = await next(request);
    if (response.status < 400) return response;
    throw refusalOf(response.status, response.bodyAsText ?? "");
  },
};

/** An answer that broke off, or never came: the clients' own retries are for connections that end before one. */
const rereading = (timeoutMs: number): PipelinePolicy => ({
  name: "handoffRereading",
  async sendRequest(request, next) {
    request.timeout = timeoutMs;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await next(request);
      } catch (error) {
        const broken = isRestError(error) ? error.code === "PARSE_ERROR" : isTimeout(error, request);
        if (!broken || request.method !== "GET" || attempt === 3) throw error;
      }
    }
  },
});

const isTimeout = (error: unknown, { abortSignal }: PipelineRequest): boolean =>
  error instanceof Error && error.name === "AbortError" && !abortSignal?.aborted;

const signIn =
  "sign in with `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET of a service principal";

/** A call, with what went wrong in words. @throws UserError as `cloudError` */
export async function asked<T>(
  doing: string,
  permission: NonNullable<CallDescription["permission"]>,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof UserError) throw error;
    const failure = failureOf(error);
    if (failure === undefined) throw error;
    throw cloudError(failure, { cloud: "Azure", doing, permission, signIn });
  }
}

/** Items of a list, page after page. */
export async function collect<T>(items: AsyncIterable<T>, limit = Number.POSITIVE_INFINITY): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) {
    found.push(item);
    if (found.length >= limit) break;
  }
  return found;
}

/** Results in the order of the items; Resource Manager counts requests, and few at a time are quick enough. */
export async function mapFew<T, R>(items: readonly T[], map: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += atOnce) {
    results.push(...(await Promise.all(items.slice(at, at + atOnce).map(map))));
  }
  return results;
}

const atOnce = 8;
