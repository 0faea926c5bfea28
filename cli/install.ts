import { resolve } from "node:path";
import { ExitCode } from "../model/diagnostic.js";
import { installVenvs } from "../runner-image/src/install.js";
import type { CliContext } from "./context.js";
import { print, say } from "./context.js";
import { loadValidProject } from "./load-project.js";
import { localFolders } from "./local-folders.js";
import { formatDuration } from "./output/time.js";
import { findProjectDir } from "./project-lookup.js";

/** `handoff install`: builds what is missing and says what was done, one line an environment on stdout. */
export async function installProject(
  options: { readonly project?: string; readonly workspace?: string },
  context: CliContext,
): Promise<number> {
  const dir = findProjectDir(context.cwd, options.project);
  const project = loadValidProject(dir, context);
  const folders = localFolders(dir, options.workspace && resolve(context.cwd, options.workspace));
  if (project.installs.length === 0) say(context, `${project.name} has no installs: nothing to do`);
  const results = await installVenvs(project.installs, folders.venvs, {
    log: (line) => say(context, line),
    signal: context.interrupted,
    env: context.env,
    cwd: dir,
  });
  for (const { venv, dir: path, installed, durationMs } of results) {
    print(
      context,
      `${venv}: ${installed ? `installed in ${formatDuration(durationMs)}` : "ready already"} (${path})`,
    );
  }
  return ExitCode.ok;
}
