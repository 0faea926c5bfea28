import { expect } from "chai";
import { transientFailure, transientKind } from "../../deploy/fleet/transient.js";

/** As the providers for Pulumi word them. */
const errors: readonly (readonly [message: string, kind: ReturnType<typeof transientKind>])[] = [
  [
    "creating S3 Bucket (x): operation error S3: CreateBucket, https response error StatusCode: 503, RequestID: A, HostID: B, api error SlowDown: Please reduce your request rate.",
    "throttled",
  ],
  [
    "operation error IAM: CreateRole, https response error StatusCode: 400, RequestID: A, api error Throttling: Rate exceeded",
    "throttled",
  ],
  [
    "operation error ECS: RegisterTaskDefinition, exceeded maximum number of attempts, 25, ThrottlingException: Rate exceeded",
    "throttled",
  ],
  ["api error TooManyRequestsException: Too Many Requests", "throttled"],
  [
    "googleapi: Error 429: Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute' of service 'run.googleapis.com', rateLimitExceeded",
    "throttled",
  ],
  [
    "Error creating Job: googleapi: Error 503: The service is currently unavailable., backendError",
    "cloud-fault",
  ],
  ["Error waiting to create Job: googleapi: Error 500: Internal error encountered.", "cloud-fault"],
  ["rpc error: code = Unavailable desc = error reading from server: EOF", "cloud-fault"],
  [
    'autorest/azure: Service returned an error. Status=429 Code="TooManyRequests" Message="The request is being throttled."',
    "throttled",
  ],
  ["RESPONSE 429: 429 Too Many Requests\nERROR CODE: SubscriptionRequestsThrottled", "throttled"],
  [
    'Status=409 Code="AnotherOperationInProgress" Message="Another operation on this resource is in progress."',
    "cloud-fault",
  ],
  ["RESPONSE 500: 500 Internal Server Error\nERROR CODE: InternalServerError", "cloud-fault"],
  ["api error ServiceUnavailable: Service is unable to handle request.", "cloud-fault"],
  ["api error InternalFailure: The request processing has failed because of an unknown error", "cloud-fault"],
  ['Post "…": read tcp 10.0.0.1:5->1.2.3.4:443: read: connection reset by peer', "connection"],
  ['Post "…": net/http: TLS handshake timeout', "connection"],
  ['Get "…": dial tcp 1.2.3.4:443: i/o timeout', "connection"],
  ["request to … failed, reason: getaddrinfo EAI_AGAIN", "connection"],
  ["read ECONNRESET", "connection"],
  [
    "api error AccessDenied: User: arn:aws:iam::1:user/x is not authorized to perform: s3:CreateBucket",
    undefined,
  ],
  ["googleapi: Error 403: Permission 'run.jobs.create' denied on resource", undefined],
  ["googleapi: Error 409: Requested entity already exists, alreadyExists", undefined],
  ["googleapi: Error 400: Invalid value for field, badRequest", undefined],
  ["googleapi: Error 404: The resource 'projects/5029' was not found, notFound", undefined],
  ["api error BucketAlreadyExists: The requested bucket name is not available.", undefined],
  ["api error ResourceNotFoundException: no task-definition 503", undefined],
  ["api error ServiceQuotaExceededException: the limit of 5000 roles was reached", undefined],
  [
    "api error ExpiredToken: The security token included in the request is expired, StatusCode: 503",
    undefined,
  ],
  ['Status=403 Code="AuthorizationFailed" Message="The client does not have authorization"', undefined],
  ['Status=409 Code="QuotaExceeded" Message="Too many requests for cores"', undefined],
  ["dial tcp: lookup sqs.moon-1.amazonaws.com: no such host", undefined],
  ["incorrect passphrase", undefined],
  ["`handoff:logRetentionDays` must be a whole number of days, not 503", undefined],
];

describe("fleet: which failures pass", () => {
  for (const [message, kind] of errors) {
    it(`${kind ?? "none of them"}: ${message.slice(0, 90).replace(/\n/g, " ")}`, () => {
      expect(transientKind(message)).to.equal(kind);
    });
  }

  it("is so when each of an update's errors is one, whatever sums them up", () => {
    const [throttled, denied] = ["api error Throttling: Rate exceeded", "api error AccessDenied: no"];
    expect(transientFailure([throttled, "update failed"])).to.equal("throttled");
    expect(transientFailure(["1 error occurred:", throttled, "read ECONNRESET"])).to.equal("throttled");
    expect(transientFailure([throttled, denied, "update failed"])).to.equal(undefined);
    const closing =
      "Unhandled exception: Error: invocation of getSharedKeys returned an error: grpc: the client connection is closing";
    expect(transientFailure([throttled, closing])).to.equal("throttled");
    expect(transientFailure([denied, closing])).to.equal(undefined);
    expect(transientFailure(["update failed"])).to.equal(undefined);
    expect(transientFailure([])).to.equal(undefined);
  });
});
