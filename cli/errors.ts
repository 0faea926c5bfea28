import { ExitCode, UserError } from "../model/diagnostic.js";
import type { CliContext } from "./context.js";
import { say } from "./context.js";
import { colours } from "./output/colour.js";
import { formatDiagnostics } from "./output/diagnostics.js";

/**
 * The one place that turns what was thrown into words and an exit code. A `UserError` is shown with its place and hint and
 * never with a stack; anything else is a bug of ours and keeps it.
 */
export function handleError(error: unknown, context: CliContext): number {
  const paint = colours(context.stderr, context.env);
  if (error instanceof UserError) {
    if (error.diagnostics.length > 0) {
      say(context, formatDiagnostics(error.diagnostics, paint));
      say(context, `${paint.red("handoff:")} ${error.message}`);
      if (error.hint) say(context, `  ${paint.cyan("->")} ${error.hint}`);
    } else {
      const { message, hint, location, code } = error;
      const diagnostic = {
        severity: "error" as const,
        code,
        message,
        ...(hint && { hint }),
        ...(location && { location }),
      };
      say(context, formatDiagnostics([diagnostic], paint));
    }
    return error.exitCode;
  }
  // A reader that closed the pipe (`handoff logs | head`) has all that it wants.
  if (isBrokenPipe(error)) return ExitCode.ok;
  if (context.interrupted.aborted) {
    say(context, "handoff: stopped");
    return context.interrupted.reason === "SIGTERM" ? ExitCode.terminated : ExitCode.interrupted;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  say(context, `${paint.red("handoff: this is a bug in handoff, not in your project.")}`);
  say(context, "Please report it with the command line, the project.yml if you may, and this:\n");
  say(context, stack);
  return ExitCode.failed;
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EPIPE";
}
