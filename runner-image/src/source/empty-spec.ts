import { repositoryName } from "../../../model/git-source.js";
import type { GitSource, Secret } from "../../../model/project.js";
import type { RunSpec } from "../../../model/run.js";

/** Stands for a project that isn't there yet: nothing in it but where it comes from. */
export function emptySpec(source: GitSource, secrets: readonly Secret[]): RunSpec {
  return {
    schemaVersion: 1,
    project: {
      dialect: "1",
      name: repositoryName(source.url),
      installs: [],
      vars: {},
      envs: {},
      secretEnvs: [],
      secrets,
      artifacts: { keep: [], pushOnFail: false },
      stores: [],
      tasks: [],
      deploy: { granularity: "project", source, resources: {}, legacy: {} },
      schedules: [],
      triggers: [],
      notifications: [],
    },
  };
}
