/** Which top-level tasks run, and in which order. */
import { UserError } from "../../../model/diagnostic.js";
import type { Project, Task } from "../../../model/project.js";
import type { TaskRecord } from "../../../model/run.js";

/** The tasks that a run is for, in the project's order; inactive ones are left out. */
export function selectTasks(project: Project, names: readonly string[]): Task[] {
  const known = new Map(project.tasks.map((task) => [task.name, task]));
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0) {
    const list = unknown.map((name) => `\`${name}\``).join(", ");
    throw new UserError(`the project has no task ${list}`, {
      code: "unknown-task",
      hint: `Its tasks are: ${[...known.keys()].join(", ")}.`,
    });
  }
  return project.tasks.filter((task) => task.active && (names.length === 0 || names.includes(task.name)));
}

export type RunOne = (task: Task) => Promise<TaskRecord>;

/** In the project's order; a failed task ends the run, unless it says `kill_downstream_on_fail: false`. */
export async function runInOrder(tasks: readonly Task[], run: RunOne): Promise<TaskRecord[]> {
  const records: TaskRecord[] = [];
  let ended = false;
  for (const task of tasks) {
    const record = ended ? skipped(task) : await run(task);
    records.push(record);
    if (record.status === "stopped" || (record.status !== "success" && task.killDownstreamOnFail))
      ended = true;
  }
  return records;
}

/**
 * Each task as soon as those that it depends on have ended. A failed one, and every one that can't run for it, ends what
 * depends on it; the rest goes on. Dependencies that are not part of the run count as met.
 */
export async function runAsGraph(tasks: readonly Task[], run: RunOne): Promise<TaskRecord[]> {
  const started = new Map<string, Promise<TaskRecord>>();
  const byName = new Map(tasks.map((task) => [task.name, task]));
  const start = (task: Task): Promise<TaskRecord> => {
    const known = started.get(task.name);
    if (known !== undefined) return known;
    const needed = task.dependsOn.flatMap((name) => byName.get(name) ?? []);
    const promise = Promise.all(needed.map(start)).then((records) => {
      const blocked = needed.some((before, index) => {
        const status = records[index]?.status;
        return (
          status !== "success" &&
          (before.killDownstreamOnFail || status === "stopped" || status === "skipped")
        );
      });
      return blocked ? skipped(task) : run(task);
    });
    started.set(task.name, promise);
    return promise;
  };
  return Promise.all(tasks.map(start));
}

function skipped(task: Task): TaskRecord {
  return {
    name: task.name,
    status: "skipped",
    exitCode: 0,
    startedAt: null,
    durationMs: 0,
    attempts: 0,
    steps: [],
  };
}
