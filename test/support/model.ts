/** Parts of the model as `load` would give them, with everything at its default but what a test is about. */
import type { Body, Project, Schedule, Task } from "../../model/project.js";

export function makeTask(name: string, body: Body, more: Partial<Task> = {}): Task {
  return {
    name,
    active: true,
    envs: {},
    body,
    killDownstreamOnFail: true,
    killLoopOnFail: true,
    dependsOn: [],
    ...more,
  };
}

/** A body of one command. */
export function commandBody(line: string): Body {
  return { kind: "commands", commands: [{ kind: "command", line, active: true }] };
}

export function makeProject(more: Partial<Project> = {}): Project {
  return {
    dialect: "1",
    name: "fx",
    installs: [],
    vars: {},
    envs: {},
    secretEnvs: [],
    secrets: [],
    artifacts: { keep: ["artifacts/**"], pushOnFail: false },
    stores: [],
    tasks: [],
    deploy: { granularity: "project", source: { kind: "image" }, resources: {}, legacy: {} },
    schedules: [],
    triggers: [],
    notifications: [],
    ...more,
  };
}

export function makeSchedule(cron: string, more: Partial<Schedule> = {}): Schedule {
  return {
    name: "s",
    cron,
    timezone: "UTC",
    tasks: [],
    envs: {},
    vars: {},
    enabled: true,
    overlap: "skip",
    catchUp: false,
    ...more,
  };
}
