/** A task's log, which is a stream of its own in its job's group of CloudWatch Logs. */
import { GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import type { LogPage, LogTarget, ReadLogPage } from "../cloud-driver.js";
import { ask, type Clients, failureOf } from "./operate-clients.js";
import type { Outputs } from "./operate-outputs.js";
import { streamOf } from "./operate-tasks.js";

const empty: LogPage = { entries: [], cursor: undefined, more: false };

/** Its tokens say where a page ended: the same one again gives what has come since, so no line comes twice. */
export function readTaskLog({ logs }: Clients, outputs: Outputs, { execution, job }: LogTarget): ReadLogPage {
  const made = outputs.jobs[job];
  return async (cursor, signal) => {
    // A job that the stack has no more: its group went with it.
    if (!made) return empty;
    const input = {
      logGroupName: made.logGroup,
      logStreamName: streamOf(execution, made.container),
      startFromHead: true,
      ...(cursor === undefined ? {} : { nextToken: cursor }),
    };
    return await ask(`read the log of ${execution}`, "logs:GetLogEvents", async () => {
      try {
        const page = await logs.send(new GetLogEventsCommand(input), signal ? { abortSignal: signal } : {});
        const next = page.nextForwardToken ?? cursor;
        return {
          entries: (page.events ?? []).map(({ timestamp = 0, message = "" }) => ({
            time: new Date(timestamp).toISOString(),
            text: message,
          })),
          cursor: next,
          // At the end it gives the token that it was given; a page may be empty before.
          more: next !== cursor,
        };
      } catch (error) {
        // The stream comes with the first line.
        if (cursor === undefined && failureOf(error).code === "ResourceNotFoundException") return empty;
        throw error;
      }
    });
  };
}
