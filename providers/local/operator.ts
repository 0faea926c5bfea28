/** The local platform as an `Operator`. */
import { join } from "node:path";
import type { Run } from "../../history/history.js";
import type { FollowOptions, Operator, RunView, TriggerRequest } from "../operate.js";
import * as local from "./operate.js";
import type { OperateContext } from "./operate-types.js";
import { logGone, readLog } from "./read-log.js";

export function localOperator(context: OperateContext, deployment: string): Operator {
  const find = (id: string | undefined) => local.findRun(context, deployment, id);
  return {
    async trigger({ job, ...options }: TriggerRequest) {
      return viewRun(await local.triggerRun(context, deployment, job, options));
    },
    runs: async ({ limit }) => local.listRuns(context, deployment, { limit }).map(viewRun),
    run: async (id) => viewRun(find(id)),
    wait: async (runId, signal) => viewRun(await local.waitForRun(context, runId, signal)),
    logs: ({ runId }: RunView, { follow = false, signal }: FollowOptions = {}) =>
      readLog(context, find(runId), { follow, ...(signal ? { signal } : {}) }),
    whyNoLog: ({ runId }) => {
      const run = find(runId);
      const gone = logGone(context, run);
      if (gone === undefined) return undefined;
      const keeps = join(context.home, "agent", "settings.json");
      const why =
        gone === "pruned"
          ? `the newest runs of a job alone keep theirs (\`keepRuns\` in ${keeps}, default 100)`
          : "with its deployment by `handoff destroy`, or by hand";
      return `the log of ${runId} (${run.status}), which ended ${run.endedAt}, was removed: ${why}`;
    },
    schedules: async () => local.listSchedules(context, deployment),
    async setPaused(schedule, paused) {
      if (paused) local.pauseSchedule(context, deployment, schedule);
      else local.resumeSchedule(context, deployment, schedule);
    },
    warnings: () =>
      local.agentStatus(context).running
        ? []
        : ["the agent is not running, so nothing fires; start it with: handoff agent start"],
  };
}

export function viewRun({ request, record, pidStart: _, ...run }: Run): RunView {
  const { tasks, vars, stage } = request;
  return {
    ...run,
    reason: run.reason ?? record?.error ?? null,
    request: { tasks, vars, stage },
    durationMs: durationOf({ ...run, record }),
    tasks: record?.tasks ?? [],
    metrics: record?.metrics ?? {},
  };
}

function durationOf({ startedAt, endedAt, record }: Pick<Run, "startedAt" | "endedAt" | "record">) {
  if (endedAt === null) return null;
  if (record) return record.durationMs;
  return startedAt === null ? null : Math.max(0, Date.parse(endedAt) - Date.parse(startedAt));
}
