/** One command of the Pulumi CLI, for what the Automation API doesn't have or would put into arguments. */
import { spawn } from "node:child_process";
import { ExitCode, UserError } from "../model/diagnostic.js";
import { backendEnv } from "./backend.js";
import { findPulumi } from "./engine.js";
import { engineEnv } from "./env.js";
import { errorLines } from "./failure.js";
import { findRepository } from "./repository.js";
import type { StackOptions } from "./stack.js";

export type EngineOptions = Pick<StackOptions, "cwd" | "env" | "log" | "signal">;

export interface EngineCommand {
  readonly args: readonly string[];
  /** For its stdin: where a secret's value goes. Default: nothing. */
  readonly input?: string;
  /** Of the `UserError` when it fails. Default `engine-failed`. */
  readonly code?: string;
  readonly hint?: string;
}

/**
 * Runs it in the repository, with its backend and passphrase, and returns its stdout.
 * @throws UserError with what the engine says on stderr, exit code 1; `interrupted` when `signal` stopped it
 */
export async function runEngine(
  { cwd, env, log, signal }: EngineOptions,
  { args, input = "", code = "engine-failed", hint }: EngineCommand,
): Promise<string> {
  const repository = findRepository(cwd);
  const { command } = await findPulumi({ env, ...(log ? { log } : {}), ...(signal ? { signal } : {}) });
  const child = spawn(command, [...args, "--non-interactive", "--color", "never"], {
    cwd: repository.root,
    env: engineEnv(env, backendEnv(repository, env)),
    stdio: ["pipe", "pipe", "pipe"],
  });
  const [stdout, stderr] = [child.stdout, child.stderr].map(textOf);
  // A command that ended early says why on stderr.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const stop = () => child.kill("SIGINT");
  signal?.addEventListener("abort", stop, { once: true });
  const exitCode = await new Promise<number | null>((done, fail) => {
    child.on("error", fail);
    child.on("close", done);
  }).finally(() => signal?.removeEventListener("abort", stop));
  if (exitCode === 0) return (await stdout) ?? "";
  if (signal?.aborted) {
    throw new UserError("stopped before it was done", {
      code: "interrupted",
      hint: "run it again",
      exitCode: signal.reason === "SIGTERM" ? ExitCode.terminated : ExitCode.interrupted,
    });
  }
  throw new UserError(errorLines((await stderr) ?? ""), {
    code,
    exitCode: ExitCode.failed,
    ...(hint === undefined ? {} : { hint }),
  });
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  stream.setEncoding("utf8");
  for await (const chunk of stream) text += String(chunk);
  return text;
}
