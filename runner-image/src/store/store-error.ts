/** What a store's answer means for the person who runs the project. */
import { UserError } from "../../../model/diagnostic.js";

/** What adapters find in their SDK's error. */
export interface Failure {
  /** HTTP status; undefined: there was no answer. */
  readonly status: number | undefined;
  /** The store's own code, or Node's: `AccessDenied`, `ECONNREFUSED`, … */
  readonly code: string;
  readonly message: string;
}

/** `doing` completes "can't …", such as `read last`. */
export function storeError(url: string, doing: string, { status, code, message }: Failure): UserError {
  const detail = message.split("\n")[0]?.trim() || code;
  return new UserError(`can't ${doing} in ${url}: ${detail}`, {
    code: "artifact-store",
    hint: hintFor(status, `${code} ${message}`),
  });
}

function hintFor(status: number | undefined, told: string): string {
  if (/^\w*(credential|token|AuthenticationRequired)|load the default credentials/i.test(told)) {
    return "give it an identity: a role of the job in the cloud; elsewhere a login of the cloud's own tools, or its variables";
  }
  if (status === 401 || status === 403) {
    return "whoever asks needs the right to list, read, write and delete there; a deployment gives it to its jobs: run handoff up again";
  }
  if (status === 404)
    return "the bucket or container isn't there: run handoff up, or correct HANDOFF_ARTIFACTS";
  if (status === 429 || (status !== undefined && status >= 500)) {
    return "the store is overloaded or down, also after several tries: run the job again later";
  }
  if (status === undefined) {
    return "the store can't be reached: check the network, the region, and the endpoint in the environment";
  }
  return "check HANDOFF_ARTIFACTS and the store's region and endpoint in the environment";
}

export function failureOf(error: unknown): Failure {
  if (typeof error !== "object" || error === null)
    return { status: undefined, code: "", message: String(error) };
  const { name, code, statusCode, $metadata, message } = error as {
    name?: unknown;
    code?: unknown;
    statusCode?: unknown;
    $metadata?: { httpStatusCode?: unknown };
    message?: unknown;
  };
  // Azure, AWS, Google: each has the HTTP status elsewhere.
  const status = [statusCode, $metadata?.httpStatusCode, code].find(
    (value): value is number => typeof value === "number" && value >= 100,
  );
  return {
    status,
    code: typeof code === "string" ? code : String(name ?? ""),
    message:
      typeof message === "string" && message !== "" ? message : String(code ?? name ?? "no reason given"),
  };
}
