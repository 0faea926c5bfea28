import { join } from "node:path";

/** Where a project's local runs keep what they make. */
export interface LocalFolders {
  readonly workspace: string;
  /** The artifact store: each run's archive, and `last`. */
  readonly artifacts: string;
  readonly venvs: string;
}

/**
 * All under `<project>/.handoff`; with a workspace of the user's own (absolute), the environments are in its `.venvs`, so
 * that two workspaces may hold two states of `installs`.
 */
export function localFolders(projectDir: string, workspace: string | undefined): LocalFolders {
  const home = join(projectDir, ".handoff");
  return {
    workspace: workspace ?? join(home, "workspace"),
    artifacts: join(home, "artifacts"),
    venvs: workspace === undefined ? join(home, "venvs") : join(workspace, ".venvs"),
  };
}
