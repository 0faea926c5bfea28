/** What this machine has for making virtual environments. */
import { execFile } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { ExitCode, UserError } from "../../../model/diagnostic.js";

export interface Tools {
  /** Absolute path of uv; null where there is none. */
  readonly uv: string | null;
  /** Of the `python3` on PATH, such as `3.11.7`. */
  readonly pythonVersion: string;
  createCommand(dir: string): string;
  /** The command with `pip install` done by uv; the same command where that doesn't apply. */
  withUv(command: string): string;
}

/** Throws a `UserError` where there is no Python 3. */
export async function findTools(env: Readonly<Record<string, string | undefined>>): Promise<Tools> {
  const uv = onPath("uv", env.PATH);
  const version = ["-c", "import sys; print('.'.join(str(part) for part in sys.version_info[:3]))"];
  const python = await promisify(execFile)("python3", version, { env: { ...env } }).catch((error: Error) => {
    throw new UserError(`python3 does not run: ${error.message.trim().split("\n").at(-1)}`, {
      code: "python-missing",
      hint: "Install Python 3.9 or later with its venv module and put it on PATH.",
      exitCode: ExitCode.failed,
    });
  });
  return {
    uv,
    pythonVersion: python.stdout.trim(),
    createCommand(dir) {
      // With pip in it (--seed), for commands that call it by themselves.
      return uv === null
        ? `python3 -m venv ${quote(dir)}`
        : `${quote(uv)} venv --seed --python python3 ${quote(dir)}`;
    },
    withUv(command) {
      return uv === null
        ? command
        : command.replace(/(^|&&|\|\||;)(\s*)pip3?(?=\s+install\s)/g, `$1$2${quote(uv)} pip`);
    },
  };
}

function onPath(name: string, searchPath: string | undefined): string | null {
  for (const dir of (searchPath ?? "").split(path.delimiter)) {
    const file = path.join(dir, name);
    try {
      accessSync(file, constants.X_OK);
      if (path.isAbsolute(dir) && statSync(file).isFile()) return file;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
