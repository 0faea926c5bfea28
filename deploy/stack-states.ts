/** What the backend knows of a repository's stacks: which there are, how much they hold, when they were last updated. */
import { readFileSync } from "node:fs";
import { backendEnv, backendUrl, isUpdating, stackStateFile, stateFolder, storedStacks } from "./backend.js";
import { type EngineOptions, runEngine } from "./engine-command.js";
import { encryptionOf, type Repository } from "./repository.js";

export interface StackState {
  /** Resources in the state, the stack itself included; 0 for one that was never deployed, or is destroyed. */
  readonly resources: number;
  /** ISO 8601 in UTC; null for one that was never updated. */
  readonly lastUpdate: string | null;
  /** An update is running; for another machine's, and in a bucket, or was when its engine died. */
  readonly updating: boolean;
}

/**
 * By name. A state in files is read as it is; another one is asked for with one call of the engine.
 * @throws UserError `engine-failed` when the backend can't be reached
 */
export async function stackStates(
  repository: Repository,
  options: EngineOptions,
): Promise<ReadonlyMap<string, StackState>> {
  const { env } = options;
  const folder = stateFolder(repository, { ...env, ...backendEnv(repository, env) });
  const stored = folder === undefined ? undefined : storedStacks(folder, repository.name);
  if (folder === undefined || !stored || [...stored.values()].includes(false))
    return await fromEngine(options);
  return fromFolder(folder, repository.name, [...stored.keys()]);
}

/**
 * Whether the backend lacks a stack that has a file: its preview must not make it. The backend is asked only where neither the
 * disk nor the file says it.
 */
export async function isNewStack(
  repository: Repository,
  options: EngineOptions & { readonly stack: string },
): Promise<boolean> {
  const { env, stack } = options;
  const variables = { ...env, ...backendEnv(repository, env) };
  const folder = stateFolder(repository, variables);
  if (folder !== undefined) return !storedStacks(folder, repository.name).has(stack);
  // Making a stack in a bucket leaves its key in its file. A service keeps the key, and has an empty stack made.
  const isService = /^https?:/.test(backendUrl(repository, variables) ?? "");
  const { salt, key } = encryptionOf(repository, stack);
  if (isService || salt !== undefined || key !== undefined) return false;
  return !(await stackStates(repository, options)).has(stack);
}

function fromFolder(folder: string, project: string, stacks: readonly string[]): Map<string, StackState> {
  const states = new Map<string, StackState>();
  for (const stack of stacks) {
    const { checkpoint } = readState(stackStateFile(folder, project, stack));
    const { resources = [], manifest } = checkpoint?.latest ?? {};
    const time = Date.parse(manifest?.time ?? "");
    states.set(stack, {
      resources: resources.length,
      // An empty state has the first day of the first year.
      lastUpdate: time > 0 ? new Date(time).toISOString() : null,
      updating: isUpdating(folder, project, stack),
    });
  }
  return states;
}

interface StateFile {
  readonly checkpoint?: {
    readonly latest?: {
      readonly resources?: readonly unknown[];
      readonly manifest?: { readonly time?: string };
    };
  };
}

/** One that was torn by an engine that died is mended by the next operation on the stack; here it is as good as none. */
function readState(file: string): StateFile {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as StateFile;
  } catch {
    return {};
  }
}

interface ListedStack {
  readonly name: string;
  readonly lastUpdate?: string;
  readonly updateInProgress?: boolean;
  readonly resourceCount?: number;
}

async function fromEngine(options: EngineOptions): Promise<Map<string, StackState>> {
  const text = await runEngine(options, {
    args: ["stack", "ls", "--json"],
    hint: "docs/backends.md says how a backend is chosen and logged in to",
  });
  const listed = JSON.parse(text) as readonly ListedStack[];
  return new Map(
    listed.map(({ name, lastUpdate, updateInProgress, resourceCount }) => [
      name.split("/").at(-1) ?? name,
      {
        resources: resourceCount ?? 0,
        lastUpdate: lastUpdate ?? null,
        updating: updateInProgress ?? false,
      },
    ]),
  );
}
