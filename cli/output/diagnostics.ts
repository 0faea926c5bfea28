import type { Diagnostic, Severity } from "../../model/diagnostic.js";
import { formatLocation } from "../../model/diagnostic.js";
import type { Colours } from "./colour.js";

/** One finding on a line that editors can jump to, its hint below; errors and warnings in the order of the file. */
export function formatDiagnostics(diagnostics: readonly Diagnostic[], paint: Colours): string {
  return diagnostics.map((d) => formatDiagnostic(d, paint)).join("\n");
}

function formatDiagnostic(diagnostic: Diagnostic, paint: Colours): string {
  const place = formatLocation(diagnostic.location);
  const path = diagnostic.location?.path;
  const head = [
    ...(place ? [paint.bold(`${place}:`)] : []),
    `${paintSeverity(diagnostic.severity, paint)}:`,
    diagnostic.message,
    ...(path ? [paint.dim(`(${path})`)] : []),
  ].join(" ");
  return diagnostic.hint ? `${head}\n  ${paint.cyan("->")} ${diagnostic.hint}` : head;
}

function paintSeverity(severity: Severity, paint: Colours): string {
  if (severity === "error") return paint.red("error");
  return severity === "warning" ? paint.yellow("warning") : paint.blue("info");
}

/** `2 errors, 1 warning`; empty when there is nothing. */
export function countDiagnostics(diagnostics: readonly Diagnostic[]): string {
  return (["error", "warning"] as const)
    .map((severity) => ({ severity, n: diagnostics.filter((d) => d.severity === severity).length }))
    .filter(({ n }) => n > 0)
    .map(({ severity, n }) => `${n} ${severity}${n === 1 ? "" : "s"}`)
    .join(", ");
}
