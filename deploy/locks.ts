/** Who works on a stack, so that no other update may: as its lock says. An update that was killed leaves its lock behind. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { ExitCode, UserError } from "../model/diagnostic.js";
import { isAlive } from "../providers/lock.js";
import { backendEnv, locksFolder, stateFolder } from "./backend.js";
import { describeHolders } from "./lock-message.js";
import { findRepository } from "./repository.js";
import { type StackOptions, withStack } from "./stack.js";

/** One lock. */
export interface LockHolder {
  readonly user: string;
  readonly host: string;
  readonly pid: number;
  /** ISO 8601. */
  readonly since: string;
}

export interface Cancelled {
  readonly stack: string;
  /** Whose locks are gone; empty when there was none, null when the backend doesn't tell. */
  readonly released: readonly LockHolder[] | null;
}

export interface CancelOptions extends StackOptions {
  /** Also when the update runs here and now. Default false. */
  readonly force?: boolean;
}

/**
 * Releases a stack whose update was killed.
 * @throws UserError `update-running` when it runs on this machine, unless `force`
 */
export async function cancelUpdate(options: CancelOptions): Promise<Cancelled> {
  const { stack: name, env, cwd } = options;
  const repository = findRepository(cwd);
  const state = stateFolder(repository, { ...env, ...backendEnv(repository, env) });
  const read = () => (state ? readLocks(locksFolder(state, repository.name, name)) : []);
  const before = read();
  const running = before.filter(({ host, pid }) => host === hostname() && isAlive(pid));
  if (running.length > 0 && !options.force) {
    throw new UserError(`stack ${name} is being updated on this machine: ${describeHolders(running)}`, {
      code: "update-running",
      hint: `stop it with Ctrl-C, or with \`kill ${running[0]?.pid}\`; --force releases the stack all the same`,
      exitCode: ExitCode.failed,
    });
  }
  if (state && before.length === 0) return { stack: name, released: [] };
  await withStack(options, (stack) => stack.cancel());
  return { stack: name, released: state ? before : null };
}

function readLocks(folder: string): LockHolder[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .flatMap((file) => {
      try {
        const lock = JSON.parse(readFileSync(join(folder, file), "utf8")) as Record<string, unknown>;
        const { username, hostname: host, pid, timestamp } = lock;
        return [{ user: String(username), host: String(host), pid: Number(pid), since: String(timestamp) }];
      } catch {
        // Released meanwhile, or written just now.
        return [];
      }
    });
}
