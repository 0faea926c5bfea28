/** What a cloud's API refuses, in words; and patience with what passes. */
import { setTimeout as sleep } from "node:timers/promises";
import { ExitCode, UserError, type UserErrorOptions } from "../model/diagnostic.js";

/** What went wrong in a call, as each SDK's errors are read. */
export interface CloudFailure {
  /** Of HTTP; undefined where no answer came. */
  readonly status?: number;
  /** The service's own name of it: `AccessDeniedException`. */
  readonly code?: string;
  /** Of the service, without what handoff adds. */
  readonly message: string;
  /** Nobody is signed in, or not any more. */
  readonly signedOut?: boolean;
}

export interface CallDescription {
  /** `AWS` */
  readonly cloud: string;
  /** What was wanted: `list the runs of client-a`. */
  readonly doing: string;
  /** The permission that it takes: `ecs:ListTasks`. */
  readonly permission?: string;
  /** How one signs in: `aws sso login`. */
  readonly signIn: string;
}

export class CloudError extends UserError {
  /** Whether the same call may do better later. */
  readonly passing: boolean;

  constructor(message: string, { passing, ...options }: UserErrorOptions & { readonly passing: boolean }) {
    super(message, { exitCode: ExitCode.failed, ...options });
    this.passing = passing;
  }
}

/** @returns one with code `signed-out`, `not-allowed` or `cloud-call` */
export function cloudError(failure: CloudFailure, call: CallDescription): CloudError {
  const { status, code, message, signedOut = status === 401 } = failure;
  const said = [code, message].filter((text) => text !== undefined && text !== "").join(": ");
  const { cloud, doing, permission, signIn } = call;
  if (signedOut) {
    return new CloudError(`can't ${doing}: you are not signed in to ${cloud} (${said})`, {
      code: "signed-out",
      hint: signIn,
      passing: false,
    });
  }
  if (status === 403 || /AccessDenied|Unauthorized|PERMISSION_DENIED|AuthorizationFailed/.test(code ?? "")) {
    const needed = permission === undefined ? "a permission" : `the permission ${permission}`;
    return new CloudError(`can't ${doing}: ${cloud} doesn't allow it (${said})`, {
      code: "not-allowed",
      hint: `it takes ${needed}; all of them are in docs/operate.md`,
      passing: false,
    });
  }
  const passing = isPassing(failure);
  return new CloudError(`can't ${doing}: ${said || "the call failed"}`, {
    code: "cloud-call",
    hint: passing ? "try again in a while" : "what is asked of the cloud is in docs/operate.md",
    passing,
  });
}

/** Whether the same call may do better later: throttled, the server's own fault, or the connection was lost. */
export function isPassing({ status, code, signedOut }: CloudFailure): boolean {
  if (signedOut) return false;
  if (status !== undefined && status >= 400)
    return (
      status === 408 ||
      status === 429 ||
      status >= 500 ||
      /Throttl|TooManyRequests|RequestLimit/.test(code ?? "")
    );
  return true;
}

/** Waits that grow, in milliseconds: 1 s to 30 s. */
const patienceMs = [1000, 2000, 5000, 10_000, 20_000, 30_000, 30_000, 30_000, 30_000, 30_000] as const;

export type Sleep = (ms: number, signal: AbortSignal | undefined) => Promise<void>;

/** Ends early, without an error, when the signal is aborted. */
export const sleepFor: Sleep = async (ms, signal) => {
  try {
    await sleep(ms, undefined, signal ? { signal } : {});
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
};

/**
 * Calls again after a `CloudError` that passes, for some three minutes: the SDKs give up after seconds, and who follows a log
 * overnight changes networks. @throws what the last call threw
 */
export async function patiently<T>(
  call: () => Promise<T>,
  { signal, sleep }: { readonly signal?: AbortSignal | undefined; readonly sleep: Sleep },
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      const pause = patienceMs[attempt];
      if (pause === undefined || signal?.aborted || !(error instanceof CloudError && error.passing))
        throw error;
      await sleep(pause, signal);
      if (signal?.aborted) throw error;
    }
  }
}
