/** Files that the plugin's resources share: clean-up, and references to shared folders. */
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive } from "../lock.js";
import { fileName, makeDir } from "./home.js";

/** Removes each folder that is empty; leaves the others. */
export function pruneEmpty(...dirs: string[]): void {
  for (const dir of dirs) {
    try {
      rmdirSync(dir);
    } catch {
      // Not empty, or not there.
    }
  }
}

/** Removes the folders of runs that ended. One still going on keeps writing there. */
export function removeFinishedRuns(runs: string): void {
  if (!existsSync(runs)) return;
  for (const name of readdirSync(runs)) {
    const dir = join(runs, name);
    if (!isRunning(dir)) rmSync(dir, { recursive: true, force: true });
  }
}

function isRunning(run: string): boolean {
  if (existsSync(join(run, "record.json"))) return false;
  return readdirSync(run)
    .filter((name) => name.startsWith("pid."))
    .some((name) => isAlive(firstNumber(readFileSync(join(run, name), "utf8"))));
}

function firstNumber(content: string): number {
  return Number(/\d+/.exec(content)?.[0] ?? 0);
}

/**
 * Folders such as `code/<hash>` serve several deployments: `<folder>.refs/<deployment>` says who uses one, and the last
 * to leave removes it.
 */
export function addReference(dir: string, deployment: string): void {
  makeDir(`${dir}.refs`);
  writeFileSync(join(`${dir}.refs`, fileName(deployment)), "", { mode: 0o600 });
}

/** True when nobody uses the folder any more. */
export function dropReference(dir: string, deployment: string): boolean {
  const refs = `${dir}.refs`;
  rmSync(join(refs, fileName(deployment)), { force: true });
  pruneEmpty(refs);
  return !existsSync(refs);
}
