/** How a step or a task ended, and the sentences that say why. */
import { constants } from "node:os";
import { ExitCode } from "../../../model/diagnostic.js";
import { explainOutOfMemory, type OutOfMemory } from "../oom.js";
import type { Exit } from "../process/host.js";
import type { StopReason } from "../process/stop.js";

export interface Outcome {
  readonly status: "success" | "failure" | "timeout" | "stopped";
  readonly exitCode: number;
  /** One sentence; absent on success. */
  readonly error?: string;
}

export const success: Outcome = { status: "success", exitCode: ExitCode.ok };

export function failure(error: string, exitCode: number = ExitCode.failed): Outcome {
  return { status: "failure", exitCode, error };
}

export function fromStop(reason: StopReason): Outcome {
  return { status: reason.status, exitCode: reason.exitCode, error: reason.message };
}

/** As a shell says it: 128 + n for a signal; 127 for what could not be started. */
export function exitCodeOf(exit: Exit): number {
  if (exit.failure !== null) return 127;
  if (exit.signal !== null) return 128 + (constants.signals[exit.signal] ?? 0);
  return exit.code ?? ExitCode.failed;
}

/** By SIGKILL, or as a shell that waited for what was. */
export function wasKilled(exit: Exit): boolean {
  return exit.signal === "SIGKILL" || exit.code === 128 + constants.signals.SIGKILL;
}

/** Died of writing to a pipe whose reader has gone, as far as its end and its last words tell. */
export function isBrokenPipe(exit: Exit, lastWords: readonly string[]): boolean {
  if (exit.failure !== null) return false;
  if (exit.signal === "SIGPIPE" || exit.code === 141) return true;
  // Programs that ignore SIGPIPE (Python, Node, Java) say so and exit with a number of their own.
  if (exit.code === 0 || exit.code === null) return false;
  return lastWords.some((line) => /BrokenPipe|\bEPIPE\b|broken pipe/i.test(line));
}

/** One sentence for a command that did not end well. */
export function explainExit(
  step: string,
  exit: Exit,
  lastWords: readonly string[],
  memory: OutOfMemory | null = null,
): string {
  if (exit.failure !== null) return `step ${step} could not be started: ${exit.failure}`;
  if (memory !== null) {
    const how = wasKilled(exit) ? "was killed" : `exited with ${exit.code} after a process was killed`;
    return `step ${step} ${how}: ${explainOutOfMemory(memory)}`;
  }
  if (exit.signal !== null) {
    const hint = exit.signal === "SIGKILL" ? " (killed from outside: often too little memory)" : "";
    return `step ${step} was killed by ${exit.signal}${hint}`;
  }
  const last = lastWords.findLast((line) => line.trim() !== "");
  const said = last === undefined ? "" : `: ${last.trim().slice(0, 300)}`;
  return `step ${step} exited with ${exit.code}${codeHint(exit.code)}${said}`;
}

function codeHint(code: number | null): string {
  if (code === 127) return " (command not found: is it in a venv, and is the step's venv set?)";
  if (code === 126) return " (found, but not executable)";
  if (code === 137) return " (SIGKILL: often too little memory)";
  if (code !== null && code > 128 && code <= 128 + 64) {
    const name = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
    if (name !== undefined) return ` (${name})`;
  }
  return "";
}
