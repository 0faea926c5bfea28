/** `handoff secrets set|list|remove|import|rotate`. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { findRepository, readSettings } from "../deploy/repository.js";
import * as store from "../deploy/secrets.js";
import { ExitCode, UserError } from "../model/diagnostic.js";
import { loadProject } from "../model/load.js";
import type { StackSettings } from "../model/plan-types.js";
import { neededSecrets } from "../model/secrets.js";
import { parseSettings } from "../providers/settings.js";
import { type CliContext, print, printJson, say } from "./context.js";
import { engineOptions } from "./engine.js";
import { handleError } from "./errors.js";
import { formatTable } from "./output/table.js";
import { findStack } from "./project-lookup.js";
import { readSecretValue } from "./read-value.js";
import { readSecretSource } from "./secret-files.js";

interface OfStack {
  readonly stack?: string;
}

/** `handoff secrets set`: the value comes from stdin, a file or the keyboard, and goes to the engine by stdin. */
export async function setSecret(
  key: string,
  options: OfStack & { readonly file?: string },
  context: CliContext,
): Promise<undefined> {
  const { stack } = findStack(context.cwd, options.stack);
  const value = await readSecretValue(key, options.file, context);
  await store.setSecret({ ...engineOptions(context), stack }, key, value);
  say(context, `${key} is set; it takes effect with: handoff up ${stack}`);
}

/** `handoff secrets list`: what is set, and what project.yml names and nobody has set. */
export async function listSecrets(
  options: OfStack & { readonly json?: boolean },
  context: CliContext,
): Promise<undefined> {
  const { stack } = findStack(context.cwd, options.stack);
  const rows = secretsOfStack(stack, context);
  if (options.json) printJson(context, { schemaVersion: 1, stack, secrets: rows });
  else if (rows.length === 0) say(context, `${stack} has no secrets, and the project names none`);
  else
    print(
      context,
      formatTable(
        ["KEY", "STATUS"],
        rows.map((row) => [row.key, describeSecret(row)]),
      ),
    );
}

export interface SecretRow {
  readonly key: string;
  readonly set: boolean;
  /** project.yml names it. */
  readonly used: boolean;
}

export function describeSecret({ set, used }: SecretRow): string {
  if (!set) return "missing: project.yml names it";
  return used ? "set" : "set; project.yml does not name it";
}

/** What the stack's project needs and what is set, by key; where the settings or the project can't be read, what is set. */
export function secretsOfStack(stack: string, context: CliContext): SecretRow[] {
  const raw = readSettings(findRepository(context.cwd), stack, context);
  const { settings } = parseSettings(raw);
  return secretsOf(settings ?? undefined, raw.secretKeys, context);
}

export function secretsOf(
  settings: Pick<StackSettings, "projectDir"> | undefined,
  set: readonly string[],
  context: CliContext,
): SecretRow[] {
  const project = settings && loadProject(settings.projectDir, { cwd: context.cwd }).project;
  const used = project ? neededSecrets(project) : [];
  const keys = [...new Set([...set, ...used])].sort();
  return keys.map((key) => ({ key, set: set.includes(key), used: used.includes(key) }));
}

/** `handoff secrets remove`. */
export async function removeSecret(key: string, options: OfStack, context: CliContext): Promise<undefined> {
  const { stack } = findStack(context.cwd, options.stack);
  await store.removeSecret({ ...engineOptions(context), stack }, key);
  say(context, `${key} is removed; it is gone from the platform with: handoff up ${stack}`);
}

/** `handoff secrets import`: a folder or a file of secrets, all of them or none. */
export async function importSecrets(path: string, options: OfStack, context: CliContext): Promise<undefined> {
  const { stack } = findStack(context.cwd, options.stack);
  const { values, skipped } = readSecretSource(path, context.cwd);
  await importInto(stack, values, context);
  if (skipped.length > 0) say(context, `without a value in ${path}, so left out: ${skipped.join(", ")}`);
  for (const row of secretsOfStack(stack, context)) {
    if (!row.set || !row.used) say(context, `${row.key}: ${describeSecret(row)}`);
  }
  say(context, `They take effect with: handoff up ${stack}`);
}

export async function importInto(
  stack: string,
  values: Readonly<Record<string, string>>,
  context: CliContext,
): Promise<void> {
  await store.setSecrets({ ...engineOptions(context), stack }, values);
  say(context, `set in ${stack}: ${Object.keys(values).join(", ")}`);
}

export interface RotateOptions extends OfStack {
  readonly all?: boolean;
  readonly secretsProvider?: string;
  readonly passphraseFile?: string;
}

/**
 * `handoff secrets rotate`: the new passphrase from a file, stdin or the keyboard, or a key service's key. With --all, one that
 * fails keeps no other from it; the first exit code that isn't 0 is returned.
 */
export async function rotateSecrets(options: RotateOptions, context: CliContext): Promise<number> {
  const { secretsProvider: provider, passphraseFile } = options;
  if (provider !== undefined && passphraseFile !== undefined) {
    throw new UserError("secrets are encrypted with a key or with a passphrase", {
      code: "bad-option",
      hint: "leave out --secrets-provider or --passphrase-file",
    });
  }
  if (options.all && options.stack !== undefined) {
    throw new UserError("--all is every stack", { code: "bad-option", hint: "leave out --all or -s" });
  }
  const stacks = options.all
    ? findRepository(context.cwd).stacks
    : [findStack(context.cwd, options.stack).stack];
  const rotation: store.Rotation =
    provider !== undefined && provider !== "passphrase"
      ? { to: "provider", provider }
      : { to: "passphrase", passphrase: await newPassphrase(passphraseFile, context) };
  const what = rotation.to === "provider" ? rotation.provider : "the new passphrase";
  const codes: number[] = [];
  for (const stack of stacks) {
    if (context.interrupted.aborted) break;
    try {
      const changed = await store.rotateSecrets({ ...engineOptions(context), stack }, rotation);
      say(context, `the secrets of ${stack} are encrypted with ${what}${changed ? "" : " already"}`);
    } catch (error) {
      if (!options.all) throw error;
      codes.push(handleError(error, context));
    }
  }
  if (rotation.to === "passphrase") {
    const variable =
      passphraseFile === undefined
        ? "PULUMI_CONFIG_PASSPHRASE"
        : `PULUMI_CONFIG_PASSPHRASE_FILE=${passphraseFile}`;
    say(context, `Commit what has changed. From now on it needs the new passphrase: ${variable}`);
  } else say(context, "Commit what has changed.");
  return codes[0] ?? ExitCode.ok;
}

async function newPassphrase(file: string | undefined, context: CliContext): Promise<string> {
  return file === undefined
    ? (await readSecretValue("new passphrase", undefined, context)).trim()
    : readPassphrase(file, context);
}

function readPassphrase(file: string, context: CliContext): string {
  try {
    const text = readFileSync(resolve(context.cwd, file), "utf8").trim();
    if (text !== "") return text;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`${file} can't be read: ${code}`, {
      code: "no-file",
      hint: "--passphrase-file takes a file that holds the passphrase alone",
    });
  }
  throw new UserError(`${file} is empty`, { code: "empty-secret", hint: "write the new passphrase into it" });
}
