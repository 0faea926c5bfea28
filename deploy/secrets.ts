/** Secrets of a stack: encrypted in `Pulumi.<stack>.yaml` under `handoff:secrets`. Values pass through stdin alone. */
import { spawn } from "node:child_process";
import { UserError } from "../model/diagnostic.js";
import { backendEnv } from "./backend.js";
import { findPulumi } from "./engine.js";
import { engineEnv } from "./env.js";
import { findRepository, readSettings } from "./repository.js";
import { type StackOptions, withStack } from "./stack.js";

/** Names of the secrets that are set, sorted. Needs no engine and decrypts nothing. */
export function listSecrets({ cwd, stack, env }: Pick<StackOptions, "cwd" | "stack" | "env">): string[] {
  return [...readSettings(findRepository(cwd), stack, { cwd, env }).secretKeys].sort();
}

/** Sets one. Takes effect with the next `up`. The engine drops white space at the end of the value. */
export async function setSecret(options: StackOptions, key: string, value: string): Promise<void> {
  checkKey(key);
  if (value.trim() === "") {
    throw new UserError(`the value of ${key} is empty`, {
      code: "empty-secret",
      hint: "give it on stdin, or with --file",
    });
  }
  // The Automation API would put the value into argv, where every process of the machine sees it.
  await configCommand(options, ["set", "--secret", "--path", path(key)], value);
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
  await configCommand(options, ["rm", "--path", path(key)], "");
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

async function configCommand(options: StackOptions, args: string[], input: string): Promise<void> {
  // Makes the stack, and with it the key that its secrets are encrypted with.
  await withStack(options, async (stack, { root }) => {
    const { command } = await findPulumi({ env: options.env });
    const env = engineEnv(options.env, backendEnv(findRepository(root), options.env));
    const all = ["config", ...args, "--stack", stack.name, "--non-interactive"];
    await run(command, all, root, env, input);
  });
}

function run(
  command: string,
  args: string[],
  cwd: string,
  env: Record<string, string>,
  input: string,
): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd, env, stdio: ["pipe", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.on("data", (data: Buffer) => {
      stderr += data.toString();
    });
    child.on("error", fail);
    child.on("close", (code) => {
      if (code === 0) done();
      else fail(new UserError(stderr.trim(), { code: "secret-not-set", exitCode: 1 }));
    });
    // A command that ended early says why on stderr.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}
