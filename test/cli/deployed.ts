/** A repository whose stack `dev` is deployed on this machine, as `handoff up` would have left it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Project, Schedule } from "../../model/project.js";
import { deploymentPaths, writeJson } from "../../providers/local/home.js";
import type { JobRecord, ScheduleRecord } from "../../providers/local/records.js";
import { cli, temporaryFolder } from "./support.js";

export const deployment = "pipelines-dev";

export interface Deployed {
  readonly dir: string;
  /** `$HANDOFF_HOME`. */
  readonly home: string;
  readonly repository: string;
  readonly remove: () => void;
  /** Runs a command line in the repository. */
  handoff(argv: readonly string[], about?: Parameters<typeof cli>[1]): ReturnType<typeof cli>;
  deploySchedule(schedule: Schedule): void;
}

export function deployed(project: Project): Deployed {
  const { dir, remove } = temporaryFolder();
  const home = join(dir, "home");
  const repository = join(dir, "repository");
  mkdirSync(repository);
  writeFileSync(join(repository, "Pulumi.yaml"), "name: pipelines\nruntime: nodejs\n");
  writeFileSync(join(repository, "Pulumi.dev.yaml"), "config:\n  handoff:cloud: local\n");
  const paths = deploymentPaths(home, deployment);
  const job: JobRecord = {
    schemaVersion: 1,
    deployment,
    stack: "dev",
    client: "client-a",
    name: "fx",
    tasks: ["load"],
    codeDir: repository,
    venvsDir: "",
    spec: { schemaVersion: 1, project },
    notifications: [],
    secretKeys: [],
  };
  writeJson(paths.job("fx"), job);
  return {
    dir,
    home,
    repository,
    remove,
    handoff: (argv, about = {}) =>
      cli(argv, {
        cwd: repository,
        env: { PATH: process.env.PATH, HANDOFF_HOME: home, NO_COLOR: "1", TZ: "UTC" },
        ...about,
      }),
    deploySchedule(schedule) {
      const record: ScheduleRecord = { schemaVersion: 1, deployment, job: "fx", schedule };
      writeJson(paths.schedule(schedule.name), record);
    },
  };
}
