/** Errors of Azure's APIs and of its sign-in, read alike. */
import type { CloudFailure } from "../cloud-operate.js";

/** An answer that says no. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string | undefined;

  constructor(status: number, code: string | undefined, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

interface ErrorBody {
  readonly code?: string;
  readonly message?: string;
  /** What is inside says more: `BadArgumentError` of Log Analytics. */
  readonly innererror?: ErrorBody;
}

/** @param body `{"error":{"code","message"}}`, without `error` around it from Container Apps; else any text */
export function refusalOf(status: number, body: string): Refusal {
  try {
    const parsed = JSON.parse(body) as ({ readonly error?: ErrorBody } & ErrorBody) | null;
    const error = parsed?.error ?? parsed;
    if (typeof error?.message === "string") {
      let message = error.message;
      for (let inner = error.innererror; inner; inner = inner.innererror) {
        if (inner.message) message += ` ${inner.message}`;
      }
      return new Refusal(status, error.code, oneLine(message));
    }
  } catch {
    // A gateway's page.
  }
  return new Refusal(status, undefined, `the answer was HTTP ${status}`);
}

const signInErrors = new Set([
  "AggregateAuthenticationError",
  "AuthenticationError",
  "AuthenticationRequiredError",
  "CredentialUnavailableError",
]);

/** Undefined for what is no failure of a call, but a bug. */
export function failureOf(error: unknown): CloudFailure | undefined {
  if (error instanceof Refusal) {
    const { status, code, message } = error;
    return { status, ...(code === undefined ? {} : { code }), message };
  }
  if (!(error instanceof Error)) return undefined;
  if (signInErrors.has(error.name)) return { message: oneLine(error.message), signedOut: true };
  if (error.name === "AbortError") return { code: "TIMEOUT", message: "no answer came in time" };
  // No answer came, or half of one: RestError, and what the network's own errors are.
  const { code } = error as { readonly code?: unknown };
  if (error.name !== "RestError" && typeof code !== "string") return undefined;
  return { ...(typeof code === "string" ? { code } : {}), message: oneLine(error.message) };
}

export function isMissing(error: unknown): boolean {
  return error instanceof Refusal && error.status === 404;
}

/** Chains of sign-ins write a page. */
function oneLine(message: string): string {
  const [first = "", ...others] = message
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return others.length === 0 || first.length > 60 ? first : `${first} ${others[0]}`;
}
