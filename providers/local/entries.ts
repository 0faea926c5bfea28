/** The programs that the local platform starts, in the package that this file belongs to. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folder of the handoff package, from the sources as from dist/. */
export function packageDir(): string {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, "package.json")) && dirname(dir) !== dir) dir = dirname(dir);
  return dir;
}

/** The runner's bundle. */
export const runnerEntry = (): string => join(packageDir(), "dist", "runner", "main.js");
/** The agent's process: `main.js run`, or `main.js one RUN` for a single run. */
export const agentEntry = (): string => join(packageDir(), "dist", "agent", "main.js");
