import type { Schedule } from "../../model/project.js";
import type { RenderedValue } from "../rendering.js";

/** A schedule is kept as it was written: the agent reads the same cron dialects and zones as the model. */
export function renderSchedule(schedule: Schedule): Readonly<Record<string, RenderedValue>> {
  return {
    name: schedule.name,
    description: schedule.description,
    cron: schedule.cron,
    timezone: schedule.timezone,
    tasks: schedule.tasks,
    envs: schedule.envs,
    vars: schedule.vars,
    enabled: schedule.enabled,
    overlap: schedule.overlap,
    catchUp: schedule.catchUp,
  };
}
