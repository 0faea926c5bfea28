/** AWS's clients, and their errors in words. */
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { ECSClient } from "@aws-sdk/client-ecs";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SFNClient } from "@aws-sdk/client-sfn";
import { type CloudFailure, cloudError } from "../cloud-errors.js";

type Env = Readonly<Record<string, string | undefined>>;

export interface Clients {
  readonly ecs: ECSClient;
  readonly logs: CloudWatchLogsClient;
  readonly scheduler: SchedulerClient;
  readonly states: SFNClient;
}

/** Credentials are found as every AWS SDK finds them; endpoints as its variables name them. */
export function openClients(region: string, env: Env): Clients {
  const options = (service: string) => {
    const endpoint = env[`AWS_ENDPOINT_URL_${service}`] || env.AWS_ENDPOINT_URL;
    return {
      region,
      maxAttempts: 5,
      requestHandler: { connectionTimeout: 10_000, socketTimeout: 60_000 },
      ...(env.AWS_PROFILE ? { profile: env.AWS_PROFILE } : {}),
      ...(endpoint ? { endpoint } : {}),
    };
  };
  return {
    ecs: new ECSClient(options("ECS")),
    logs: new CloudWatchLogsClient(options("CLOUDWATCH_LOGS")),
    scheduler: new SchedulerClient(options("SCHEDULER")),
    states: new SFNClient(options("SFN")),
  };
}

/**
 * Makes a call; its errors become what a person can do something about.
 * @param doing `list the runs`
 * @param permission as IAM names it
 */
export async function ask<T>(doing: string, permission: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw cloudError(failureOf(error), {
      cloud: "AWS",
      doing,
      permission,
      signIn: "sign in, such as with `aws sso login`, or set AWS_PROFILE",
    });
  }
}

export function failureOf(error: unknown): CloudFailure {
  if (!(error instanceof Error)) return { message: String(error) };
  const { httpStatusCode: status } = (error as { $metadata?: { httpStatusCode?: number } }).$metadata ?? {};
  const { name, message } = error;
  const code = name === "Error" ? undefined : name;
  return {
    message: message || name,
    signedOut: signedOut.test(name),
    ...(status === undefined ? {} : { status }),
    ...(code === undefined ? {} : { code }),
  };
}

/** Names of errors of the SDK, which finds no credentials, and of AWS, which doesn't take them. */
const signedOut =
  /^(CredentialsProviderError|TokenProviderError|ExpiredToken|ExpiredTokenException|UnrecognizedClientException|InvalidClientTokenId|InvalidSignatureException|MissingAuthenticationToken(Exception)?|NotAuthorized)$/;

/** Of an ARN: what comes after its last slash or colon. */
export function lastPart(arn: string): string {
  return arn.slice(Math.max(arn.lastIndexOf("/"), arn.lastIndexOf(":")) + 1);
}

export const iso = (date: Date | undefined): string | null => date?.toISOString() ?? null;
