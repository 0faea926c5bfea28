/** Which failures of a cloud go away by themselves, so that it is worth to try again: throttling, faults of the cloud, lost connections. */

import { causesOf } from "../causes.js";

/** Why a failure is expected to pass. */
export type TransientKind = "throttled" | "cloud-fault" | "connection";

interface Rule {
  readonly kind: TransientKind;
  /** In the text of an error as the clouds' providers report it. */
  readonly pattern: RegExp;
}

/**
 * Error codes of AWS (docs: "Error retries", the codes that its SDKs retry), Google Cloud (AIP-194 and "Retry strategy":
 * 408, 429, 5xx) and Azure ("Retry guidance": 408, 429, 5xx), and what Go's and Node's networking say.
 */
const rules: readonly Rule[] = [
  {
    kind: "throttled",
    pattern:
      /\b(Throttl(ing|ed|ingException|edException)|RequestThrottled(Exception)?|TooManyRequests(Exception)?|RequestLimitExceeded|ProvisionedThroughputExceeded(Exception)?|BandwidthLimitExceeded|LimitExceededException: Rate exceeded|PriorRequestNotComplete|SlowDown|EC2ThrottledException|TransactionInProgressException)\b/,
  },
  {
    kind: "throttled",
    pattern: /\b(rate ?limit ?exceeded|userRateLimitExceeded|rate exceeded|too many requests)\b/i,
  },
  {
    kind: "throttled",
    pattern: /\bquota exceeded for quota metric\b.*\bper (minute|second|100 seconds)\b/is,
  },
  {
    kind: "throttled",
    pattern:
      /\b(SubscriptionRequestsThrottled|ResourceRequestsThrottled|OperationNotAllowed: .*retry later)\b/i,
  },
  {
    kind: "throttled",
    pattern:
      /(\bError |\bStatus ?Code[=: ]+|\bStatus[=: ]+|\bRESPONSE |\bHTTP(?:\/\d(?:\.\d)?)? |code = )"?429\b/i,
  },
  {
    kind: "cloud-fault",
    pattern:
      /(\bError |\bStatus ?Code[=: ]+|\bStatus[=: ]+|\bRESPONSE |\bHTTP(?:\/\d(?:\.\d)?)? )"?(408|500|502|503|504)\b/i,
  },
  {
    kind: "cloud-fault",
    pattern:
      /\b(ServiceUnavailable(Exception)?|InternalServer(Error|Exception)|InternalServiceError|InternalFailure|InternalServiceException|InternalError|backendError|ServerTimeout|GatewayTimeout|BadGateway|RequestTimeout(Exception)?|ServerBusy|RetryableError|OperationTimedOut|AnotherOperationInProgress|OperationPreempted|OperationAborted|ConflictingOperationInProgress)\b/,
  },
  { kind: "cloud-fault", pattern: /\brpc error: code = (Unavailable|DeadlineExceeded|Aborted|Internal)\b/ },
  { kind: "cloud-fault", pattern: /\bservice is (currently |temporarily )?unavailable\b/i },
  {
    kind: "connection",
    pattern:
      /\b(connection reset by peer|ECONNRESET|ETIMEDOUT|EPIPE|EAI_AGAIN|ECONNABORTED|socket hang up|broken pipe|i\/o timeout|TLS handshake timeout|unexpected EOF|server sent GOAWAY|Client\.Timeout exceeded|temporary failure in name resolution|server misbehaving|use of closed network connection|network is unreachable|http2: client connection lost)\b/i,
  },
];

/** What says the opposite, whatever else the text has: trying again can't help. */
const lasting =
  /\b(AccessDenied(Exception)?|UnauthorizedOperation|AuthFailure|AuthorizationFailed|ExpiredToken(Exception)?|InvalidClientTokenId|PERMISSION_DENIED|UNAUTHENTICATED|Forbidden|QuotaExceeded|ServiceQuotaExceededException|INSUFFICIENT_QUOTA|ValidationException|InvalidParameter\w*)\b/;

/** The kind of a single error; undefined when it will be the same the next time. */
export function transientKind(message: string): TransientKind | undefined {
  if (lasting.test(message)) return undefined;
  return rules.find(({ pattern }) => pattern.test(message))?.kind;
}

/**
 * Whether a failed update may succeed when it is run again: each of its errors is one that passes.
 * @param messages what the engine reported as errors
 */
export function transientFailure(messages: readonly string[]): TransientKind | undefined {
  const kinds = causesOf(messages).map(transientKind);
  return kinds.every((kind) => kind !== undefined) ? kinds[0] : undefined;
}
