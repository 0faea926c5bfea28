/** A failed stack's cause, in words. */
import type { StackFailure } from "../../deploy/fleet/messages.js";
import { UserError } from "../../model/diagnostic.js";
import type { Colours } from "../output/colour.js";
import { formatDiagnostics } from "../output/diagnostics.js";

/** As it was thrown, for the place that shows what a command of its own has thrown. */
export function errorOf(failure: StackFailure): Error {
  if (failure.code !== "bug") {
    const { message, code, hint, location, diagnostics, exitCode } = failure;
    return new UserError(message, {
      code,
      diagnostics,
      exitCode,
      ...(hint ? { hint } : {}),
      ...(location ? { location } : {}),
    });
  }
  const error = new Error(failure.message);
  error.stack = failure.trace ?? failure.message;
  return error;
}

/** The cause, and what to do, for a list of several failures. */
export function formatFailure(failure: StackFailure, paint: Colours): string {
  const { code, message, hint, location, diagnostics, trace } = failure;
  if (diagnostics.length > 0)
    return formatDiagnostics(
      [...diagnostics, { severity: "error", code, message, ...(hint ? { hint } : {}) }],
      paint,
    );
  const cause = formatDiagnostics(
    [{ severity: "error", code, message, ...(hint ? { hint } : {}), ...(location ? { location } : {}) }],
    paint,
  );
  return trace ? `${cause}\n${trace}` : cause;
}
