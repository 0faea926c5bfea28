/**
 * Steps that an engine was killed in. Its state keeps them as pending operations, because it can't know what became of them,
 * and repeats a long warning about those that created something until somebody has looked.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { handoffHome } from "../providers/local/home.js";
import { backendEnv, isLocked, stackStateFile, stateFolder } from "./backend.js";
import type { Env } from "./env.js";
import type { Repository } from "./repository.js";

export interface Settled {
  /** Names of the resources whose creation was cut short and starts anew, sorted. */
  readonly again: readonly string[];
  /** A change or a removal was cut short: the state may differ from what is there, so look before updating. */
  readonly refresh: boolean;
}

interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly custom?: boolean;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

interface PendingOperation {
  readonly type: string;
  readonly resource: StateResource;
}

interface Latest {
  readonly resources?: readonly StateResource[];
  pending_operations?: readonly PendingOperation[];
}

interface StateFile {
  readonly checkpoint?: { readonly latest?: Latest };
}

/** Makes a stack ready for the update that follows an interrupted one. Returns whether that one has to refresh first. */
export async function resumeInterrupted(
  repository: Repository,
  stack: string,
  env: Env,
  log: (line: string) => void = () => {},
): Promise<boolean> {
  const state = stateFolder(repository, { ...env, ...backendEnv(repository, env) });
  if (!state || isLocked(state, repository.name, stack)) return false;
  const file = stackStateFile(state, repository.name, stack);
  const { again, refresh } = await settlePending(file, handoffHome({ ...env }));
  if (again.length > 0) log(`made anew, since it was interrupted: ${again.join(", ")}`);
  return refresh;
}

/**
 * Settles the pending operations of the local platform, whose steps can all be repeated, and those without anything outside
 * of the state (components, providers). What a cloud was asked for stays in the state: `up` says so.
 * The caller makes sure that no update is running.
 * @param file the stack's state, of a `file://` backend.
 * @param home absolute HANDOFF_HOME.
 */
export async function settlePending(file: string, home: string): Promise<Settled> {
  const nothing = { again: [], refresh: false };
  if (!existsSync(file)) return nothing;
  const state = JSON.parse(readFileSync(file, "utf8")) as StateFile;
  const latest = state.checkpoint?.latest;
  const pending = latest?.pending_operations ?? [];
  const ours = pending.filter(({ resource }) => canSettle(resource));
  if (!latest || ours.length === 0) return nothing;

  const owned = new Set(
    (latest.resources ?? []).map(({ outputs }) => outputs?.path).filter((path) => typeof path === "string"),
  );
  const local = ours.filter(({ resource }) => isLocal(resource));
  const creations = local.filter(({ type }) => type === "creating");
  if (creations.length > 0) {
    // All of the plugin's code: loaded only for this rare case.
    const { undoCreate } = await import("../providers/local/undo.js");
    for (const { resource } of creations)
      await undoCreate({ type: resource.type, inputs: resource.inputs ?? {} }, home, owned);
  }

  latest.pending_operations = pending.filter((operation) => !ours.includes(operation));
  const temporary = `${file}.settled`;
  writeFileSync(temporary, JSON.stringify(state, undefined, 4), { mode: 0o600 });
  renameSync(temporary, file);
  return {
    again: creations.map(({ resource }) => resourceName(resource.urn)).sort(),
    refresh: creations.length < local.length,
  };
}

function isLocal({ type, custom }: StateResource): boolean {
  return custom === true && type.startsWith("handoff:local:");
}

function canSettle(resource: StateResource): boolean {
  return isLocal(resource) || resource.custom !== true || resource.type.startsWith("pulumi:");
}

export function resourceName(urn: string): string {
  return urn.split("::").at(-1) ?? urn;
}

/** What to say when a refresh forgets that these were being created; undefined when none was. */
export function forgottenCreates(deployment: unknown, stack: string): string | undefined {
  const { pending_operations: pending } = (deployment ?? {}) as Pick<Latest, "pending_operations">;
  const creations = (pending ?? []).filter(({ type }) => type === "creating");
  if (creations.length === 0) return undefined;
  return [
    `an earlier update of ${stack} was interrupted; from now on nothing is known of what it was creating:`,
    ...creations.map(({ resource }) => `  ${describe(resource.urn)}`),
    "  -> look for it, and delete it if it is there: the next update makes another one",
  ].join("\n");
}

const warningStart = "Attempting to deploy or update resources with ";
const warningItem = /^ {2}\* (urn:\S.*), interrupted while (\w+)$/gm;

/** URNs of what was being created when an update was interrupted, in a warning of the engine; none in another message. */
export function interruptedCreates(message: string): string[] {
  if (!message.startsWith(warningStart)) return [];
  return [...message.matchAll(warningItem)].flatMap(([, urn = "", doing]) =>
    doing === "creating" ? [urn] : [],
  );
}

/** What to do when the cloud has already what an interrupted update was creating, and won't make it twice. */
export function takeOverHint(urns: readonly string[], stack: string): string {
  const what = urns.map(describe).join(", ");
  return `an earlier update of ${stack} was killed while it created ${what}: what is there is this stack's, and nothing uses it yet. Delete it in the cloud, and run it again`;
}

/**
 * The engine's warning about operations that it found pending, in words that say what to do with handoff; undefined when
 * `message` is another one.
 */
export function pendingWarning(message: string): string | undefined {
  if (!message.startsWith(warningStart)) return undefined;
  const found = [...message.matchAll(warningItem)].map(([, urn = "", doing = ""]) => ({ urn, doing }));
  const stack = found[0]?.urn.split(":")[2];
  if (stack === undefined || stack === "") return undefined;
  const items = found.map(({ urn, doing }) => `  ${doing} ${describe(urn)}`);
  return [
    `an earlier update of ${stack} was interrupted; whether these steps were done is not known:`,
    ...items,
    `  -> look for what was being created: if it is there, delete it, or take it over with \`pulumi import\`. Then run`,
    `     \`handoff refresh ${stack}\`, which reads what is really there and forgets these steps`,
  ].join("\n");
}

function describe(urn: string): string {
  // urn:pulumi:<stack>::<project>::<parent type>$<type>::<name>
  return `${urn.split("::")[2]?.split("$").at(-1) ?? ""} ${resourceName(urn)}`;
}
