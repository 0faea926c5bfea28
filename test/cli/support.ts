import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import type { CliContext } from "../../cli/context.js";
import { runCli } from "../../cli/program.js";
import { commands } from "../../cli/registry.js";

export const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process. */
export async function cli(
  argv: readonly string[],
  about: Partial<CliContext> & { readonly input?: string } = {},
): Promise<Outcome> {
  const { input, ...overrides } = about;
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const stdin = new PassThrough();
  stdin.end(input ?? "");
  const context: CliContext = {
    cwd: root,
    env: process.env,
    stdin: stdin as unknown as NodeJS.ReadStream,
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    now: () => new Date("2026-03-03T12:00:00Z"),
    interrupted: new AbortController().signal,
    packageDir: root,
    ...overrides,
  };
  const code = await runCli(argv, context, commands);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

function text(stream: PassThrough): string {
  return String(stream.read() ?? "");
}

/** A folder for one test; the second function removes it. */
export function temporaryFolder(prefix = "handoff cli "): {
  readonly dir: string;
  readonly remove: () => void;
} {
  const dir = mkdtempSync(join(tmpdir(), prefix));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** Runs a program to its end, at most `limitMs` (default 10 minutes); `meanwhile` is given the child. */
export function execute(
  file: string,
  args: readonly string[],
  options: {
    readonly cwd: string;
    readonly env?: NodeJS.ProcessEnv;
    readonly input?: string;
    readonly uid?: number;
    readonly limitMs?: number;
  },
  meanwhile?: (child: ReturnType<typeof spawn>) => void,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const { input, limitMs = 600_000, ...rest } = options;
    const child = spawn(file, [...args], { ...rest, stdio: ["pipe", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += String(chunk);
    });
    child.stderr.on("data", (chunk) => {
      stderr += String(chunk);
    });
    child.stdin.on("error", () => undefined);
    child.stdin.end(input ?? "");
    const limit = setTimeout(() => {
      child.kill("SIGKILL");
      // What it started may hold its pipes open: don't wait for them.
      reject(new Error(`${file} ${args.join(" ")}: not done after ${limitMs} ms\n${stdout}${stderr}`));
    }, limitMs);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(limit);
      resolve({ code, stdout, stderr });
    });
    meanwhile?.(child);
  });
}
