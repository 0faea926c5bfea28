/** Operating a stack on Google Cloud: Cloud Run's executions, Workflows', Cloud Logging and Cloud Scheduler. */
import { sleepFor } from "../cloud-errors.js";
import {
  type CloudDriver,
  type CloudOperatorOptions,
  cloudOperator,
  type LogTarget,
  type ReadLogPage,
  type ScheduleState,
} from "../cloud-operate.js";
import type { DeployedStack, OpenOperator, Operator } from "../operate.js";
import { defaultRetentionDays } from "./logs.js";
import { ask } from "./operate-calls.js";
import { type Clients, openClients, repeatable } from "./operate-clients.js";
import { failureOf } from "./operate-errors.js";
import { executionReader } from "./operate-listing.js";
import { isRunEnd, listRequest, logFilter, logPage, parseCursor } from "./operate-log.js";
import { type Made, madeOf, parentOf, physical } from "./operate-outputs.js";
import { starter } from "./operate-start.js";

export const gcpOperator: OpenOperator = (stack) => operateGcp(stack);

/** @throws UserError `not-deployed`, `invalid-environment` */
export function operateGcp(stack: DeployedStack, options: CloudOperatorOptions = {}): Operator {
  return cloudOperator(stack, gcpDriver(stack, openClients(stack.env), options), options);
}

/** Most entries become visible within seconds. Source: Logging's page on late entries; UNCONFIRMED. */
const logDelayMs = 20_000;

/** One more look. */
const logDisorderMs = 4000;

/** A project may ask for entries 60 times a minute. Source: Cloud Logging's quotas. */
const logPollMs = 5000;

/** So long after the runner's last line nothing more is expected of an execution: a flow's jobs that have ended cost no reads. */
const logEndMs = 15_000;

export function gcpDriver(
  stack: DeployedStack,
  clients: Clients,
  { sleep = sleepFor, clock = () => performance.now() }: CloudOperatorOptions = {},
): CloudDriver {
  const made = madeOf(stack.outputs);
  const { logging, scheduler } = clients;
  const reader = executionReader(clients, made);

  function log({ execution, job, since }: LogTarget): ReadLogPage {
    const of = { job: made.jobs.get(job) ?? job, region: made.region, execution, since };
    const places = logPlaces(made, since, stack.now());
    const asked = { doing: `read the log of ${execution}`, permission: "logging.logEntries.list" };
    let endedAt: number | undefined;
    return async (text, signal) => {
      if (endedAt !== undefined && clock() - endedAt > logEndMs)
        return { entries: [], cursor: text, more: false };
      const cursor = parseCursor(text);
      const filter = logFilter(of, cursor.received);
      const options = { ...repeatable, ...(signal ? { signal } : {}) };
      const list = (token: string | undefined) =>
        logging.entries.list({ requestBody: listRequest(places, filter, token) }, options);
      const answer = await ask(asked, async () => {
        try {
          return await list(cursor.token);
        } catch (error) {
          // A token is good for some time only: the look begins again, and what was shown is known.
          if (cursor.token === undefined || failureOf(error).status !== 400) throw error;
          return await list(undefined);
        }
      });
      if (answer.entries?.some(isRunEnd)) endedAt ??= clock();
      return logPage(answer, cursor);
    };
  }

  const jobOf = (schedule: string): string =>
    `${parentOf(made)}/jobs/${physical(made.schedules, schedule, "schedule")}`;

  return {
    logDelayMs,
    logDisorderMs,
    logPollMs,
    executions: reader.newest,
    execution: reader.now,
    start: starter(clients, made, sleep),
    log,
    async schedule(name): Promise<ScheduleState> {
      const asked = { doing: `ask for the schedule ${name}`, permission: "cloudscheduler.jobs.get" };
      const { state, schedule, timeZone } = await ask(asked, () => scheduler.get(jobOf(name)));
      return {
        // Cloud Scheduler itself disables one whose calls can't be made.
        paused: state === "PAUSED" || state === "DISABLED",
        ...(schedule ? { expression: schedule } : {}),
        ...(timeZone ? { timezone: timeZone } : {}),
      };
    },
    async setPaused(name, paused) {
      const [verb, permission] = paused ? ["pause", "pause"] : ["resume", "enable"];
      const asked = {
        doing: `${verb} the schedule ${name}`,
        permission: `cloudscheduler.jobs.${permission}`,
      };
      await ask(asked, () => (paused ? scheduler.pause(jobOf(name)) : scheduler.resume(jobOf(name))));
    },
  };
}

const dayMs = 24 * 3_600_000;

/** The project's own bucket forgets earlier than the stack's. */
function logPlaces({ project, logBucket }: Made, since: string, now: Date): string[] {
  const age = (now.getTime() - Date.parse(since)) / dayMs;
  const isForgotten = age > defaultRetentionDays - 1;
  return isForgotten && logBucket !== undefined ? [`${logBucket}/views/_AllLogs`] : [`projects/${project}`];
}
