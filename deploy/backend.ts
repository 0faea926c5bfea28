/** Where a stack's state is kept, and what encrypts its secrets. What the user has set up wins. */
import { randomBytes } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import { handoffHome } from "../providers/local/home.js";
import { isAlive } from "../providers/lock.js";
import type { Env } from "./env.js";
import type { Repository } from "./repository.js";

/**
 * Variables for the engine. State: PULUMI_BACKEND_URL, `backend` in Pulumi.yaml or an existing login; else
 * `.handoff/state` in the repository. Passphrase of a state that isn't a service's: PULUMI_CONFIG_PASSPHRASE(_FILE);
 * else a generated one in `$HANDOFF_HOME/passphrase` (0600), which a team replaces by one that it shares.
 */
export function backendEnv(repository: Repository, env: Env): Env {
  const variables: Record<string, string> = {};
  let url = backendUrl(repository, env);
  if (url === undefined) {
    const state = join(repository.root, ".handoff", "state");
    mkdirSync(state, { recursive: true, mode: 0o700 });
    url = fileUrl(state);
    variables.PULUMI_BACKEND_URL = url;
  }
  const selfManaged = !/^https?:/.test(url);
  if (
    selfManaged &&
    env.PULUMI_CONFIG_PASSPHRASE === undefined &&
    env.PULUMI_CONFIG_PASSPHRASE_FILE === undefined
  ) {
    variables.PULUMI_CONFIG_PASSPHRASE_FILE = passphraseFile(env);
  }
  return variables;
}

export interface ChosenBackend {
  /** Of a service that a token alone is for, `https://`. */
  readonly url: string;
  readonly from: "variable" | "Pulumi.yaml" | "login";
}

/** The backend that the user has chosen, first found first as Pulumi does it; undefined for handoff's default. */
export function chosenBackend({ backendUrl: inFile }: Repository, env: Env): ChosenBackend | undefined {
  if (env.PULUMI_BACKEND_URL) return { url: env.PULUMI_BACKEND_URL, from: "variable" };
  if (inFile) return { url: inFile, from: "Pulumi.yaml" };
  const url = login(env);
  return url === undefined ? undefined : { url, from: "login" };
}

export function backendUrl(repository: Repository, env: Env): string | undefined {
  return chosenBackend(repository, env)?.url;
}

/** A folder as the engine reads it: as a URL, in which `%`, `?` and `#` mean something. */
function fileUrl(folder: string): string {
  return `file://${encodeURI(folder).replaceAll("?", "%3F").replaceAll("#", "%23")}`;
}

/** The backend that the user is logged in to; a token alone is for Pulumi Cloud. */
function login(env: Env): string | undefined {
  const service = env.PULUMI_ACCESS_TOKEN ? "https://" : undefined;
  const file = join(env.PULUMI_HOME ?? join(env.HOME ?? homedir(), ".pulumi"), "credentials.json");
  if (!existsSync(file)) return service;
  const content: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (typeof content !== "object" || content === null || !("current" in content)) return service;
  return typeof content.current === "string" && content.current !== "" ? content.current : service;
}

function passphraseFile(env: Env): string {
  const file = join(handoffHome({ ...env }), "passphrase");
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  if (existsSync(file)) return file;
  // Whole, or not there: a fleet's processes look for it at the same time.
  const fresh = `${file}.${randomBytes(6).toString("hex")}`;
  writeFileSync(fresh, randomBytes(32).toString("base64url"), { mode: 0o600, flag: "wx" });
  try {
    linkSync(fresh, file);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    rmSync(fresh);
  }
  return file;
}

/**
 * The folder of a `file://` state, also one that the user is logged in to; undefined for another one, and for the default
 * unless `env` has what `backendEnv` says of it.
 */
export function stateFolder(repository: Repository, env: Env): string | undefined {
  const url = backendUrl(repository, env);
  if (!url?.startsWith("file://")) return undefined;
  const path = decoded(url.slice("file://".length).replace(/[?#].*$/, ""));
  return resolve(repository.root, path.startsWith("~") ? join(env.HOME ?? homedir(), path.slice(1)) : path);
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Removes the locks of engines on this machine that died without doing so. Returns how many. */
export function removeStaleLocks(state: string, project: string, stack: string): number {
  const stale = lockFiles(state, project, stack).filter(isStale);
  for (const file of stale) {
    rmSync(file, { force: true });
    rmSync(`${file}.attrs`, { force: true });
  }
  return stale.length;
}

/** Whether an engine works on the stack that isn't known to be dead, here or elsewhere. */
export function isUpdating(state: string, project: string, stack: string): boolean {
  return lockFiles(state, project, stack).some((file) => !isStale(file));
}

/** Whether the stack is locked, be it by an engine that is dead. */
export function isLocked(state: string, project: string, stack: string): boolean {
  return lockFiles(state, project, stack).length > 0;
}

function lockFiles(state: string, project: string, stack: string): string[] {
  const dir = locksFolder(state, project, stack);
  const files = existsSync(dir) ? readdirSync(dir) : [];
  return files.filter((file) => file.endsWith(".json")).map((file) => join(dir, file));
}

function isStale(file: string): boolean {
  const holder = readLock(file);
  return holder !== undefined && holder.hostname === hostname() && !isAlive(holder.pid);
}

/** The file of a stack's state in a `file://` backend. */
export function stackStateFile(state: string, project: string, stack: string): string {
  return join(state, ".pulumi", "stacks", project, `${stack}.json`);
}

/**
 * Stacks that a `file://` state has, by name; true for those whose file is `stackStateFile`. Others are compressed, or as
 * engines of before 2023 laid them out: only the engine reads those.
 */
export function storedStacks(state: string, project: string): ReadonlyMap<string, boolean> {
  const folder = join(state, ".pulumi", "stacks");
  const names = (dir: string, ending: RegExp) =>
    (existsSync(dir) ? readdirSync(dir) : []).flatMap((file) => ending.exec(file)?.[1] ?? []);
  const others = [
    ...names(folder, /^(.+)\.json(?:\.gz)?$/),
    ...names(join(folder, project), /^(.+)\.json\.gz$/),
  ];
  return new Map([
    ...others.map((stack) => [stack, false] as const),
    ...names(join(folder, project), /^(.+)\.json$/).map((stack) => [stack, true] as const),
  ]);
}

/** Where the engine keeps the locks of a stack in a `file://` backend. */
export function locksFolder(state: string, project: string, stack: string): string {
  return join(state, ".pulumi", "locks", "organization", project, stack);
}

/**
 * The engine writes a `file://` state in place: killed in that moment it leaves half a file, beside the state before the
 * last step as `.bak`. Puts that back; the step is repeated, which our resources bear. Returns whether it did.
 * @param interrupted a lock was left behind, so that even a missing state is a loss and not a stack that was removed.
 */
export function restoreTornState(
  state: string,
  project: string,
  stack: string,
  interrupted: boolean,
): boolean {
  // Who works on it now may be in the middle of writing it.
  if (isLocked(state, project, stack)) return false;
  const file = stackStateFile(state, project, stack);
  const backup = `${file}.bak`;
  if (!existsSync(file) ? !interrupted : isJson(file)) return false;
  if (!existsSync(backup) || !isJson(backup)) return false;
  const temporary = `${file}.restored`;
  copyFileSync(backup, temporary);
  renameSync(temporary, file);
  return true;
}

function isJson(file: string): boolean {
  try {
    JSON.parse(readFileSync(file, "utf8"));
    return true;
  } catch {
    return false;
  }
}

function readLock(file: string): { pid: number; hostname: string } | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof content !== "object" || content === null || !("pid" in content) || !("hostname" in content))
      return undefined;
    return { pid: Number(content.pid), hostname: String(content.hostname) };
  } catch {
    return undefined;
  }
}
