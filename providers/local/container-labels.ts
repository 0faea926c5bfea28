/** How the containers of runs are found again, and ended with their job. */
import { setTimeout as sleep } from "node:timers/promises";
import { docker, type Env, lastLine } from "../docker.js";

export interface ContainerLabels {
  /** Of the deployment: also says which HANDOFF_HOME it is in. */
  readonly folder: string;
  readonly job: string;
  readonly run: string;
}

/** As options of `docker run`. */
export function labelsOf(labels: ContainerLabels): string[] {
  return Object.entries(labels).flatMap(([name, value]) => ["--label", `handoff.${name}=${value}`]);
}

/** How long an agent may take to see that a container has ended; without one nobody will. */
const patienceMs = 5000;

/** Stops the containers that a job still has, as gently as `docker stop` does, and removes them. */
export async function removeContainers(
  labels: Pick<ContainerLabels, "folder" | "job">,
  { env, log }: { readonly env: Env; readonly log: (line: string) => void },
): Promise<void> {
  const filters = Object.entries(labels).flatMap(([name, value]) => [
    "--filter",
    `label=handoff.${name}=${value}`,
  ]);
  const found = await docker(["ps", "--all", "--quiet", "--no-trunc", ...filters], { env });
  if (found.exitCode !== 0) {
    log(`containers of ${labels.job} may be left behind: ${lastLine(found)}`);
    return;
  }
  const ids = found.stdout.split("\n").filter((id) => id !== "");
  if (ids.length === 0) return;
  await docker(["stop", ...ids], { env });
  // Whoever watches over a run looks at how it ended, and removes its container.
  for (const until = Date.now() + patienceMs; Date.now() < until; await sleep(100)) {
    const left = await docker(["ps", "--all", "--quiet", ...filters], { env });
    if (left.exitCode === 0 && left.stdout.trim() === "") return;
  }
  const removed = await docker(["rm", "--force", "--volumes", ...ids], { env });
  // The agent may have been faster.
  if (removed.exitCode !== 0 && !/no such container|already in progress/i.test(removed.stderr))
    log(`containers of ${labels.job} are left behind: ${lastLine(removed)}`);
}
