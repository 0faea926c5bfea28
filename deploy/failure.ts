/** Failures of the engine as what a user can act on. */
import { CommandError, ConcurrentUpdateError } from "@pulumi/pulumi/automation/index.js";
import { ExitCode, UserError } from "../model/diagnostic.js";
import { causesOf } from "./causes.js";
import { describeHolders, holdersIn } from "./lock-message.js";

/**
 * @param messages errors that the engine reported by event; without them its output is searched.
 * @param hint what to do, where more is known than that it failed
 */
export function toUserError(
  error: unknown,
  stack: string,
  messages: readonly string[] = [],
  hint = "correct what it says and run it again: it goes on from where it stopped",
): unknown {
  if (error instanceof ConcurrentUpdateError) {
    const holders = holdersIn(error.message);
    const whose = holders.length > 0 ? `: by ${describeHolders(holders)}` : "";
    return new UserError(`another update of stack ${stack} is running${whose}`, {
      code: "stack-locked",
      hint: `wait for it; if it was killed, or its machine is gone, \`handoff cancel ${stack}\` releases the stack`,
      exitCode: ExitCode.failed,
    });
  }
  if (!(error instanceof CommandError)) return error;
  const text = messages.length > 0 ? unique(causesOf(messages)).join("\n") : errorLines(error.message);
  const passphrase = /passphrase/i.test(text);
  return new UserError(`stack ${stack}: ${text}`, {
    code: passphrase ? "wrong-passphrase" : "deployment-failed",
    hint: passphrase
      ? "the stack's secrets were encrypted with another passphrase: set PULUMI_CONFIG_PASSPHRASE to it"
      : hint,
    exitCode: ExitCode.failed,
  });
}

/** The user's interruption, whatever the engine said of it. @param reason the signal's name. */
export function stopped(stack: string, reason: unknown): UserError {
  return new UserError(`stack ${stack} was stopped before it was done; what was done is in its state`, {
    code: "interrupted",
    hint: "run it again: it goes on from where it stopped",
    exitCode: reason === "SIGTERM" ? ExitCode.terminated : ExitCode.interrupted,
  });
}

function unique(lines: readonly string[]): string[] {
  return [...new Set(lines)];
}

/** The lines of a failed command's report that say what went wrong; all of its stderr when none does. */
export function errorLines(report: string): string {
  const stderr = /\n stderr: ([\s\S]*?)\n err\?:/.exec(report)?.[1] ?? report;
  const lines = stderr.split("\n").filter((line) => /\berror:/.test(line));
  return (lines.length > 0 ? unique(lines).join("\n") : stderr).trim();
}
