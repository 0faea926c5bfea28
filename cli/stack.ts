/** `handoff stack list|show|rm`: the stacks of a repository, one a client. */
import { join, relative } from "node:path";
import { chosenBackend } from "../deploy/backend.js";
import { removeStack as remove } from "../deploy/remove-stack.js";
import {
  findRepository,
  type Repository,
  readSettings,
  secretsProviderOf,
  stackFilePath,
} from "../deploy/repository.js";
import { stackStates } from "../deploy/stack-states.js";
import { shownPath } from "../deploy/yaml-file.js";
import { type Diagnostic, ExitCode, formatLocation, UserError } from "../model/diagnostic.js";
import { type EffectiveSetting, effectiveSettings, type Origin } from "../providers/effective-settings.js";
import { invalidProject } from "../providers/prepare.js";
import { type ParsedSettings, parseSettings } from "../providers/settings.js";
import { type CliContext, print, printJson, say } from "./context.js";
import { engineOptions, sayDiagnostics } from "./engine.js";
import { formatTable } from "./output/table.js";
import { formatRelative } from "./output/time.js";
import { findStack } from "./project-lookup.js";
import { describeSecret, secretsOf } from "./secrets.js";

interface StackRow {
  readonly stack: string;
  /** Null when the backend has it and the repository doesn't. */
  readonly file: string | null;
  readonly client: string | null;
  readonly cloud: string | null;
  readonly project: string | null;
  readonly region: string | null;
  readonly resources: number | null;
  readonly lastUpdate: string | null;
  readonly updating: boolean;
  /** Errors in its settings. */
  readonly diagnostics: readonly Diagnostic[];
}

/** `handoff stack list`: what the files say, and what the backend knows. */
export async function listStacks(
  options: { readonly json?: boolean; readonly select?: readonly string[] },
  context: CliContext,
): Promise<undefined> {
  const repository = findRepository(context.cwd);
  const states = await stackStates(repository, engineOptions(context));
  const chosen = await selected(repository, options.select, context);
  const orphans = options.select
    ? []
    : [...states.keys()].filter((name) => !repository.stacks.includes(name));
  const rows = [...chosen, ...orphans].sort().map((stack): StackRow => {
    const state = {
      resources: states.get(stack)?.resources ?? null,
      lastUpdate: states.get(stack)?.lastUpdate ?? null,
      updating: states.get(stack)?.updating ?? false,
    };
    const nothing = { client: null, cloud: null, project: null, region: null };
    if (orphans.includes(stack)) return { stack, file: null, ...nothing, ...state, diagnostics: [] };
    const file = shownPath(stackFilePath(repository, stack), context.cwd);
    const { settings, diagnostics } = readOrSay(repository, stack, context);
    const errors = diagnostics.filter(({ severity }) => severity === "error");
    if (!settings) return { stack, file, ...nothing, ...state, diagnostics: errors };
    const { client, cloud, region = null, root, projectDir } = settings;
    return {
      stack,
      file,
      client,
      cloud,
      project: relative(root, projectDir) || ".",
      region,
      ...state,
      diagnostics: errors,
    };
  });
  if (options.json) printJson(context, { schemaVersion: 1, stacks: rows });
  else if (rows.length === 0) say(context, "there is no stack yet; make one: handoff stack new dev");
  else
    print(
      context,
      formatTable(
        heads,
        rows.map((row) => cells(row, context.now())),
      ),
    );
}

/** One broken file doesn't hide the other stacks. */
function readOrSay(repository: Repository, stack: string, context: CliContext): ParsedSettings {
  try {
    return parseSettings(readSettings(repository, stack, context));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { code, message, location } = error;
    return {
      settings: null,
      diagnostics: [{ severity: "error", code, message, ...(location ? { location } : {}) }],
    };
  }
}

const heads = ["STACK", "CLIENT", "CLOUD", "REGION", "PROJECT", "RESOURCES", "LAST UPDATE"];

function cells(row: StackRow, now: Date): string[] {
  const { stack, file, client, cloud, region, project, resources, lastUpdate, updating, diagnostics } = row;
  const when = updating ? "now" : lastUpdate ? formatRelative(new Date(lastUpdate), now) : "never";
  const known = [stack, client ?? "", cloud ?? "", region ?? "", project ?? "", String(resources ?? "")];
  if (file === null) return [...known, `${when}; it has no file`];
  return [...known, diagnostics.length > 0 ? `${when}; wrong settings: handoff stack show ${stack}` : when];
}

async function selected(
  repository: Repository,
  select: readonly string[] | undefined,
  context: CliContext,
): Promise<readonly string[]> {
  if (!select) return repository.stacks;
  const { selectStacks } = await import("../deploy/fleet/selection.js");
  return selectStacks(repository, { select }, context.env).stacks;
}

/** `handoff stack show`: the effective settings, each with where it came from. Exit 2 when one is wrong. */
export async function showStack(
  name: string | undefined,
  options: { readonly json?: boolean },
  context: CliContext,
): Promise<number> {
  const { stack } = findStack(context.cwd, name);
  const repository = findRepository(context.cwd);
  const raw = readSettings(repository, stack, context);
  const { settings, diagnostics } = parseSettings(raw);
  const rows = settings ? effectiveSettings(raw, settings) : [];
  const secrets = settings ? secretsOf(settings, raw.secretKeys, context) : [];
  if (options.json) {
    const file = shownPath(stackFilePath(repository, stack), context.cwd);
    const about = {
      stack,
      file,
      state: stateOf(repository, context),
      encryption: encryptionOf(repository, stack),
    };
    printJson(context, { schemaVersion: 1, ...about, settings: rows, secrets, diagnostics });
    return settings ? ExitCode.ok : ExitCode.invalid;
  }
  if (!settings) throw invalidProject(diagnostics);
  const table = rows.map(({ key, value, from }) => [
    key,
    describeValue(value),
    value === undefined ? "not set" : describeOrigin(from),
  ]);
  const state = stateOf(repository, context);
  const place = ["state", state.url, state.from === "variable" ? "variable PULUMI_BACKEND_URL" : state.from];
  const ofSecrets = secrets.map((row) => [`secret ${row.key}`, describeSecret(row), ""]);
  print(context, formatTable(["KEY", "VALUE", "FROM"], [...table, place, ...ofSecrets]));
  sayDiagnostics(diagnostics, context);
  return ExitCode.ok;
}

/** Where the backend is, without what a URL may hold of credentials. */
function stateOf(repository: Repository, context: CliContext) {
  const chosen = chosenBackend(repository, context.env);
  if (chosen === undefined) return { url: join(".handoff", "state"), from: "default" };
  const url = chosen.url === "https://" ? "Pulumi Cloud" : chosen.url;
  return { url: url.replace(/\/\/[^/@]*@/, "//"), from: chosen.from };
}

/** What the file says encrypts its secrets; null for the backend's own: a passphrase, or Pulumi Cloud's key. */
function encryptionOf(repository: Repository, stack: string): string | null {
  return secretsProviderOf(repository, stack) ?? null;
}

function describeValue(value: EffectiveSetting["value"]): string {
  if (value === undefined) return "-";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function describeOrigin(from: Origin): string {
  if (from.kind === "file") return formatLocation(from.location);
  return from.kind === "environment" ? `variable ${from.variable}` : "default";
}

/** `handoff stack rm`. */
export async function removeStack(stack: string, context: CliContext): Promise<undefined> {
  const { file, state } = await remove(engineOptions(context), stack);
  const what = [...(state ? ["its state"] : []), ...(file === undefined ? [] : [file])];
  say(context, `${stack} is removed: ${what.join(" and ")}`);
}
