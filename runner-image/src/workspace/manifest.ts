/** What handoff itself wrote into a workspace, so that the next run removes just that and no file of a command's. */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import path from "node:path";

export interface WorkspaceManifest {
  readonly schemaVersion: 1;
  /** Workspace-relative paths, with `/` between their parts. */
  readonly files: readonly string[];
  /** Those among the files that hold a secret's value. */
  readonly secretFiles: readonly string[];
}

export const manifestName = ".handoff-workspace.json";

/** An empty one where there is none yet, or where it can't be read. */
export async function readManifest(workDir: string): Promise<WorkspaceManifest> {
  const none: WorkspaceManifest = { schemaVersion: 1, files: [], secretFiles: [] };
  try {
    const data: unknown = JSON.parse(await fs.readFile(path.join(workDir, manifestName), "utf8"));
    if (typeof data !== "object" || data === null) return none;
    const { files, secretFiles } = data as { files?: unknown; secretFiles?: unknown };
    return { schemaVersion: 1, files: safePaths(files), secretFiles: safePaths(secretFiles) };
  } catch {
    return none;
  }
}

/** Commands can write to the workspace: a path that leads out of it is not believed. */
function safePaths(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value.filter(
    (item): item is string =>
      typeof item === "string" && item !== "" && !path.isAbsolute(item) && !item.split("/").includes(".."),
  );
}

export async function writeManifest(workDir: string, manifest: WorkspaceManifest): Promise<void> {
  const file = path.join(workDir, manifestName);
  const part = `${file}.${randomBytes(4).toString("hex")}`;
  await fs.writeFile(part, `${JSON.stringify(manifest)}\n`, { mode: 0o600 });
  await fs.rename(part, file);
}
