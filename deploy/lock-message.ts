/** The engine's words about a stack that is locked, as a backend of files or objects says them. */
import type { LockHolder } from "./locks.js";

const created = /created by (\S+)@(\S+) \(pid (\d+)\) at (\S+)/g;

/** Who holds the locks that a message of the engine names; none when the backend doesn't tell. */
export function holdersIn(message: string): LockHolder[] {
  const found = [...message.matchAll(created)].map(([, user = "", host = "", pid = "", since = ""]) => ({
    user,
    host,
    pid: Number(pid),
    since,
  }));
  // The engine's text is there twice: as its stderr, and as what was thrown.
  return found.filter(
    (one, at) => found.findIndex((other) => JSON.stringify(other) === JSON.stringify(one)) === at,
  );
}

/** `ann@build-7 (process 7) since 2026-11-20T22:10:00Z`. */
export function describeHolders(holders: readonly LockHolder[]): string {
  return holders
    .map(({ user, host, pid, since }) => `${user}@${host} (process ${pid}) since ${since}`)
    .join(", ");
}
