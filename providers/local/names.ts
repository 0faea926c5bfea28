/** Names of the local platform. Any name is valid on disk: `fileName` in home.ts encodes it. */

/** Folder of a deployment under `$HANDOFF_HOME/deployments`, and the prefix of its resources' ids. */
export function deploymentName(pulumiProject: string, stack: string): string {
  return `${pulumiProject}-${stack}`;
}

/** A child's name in Pulumi: unique in the stack, even with several pipelines in it and the same name for two things. */
export function resourceName(pipeline: string, parts: readonly string[]): string {
  return [pipeline, ...parts].join("-");
}
