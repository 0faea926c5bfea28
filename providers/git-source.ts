/** A project that its container clones (docs/git-source.md): what the container is told, and what can't be. */
import type { Diagnostic } from "../model/diagnostic.js";
import type { DeployPlan } from "../model/plan-types.js";

/** Whether jobs clone the project at their start, so that its tasks may be others than at `up`. */
export function clones({ spec }: Pick<DeployPlan, "spec">): boolean {
  return spec.project.deploy.source.kind === "git";
}

/** Variables that say what to clone; the token's value is that of a secret like any other. */
export function sourceEnv({ spec }: DeployPlan): Readonly<Record<string, string>> {
  const { source } = spec.project.deploy;
  if (source.kind === "image") return {};
  const { url, ref, path, token } = source;
  return {
    HANDOFF_SOURCE_PATH: path,
    HANDOFF_SOURCE_REF: ref,
    ...(token === undefined ? {} : { HANDOFF_SOURCE_SECRET: token }),
    HANDOFF_SOURCE_URL: url,
  };
}

/** What no job in a cloud can clone. @param title the cloud's name */
export function checkSource({ spec }: DeployPlan, title: string): Diagnostic[] {
  const { source } = spec.project.deploy;
  if (source.kind === "image") return [];
  const { protocol, hostname } = new URL(source.url);
  const here = protocol === "file:" || /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
  if (!here) return [];
  return [
    {
      severity: "error",
      code: "local-source",
      message: `deploy.source.git: ${source.url} is on this machine, where no job on ${title} can clone it from`,
      hint: "give the address of a server that the job's network leads to",
    },
  ];
}
