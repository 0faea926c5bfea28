/** What Google's libraries throw, in the words that are the same for all clouds. */
import type { UserError } from "../../model/diagnostic.js";
import { type CloudFailure, cloudError } from "../cloud-errors.js";

export interface Asked {
  /** What was wanted: `list the runs of fx`. */
  readonly doing: string;
  /** IAM's name of it: `run.executions.list`. */
  readonly permission: string;
}

/** As `cloudError`. */
export function gcpError(error: unknown, { doing, permission }: Asked): UserError {
  return cloudError(failureOf(error), {
    cloud: "Google Cloud",
    doing,
    permission,
    signIn: "sign in with: gcloud auth application-default login (or set GOOGLE_APPLICATION_CREDENTIALS)",
  });
}

/** Said where there are no credentials, or where they are none any more; by the library itself, without an answer. */
const noCredentials =
  /ENOENT|default credentials|credentials? file|not exist, or it is not a file|invalid_(?:grant|rapt|client)|reauth|refresh token/i;

export function failureOf(error: unknown): CloudFailure {
  if (!(error instanceof Error)) return { message: String(error) };
  const { response } = error as { response?: { status?: unknown; data?: unknown } };
  const status = typeof response?.status === "number" ? response.status : undefined;
  const said = saidIn(response?.data);
  // A token is refused with 400, by another server.
  const signedOut =
    status === 401 ||
    ((status === undefined || status === 400) && noCredentials.test(`${said.code} ${error.message}`));
  return {
    ...(status === undefined ? {} : { status }),
    ...(said.code === undefined ? {} : { code: said.code }),
    message: said.message ?? connectionMessage(error),
    ...(signedOut ? { signedOut } : {}),
  };
}

/** `{"error": {"code": 403, "status": "PERMISSION_DENIED", "message": …}}`; of a token: `{"error": "invalid_grant", …}`. */
function saidIn(data: unknown): { code?: string; message?: string } {
  if (typeof data !== "object" || data === null || !("error" in data)) return {};
  const { error } = data;
  if (typeof error === "string") {
    const { error_description: message } = data as { error_description?: unknown };
    return { code: error, ...(typeof message === "string" ? { message } : {}) };
  }
  if (typeof error !== "object" || error === null) return {};
  const { status, message } = error as { status?: unknown; message?: unknown };
  return {
    ...(typeof status === "string" ? { code: status } : {}),
    ...(typeof message === "string" ? { message } : {}),
  };
}

/** `request to URL failed, reason: connect ECONNREFUSED …` */
function connectionMessage(error: Error): string {
  const { cause } = error;
  if (error.message !== "" || !(cause instanceof Error)) return error.message;
  return cause.message;
}
