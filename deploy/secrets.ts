/** Secrets of a stack: encrypted in `Pulumi.<stack>.yaml` under `handoff:secrets`. Values pass through stdin alone. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../model/diagnostic.js";
import { runEngine } from "./engine-command.js";
import { isPassphraseOf } from "./passphrase.js";
import { encryptionOf, findRepository, readSettings, secretsProviderOf, stackFile } from "./repository.js";
import { type StackOptions, withStack } from "./stack.js";

/** Names of the secrets that are set, sorted. Needs no engine and decrypts nothing. */
export function listSecrets({ cwd, stack, env }: Pick<StackOptions, "cwd" | "stack" | "env">): string[] {
  return [...readSettings(findRepository(cwd), stack, { cwd, env }).secretKeys].sort();
}

/** Sets one. Takes effect with the next `up`. The engine drops white space at the end of the value. */
export async function setSecret(options: StackOptions, key: string, value: string): Promise<void> {
  await setSecrets(options, { [key]: value });
}

/** @throws UserError `invalid-secret-name`, `empty-secret` */
export function checkSecrets(values: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(values)) {
    checkKey(key);
    if (value.trim() !== "") continue;
    throw new UserError(`the value of ${key} is empty`, {
      code: "empty-secret",
      hint: "give it on stdin, or with --file",
    });
  }
}

/**
 * Sets several: all or, when one fails, none.
 * @throws UserError of `checkSecrets` before anything is set; `secret-not-set` when the engine can't.
 */
export async function setSecrets(
  options: StackOptions,
  values: Readonly<Record<string, string>>,
): Promise<void> {
  checkSecrets(values);
  await changeConfig(options, async () => {
    // The Automation API, and `config set-all`, would put values into argv, where every process of the machine sees them.
    for (const [key, value] of Object.entries(values))
      await configCommand(options, ["set", "--secret", "--path", path(key)], value);
  });
}

/** Removes one. @throws UserError `unknown-secret` when it isn't set. */
export async function removeSecret(options: StackOptions, key: string): Promise<void> {
  checkKey(key);
  const known = listSecrets(options);
  if (!known.includes(key)) {
    throw new UserError(`stack ${options.stack} has no secret ${key}`, {
      code: "unknown-secret",
      hint: known.length > 0 ? `it has ${known.join(", ")}` : "it has none",
    });
  }
  await changeConfig(options, () => configCommand(options, ["rm", "--path", path(key)], ""));
}

export type Rotation =
  /** From what protects them now to a passphrase, which may be another one. */
  | { readonly to: "passphrase"; readonly passphrase: string }
  /** To a key of a key service, such as `awskms://alias/acme?region=eu-west-1`; the same one again makes a new data key. */
  | { readonly to: "provider"; readonly provider: string };

/**
 * Encrypts the stack's secrets anew, in its file and in its state, with another passphrase or key. Nothing is deployed.
 * Returns false when they are encrypted with that passphrase already, as after a rotation of many stacks that was cut short.
 * @throws UserError `rotation-failed`; the file is then as it was.
 */
export async function rotateSecrets(options: StackOptions, rotation: Rotation): Promise<boolean> {
  const { env, stack } = options;
  const { salt } = encryptionOf(findRepository(options.cwd), stack);
  if (rotation.to === "passphrase" && salt && (await isPassphraseOf(salt, rotation.passphrase))) return false;
  await changeConfig(options, async () => {
    const before = secretsProviderOf(findRepository(options.cwd), stack);
    const command = (provider: string) => ({
      args: ["stack", "change-secrets-provider", provider, "--stack", stack],
      code: "rotation-failed",
      hint: "nothing was changed: correct what it says and run it again",
    });
    if (rotation.to === "provider") return await runEngine(options, command(rotation.provider));
    const { passphrase } = rotation;
    // From one passphrase to another, the new one is read from stdin; coming from a key service, from the environment.
    if (before === undefined || before === "passphrase")
      return await runEngine(options, { ...command("passphrase"), input: `${passphrase}\n` });
    const folder = mkdtempSync(join(tmpdir(), "handoff-passphrase-"));
    try {
      const file = join(folder, "passphrase");
      writeFileSync(file, passphrase, { mode: 0o600 });
      const variables = { PULUMI_CONFIG_PASSPHRASE: undefined, PULUMI_CONFIG_PASSPHRASE_FILE: file };
      return await runEngine({ ...options, env: { ...env, ...variables } }, command("passphrase"));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
  return true;
}

function path(key: string): string {
  return `handoff:secrets["${key}"]`;
}

function checkKey(key: string): void {
  if (/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(key)) return;
  throw new UserError(`\`${key}\` is no name for a secret`, {
    code: "invalid-secret-name",
    hint: "use letters, digits and underscores, starting with a letter, as in API_KEY",
  });
}

async function configCommand(options: StackOptions, args: readonly string[], input: string): Promise<void> {
  const all = ["config", ...args, "--stack", options.stack];
  await runEngine(options, { args: all, input, code: "secret-not-set" });
}

/** Changes the stack's file, which is as it was when that fails. */
async function changeConfig(options: StackOptions, change: () => Promise<unknown>): Promise<void> {
  // Makes the stack, and with it the key that its secrets are encrypted with.
  await withStack(options, async (_stack, repository) => {
    const file = stackFile(repository, options.stack);
    const before = readFileSync(file);
    try {
      await change();
    } catch (error) {
      writeFileSync(file, before);
      throw error;
    }
  });
}
