import type { Project } from "./project.js";

/** Keys of the secrets that a stack of the project needs values of, sorted. */
export function neededSecrets(project: Project): string[] {
  const needed = new Set([...project.secrets.map((secret) => secret.key), ...project.secretEnvs]);
  for (const { target } of project.notifications) {
    if (target.kind === "webhook" && target.secret !== undefined) needed.add(target.secret);
  }
  return [...needed].sort();
}
