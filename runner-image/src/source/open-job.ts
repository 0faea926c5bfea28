/** Clones a job's project. What reads YAML is loaded by those that do so alone. */
import type { GitSource } from "../../../model/project.js";
import type { Job, OpenedJob } from "../job.js";
import type { OpenSource, SourceOptions } from "./open.js";

export async function openSource(source: GitSource, options: SourceOptions): Promise<OpenSource> {
  const { openSource: open } = await import("./open.js");
  return open(source, options);
}

/** @param jobOf the job of what was cloned; `env` comes on top of what its commands inherit */
export async function openJob(
  source: GitSource,
  options: SourceOptions,
  jobOf: (opened: OpenSource, env: Readonly<Record<string, string>>) => Job,
): Promise<OpenedJob> {
  const opened = await openSource(source, options);
  const { commit } = opened;
  return {
    job: jobOf(opened, { HANDOFF_COMMIT: commit }),
    commit,
    install: () => opened.install(),
    close: () => opened.close(),
  };
}
