import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../model/diagnostic.js";
import type { Project } from "../model/project.js";
import { findSecretsYml, readSecretsYml } from "./secret-files.js";

export interface LocalSecrets {
  /** Values by key. */
  readonly values: Readonly<Record<string, string>>;
  /** Files that other users of the machine can read. */
  readonly exposed: readonly string[];
}

/**
 * Values of the project's secrets for a run on this machine: `<project>/.secrets/<KEY>` (a final newline is dropped), else the
 * Python tool's `.secrets/secrets.yml`, else the environment variable of the same name.
 * @throws UserError `secret-not-found`, naming every key that has none.
 */
export function readLocalSecrets(
  project: Project,
  projectDir: string,
  env: Readonly<Record<string, string | undefined>>,
): LocalSecrets {
  const values: Record<string, string> = {};
  const exposed: string[] = [];
  const missing: string[] = [];
  const listed = readList(join(projectDir, ".secrets"));
  for (const key of new Set([...project.secrets.map((s) => s.key), ...project.secretEnvs])) {
    const file = join(projectDir, ".secrets", key);
    const value = existsSync(file)
      ? readFileSync(file, "utf8").replace(/\r?\n$/, "")
      : (listed.values[key] ?? env[key]);
    if (value === undefined) missing.push(key);
    else values[key] = value;
    if (existsSync(file) && isExposed(file)) exposed.push(file);
  }
  if (listed.file !== undefined && isExposed(listed.file)) exposed.push(listed.file);
  if (missing.length > 0) {
    throw new UserError(`no value for the secret${missing.length > 1 ? "s" : ""} ${missing.join(", ")}`, {
      code: "secret-not-found",
      hint: `put the value in ${join(projectDir, ".secrets", missing[0] ?? "")} (chmod 600), or set the environment variable of that name`,
    });
  }
  return { values, exposed };
}

/** Of several, for several stages, the one without a stage. */
function readList(folder: string): { readonly file?: string; readonly values: LocalSecrets["values"] } {
  const lists = findSecretsYml(folder);
  const list = lists.length === 1 ? lists[0] : lists.find((name) => name === "secrets.yml");
  if (list === undefined) return { values: {} };
  const file = join(folder, list);
  return { file, values: readSecretsYml(file, join(".secrets", list)).values };
}

function isExposed(file: string): boolean {
  return (statSync(file).mode & 0o077) !== 0;
}
