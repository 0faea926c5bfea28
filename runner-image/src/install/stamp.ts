/** The file that says what a virtual environment was built from, written when it is finished. */
import { createHash } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { open, readFile, rename } from "node:fs/promises";
import path from "node:path";
import type { Install } from "../../../model/project.js";

export interface Stamp {
  readonly schemaVersion: 1;
  /** Where it was built: a copy somewhere else doesn't work. */
  readonly dir: string;
  readonly commands: string;
  /** Full version, such as `3.11.7`. */
  readonly python: string;
}

const stampName = ".handoff-venv.json";

/** Commands of each environment, in order. */
export function venvsOf(installs: readonly Install[]): Map<string, string[]> {
  const venvs = new Map<string, string[]>();
  for (const { venv, command } of installs) venvs.set(venv, [...(venvs.get(venv) ?? []), command]);
  return venvs;
}

/**
 * Short name (16 hex digits) for a set of installs: the same environments and commands, the same name. Short, since it
 * becomes part of the path in every script's first line, which the kernel limits.
 */
export function venvsHash(installs: readonly Install[]): string {
  const venvs = [...venvsOf(installs)].sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(venvs)).digest("hex").slice(0, 16);
}

/** Over the commands and the requirement files that they name, which are looked up in `cwd`. */
export async function commandsHash(commands: readonly string[], cwd: string): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(commands));
  for (const command of commands) {
    for (const match of command.matchAll(/(?:^|\s)(?:-r|-c|--requirement|--constraint)[ =]?([^\s;&|]+)/g)) {
      const file = path.resolve(cwd, match[1] ?? "");
      hash.update(await readFile(file).catch(() => "absent"));
    }
  }
  return hash.digest("hex");
}

export async function readStamp(dir: string): Promise<Stamp | null> {
  try {
    const stamp: unknown = JSON.parse(await readFile(path.join(dir, stampName), "utf8"));
    const valid = typeof stamp === "object" && stamp !== null && (stamp as Stamp).schemaVersion === 1;
    return valid ? (stamp as Stamp) : null;
  } catch {
    return null;
  }
}

export function stampMatches(stamp: Stamp | null, dir: string, commands: string): boolean {
  if (stamp === null || stamp.dir !== dir || stamp.commands !== commands) return false;
  try {
    // A link to the Python it was made from, which may have been removed since.
    accessSync(path.join(dir, "bin", "python"), constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export async function writeStamp(dir: string, commands: string, python: string): Promise<void> {
  const stamp: Stamp = { schemaVersion: 1, dir, commands, python };
  const part = path.join(dir, `${stampName}.part`);
  const handle = await open(part, "w");
  try {
    await handle.writeFile(`${JSON.stringify(stamp)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(part, path.join(dir, stampName));
}
