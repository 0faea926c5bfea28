/**
 * What the local platform keeps under `$HANDOFF_HOME` (default `~/.handoff`). The provider plugin writes the records,
 * the agent and `operate` read them. All JSON is written to a temporary name and renamed, so a reader never sees half.
 *
 *     deployments/<deployment>/          deployment = "<pulumi project>-<stack>"
 *       jobs/<job>.json                  JobRecord
 *       schedules/<schedule>.json        ScheduleRecord
 *       schedules/<schedule>.paused      exists while `handoff schedules pause` holds; an `up` leaves it alone
 *       triggers/<trigger>.json          TriggerRecord
 *       queues/<trigger>/                one file a message: put it with a rename; taken to queues/<trigger>/.taken/
 *       secrets/<KEY>                    the value (0600, folder 0700)
 *       stores/<store>/                  a bucket; a table is stores/<store>.sqlite
 *       artifacts/runs/<runId>/          one archive a run; artifacts/last is a symlink to the last finished push
 *       runs/<runId>/                    request.json, log.jsonl, record.json (written last, by rename), workspace/
 *       cache/                           environments that containers which clone their project have installed
 *     code/<contentHash>/                read-only copy of the project's files, shared by deployments
 *     venvs/<hash of the installs>/<venv>/
 *     cache/                             of runs that clone their project: environments, downloaded packages
 *     agent/                             agent.pid, agent.log
 *     history.db                         SQLite (history/)
 */
import type { Notification, Schedule } from "../../model/project.js";
import type { RunSpec } from "../../model/run.js";

export interface JobRecord {
  readonly schemaVersion: 1;
  readonly deployment: string;
  /** Pulumi stack name, and the client that its settings name. */
  readonly stack: string;
  readonly client: string;
  readonly name: string;
  readonly tasks: readonly string[];
  /** Absolute path of the code snapshot, and of the venvs made for its installs; empty where a container has them. */
  readonly codeDir: string;
  readonly venvsDir: string;
  readonly spec: RunSpec;
  readonly timeoutSeconds?: number;
  readonly notifications: readonly Notification[];
  /** Keys whose values are in `secrets/`. */
  readonly secretKeys: readonly string[];
  /** `handoff:engine: docker`: runs are containers. Absent: processes. */
  readonly container?: ContainerRecord;
}

/** Tasks that a run is asked for when nobody selects any; none: all that there are in what it clones. */
export function allTasks({ tasks, spec }: JobRecord): readonly string[] {
  return spec.project.deploy.source.kind === "git" ? [] : tasks;
}

/** Each limit that is left out is none. */
export interface ContainerRecord {
  /** Id of the image, `sha256:…`. */
  readonly image: string;
  /** vCPUs; may be a fraction. */
  readonly cpu?: number;
  readonly memoryMiB?: number;
}

export interface ScheduleRecord {
  readonly schemaVersion: 1;
  readonly deployment: string;
  readonly job: string;
  readonly schedule: Schedule;
}

export interface TriggerRecord {
  readonly schemaVersion: 1;
  readonly deployment: string;
  readonly job: string;
  readonly name: string;
  readonly tasks: readonly string[];
  readonly maxConcurrency: number;
}
