/** A task's log, which is a stream of its own in its job's group of CloudWatch Logs. */
import {
  GetLogEventsCommand,
  type GetLogEventsCommandOutput,
  type OutputLogEvent,
} from "@aws-sdk/client-cloudwatch-logs";
import type { LogPage, LogTarget, ReadLogPage } from "../cloud-driver.js";
import { ask, type Clients, failureOf } from "./operate-clients.js";
import type { Outputs } from "./operate-outputs.js";
import { streamOf } from "./operate-tasks.js";

const empty: LogPage = { entries: [], cursor: undefined, more: false };

/** Its tokens say where a page ended: the same one again gives what has come since, so no line comes twice. */
export function readTaskLog(
  { logs }: Pick<Clients, "logs">,
  outputs: Outputs,
  { execution, job }: LogTarget,
): ReadLogPage {
  const made = outputs.jobs[job];
  const shown = new Shown();
  return async (cursor, signal) => {
    // A job that the stack has no more: its group went with it.
    if (!made) return empty;
    const read = (from: { readonly nextToken?: string; readonly startTime?: number }) =>
      logs.send(
        new GetLogEventsCommand({
          logGroupName: made.logGroup,
          logStreamName: streamOf(execution, made.container),
          startFromHead: true,
          ...from,
        }),
        signal ? { abortSignal: signal } : {},
      );
    return await ask(`read the log of ${execution}`, "logs:GetLogEvents", async () => {
      try {
        return shown.page(await read(cursor === undefined ? {} : { nextToken: cursor }), cursor);
      } catch (error) {
        const { code } = failureOf(error);
        // The stream comes with the first line.
        if (cursor === undefined && code === "ResourceNotFoundException") return empty;
        // Nothing was printed for a day, for which a token is good: from the last line on again.
        if (cursor !== undefined && code === "InvalidParameterException")
          return shown.page(shown.withoutFirst(await read({ startTime: shown.last })), undefined);
        throw error;
      }
    });
  };
}

/** As far as it takes to read on without a token. */
class Shown {
  /** Time of the last event, in milliseconds. */
  last = 0;
  /** Events of that time. */
  #count = 0;

  page({ events = [], nextForwardToken }: Read, cursor: string | undefined): LogPage {
    for (const { timestamp = 0 } of events) {
      this.#count = timestamp === this.last ? this.#count + 1 : 1;
      this.last = timestamp;
    }
    const next = nextForwardToken ?? cursor;
    return {
      entries: events.map(({ timestamp = 0, message = "" }) => ({
        time: new Date(timestamp).toISOString(),
        text: message,
      })),
      cursor: next,
      // At the end it gives the token that it was given; a page may be empty before.
      more: next !== cursor,
    };
  }

  withoutFirst({ events = [], ...page }: Read): Read {
    const again = events.slice(0, this.#count).filter(({ timestamp }) => timestamp === this.last);
    return { ...page, events: events.slice(again.length) };
  }
}

type Read = Pick<GetLogEventsCommandOutput, "nextForwardToken"> & {
  readonly events?: OutputLogEvent[] | undefined;
};
