/** `agent/settings.json`, which the user writes; every key may be left out. */
import { cpus } from "node:os";
import { homePaths, readJson } from "../home.js";

export interface AgentSettings {
  /** Runs at the same time, the rest waits in order; default twice the number of CPUs, at least 4. */
  readonly maxConcurrentRuns: number;
  /** Folders of ended runs that are kept for each job; default 100. */
  readonly keepRuns: number;
  /** Seconds from SIGTERM to SIGKILL; default 30. */
  readonly graceSeconds: number;
  /** Docker's network for the containers of runs, such as `host`; default: Docker's own default. */
  readonly dockerNetwork?: string;
}

export function agentSettings(home: string): AgentSettings {
  const given = readJson<Partial<AgentSettings>>(homePaths(home).agentSettings) ?? {};
  return {
    maxConcurrentRuns: given.maxConcurrentRuns ?? Math.max(4, cpus().length * 2),
    keepRuns: given.keepRuns ?? 100,
    graceSeconds: given.graceSeconds ?? 30,
    ...(given.dockerNetwork === undefined ? {} : { dockerNetwork: given.dockerNetwork }),
  };
}
