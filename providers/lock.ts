/** A lock between processes of this machine. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Whether a process with this id runs on this machine. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Ended, but its parent hasn't asked: in a container without an init process that stays so. Linux only; false elsewhere. */
function isZombie(pid: number): boolean {
  try {
    // "<pid> (<name>) <state> …", where the name may hold parentheses.
    return /\) Z [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/**
 * Runs `action` while no other process holds the same lock. The lock is a folder, made exclusively, that names its
 * holder's process; one whose holder is dead is taken over.
 * @param waiting called once when somebody else holds it.
 */
export async function withLock<T>(
  lock: string,
  action: () => Promise<T> | T,
  waiting?: () => void,
): Promise<T> {
  let told = false;
  for (;;) {
    try {
      mkdirSync(lock, { mode: 0o700 });
      writeFileSync(join(lock, "pid"), String(process.pid));
      break;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
    if (!told) waiting?.();
    told = true;
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
    return Number(readFileSync(join(lock, "pid"), "utf8")) || undefined;
  } catch {
    return undefined;
  }
}
