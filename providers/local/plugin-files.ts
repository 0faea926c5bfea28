/** Files that the plugin's resources share: clean-up, references to shared folders, and a lock over processes. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
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

/** Whether a process with this id exists on this machine. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
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

/**
 * Runs `action` while no other process holds the same lock. The lock is a folder, made exclusively, that names its
 * holder's process; one whose holder is dead is taken over.
 */
export async function withLock<T>(lock: string, action: () => Promise<T> | T): Promise<T> {
  for (;;) {
    try {
      mkdirSync(lock, { mode: 0o700 });
      writeFileSync(join(lock, "pid"), String(process.pid));
      break;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
    await sleep(100);
    if (await isAbandoned(lock)) rmSync(lock, { recursive: true, force: true });
  }
  try {
    return await action();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

async function isAbandoned(lock: string): Promise<boolean> {
  const holder = readHolder(lock);
  if (holder !== undefined) return !isAlive(holder);
  if (!existsSync(lock)) return false;
  // Made, but not signed yet: give its maker time to do so.
  await sleep(1000);
  return existsSync(lock) && readHolder(lock) === undefined;
}

function readHolder(lock: string): number | undefined {
  try {
    return firstNumber(readFileSync(join(lock, "pid"), "utf8")) || undefined;
  } catch {
    return undefined;
  }
}
