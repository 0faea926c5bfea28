/**
 * Who owns what a container writes. An agent that isn't root runs containers as its own user. Root's run as a user without
 * rights, so what they write to is that user's.
 */
import { existsSync, lchownSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Makes folders and all below them `owner`'s. A folder that is the owner's already is left alone, without a look inside: a
 * container may be working there, and could turn a path into a link while we walk it.
 */
export function give(owner: Owner, ...paths: readonly string[]): void {
  for (const path of paths) {
    if (existsSync(path) && lstatSync(path).uid !== owner.uid) giveAll(owner, path);
  }
}

/** The path itself comes last: until then no container can write to it. */
function giveAll(owner: Owner, path: string): void {
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) giveAll(owner, join(path, name));
  lchownSync(path, owner.uid, owner.gid);
}

/**
 * Root's own again, as a mark that files of root's may be in it: the next container's `give` looks inside. Does nothing
 * for other users.
 */
export function takeBack(paths: readonly string[]): void {
  if (process.getuid?.() !== 0) return;
  for (const path of paths) if (existsSync(path) && lstatSync(path).uid !== 0) lchownSync(path, 0, 0);
}
