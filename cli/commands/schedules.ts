import { defineCommand, jsonOption, stackOption } from "../command.js";

const list = defineCommand<[], { stack?: string; json?: boolean }>({
  name: "list",
  summary: "List the schedules of a stack with their next times",
  options: [stackOption, jsonOption],
  examples: [{ command: "handoff schedules list -s dev", note: "times in each schedule's own zone" }],
  run: async (_args, options, context) => {
    const { listSchedules } = await import("../operate.js");
    return await listSchedules(options, context);
  },
});

const pause = defineCommand<[string], { stack?: string }>({
  name: "pause",
  summary: "Stop a schedule from firing; an `up` leaves it paused",
  arguments: [{ name: "<schedule>", description: "name of the schedule" }],
  options: [stackOption],
  examples: [{ command: "handoff schedules pause every-morning -s dev", note: "until it is resumed" }],
  run: async ([schedule], options, context) => {
    const { pauseSchedule } = await import("../operate.js");
    return await pauseSchedule(schedule, true, options, context);
  },
});

const resume = defineCommand<[string], { stack?: string }>({
  name: "resume",
  summary: "Let a paused schedule fire again",
  arguments: [{ name: "<schedule>", description: "name of the schedule" }],
  options: [stackOption],
  examples: [{ command: "handoff schedules resume every-morning -s dev", note: "from its next time on" }],
  run: async ([schedule], options, context) => {
    const { pauseSchedule } = await import("../operate.js");
    return await pauseSchedule(schedule, false, options, context);
  },
});

export const schedules = {
  name: "schedules",
  summary: "List, pause and resume the schedules of a stack",
  subcommands: [list, pause, resume],
  examples: [{ command: "handoff schedules list -s dev", note: "what runs when" }],
};
