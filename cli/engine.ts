/** What commands hand to `deploy/`, and how they show what it found. */
import type { EngineOptions } from "../deploy/engine-command.js";
import type { Diagnostic } from "../model/diagnostic.js";
import { type CliContext, say } from "./context.js";
import { colours } from "./output/colour.js";
import { formatDiagnostics } from "./output/diagnostics.js";

export function engineOptions(context: CliContext): EngineOptions {
  const { cwd, env, interrupted: signal } = context;
  return { cwd, env, signal, log: (line) => say(context, line) };
}

export function sayDiagnostics(diagnostics: readonly Diagnostic[], context: CliContext): void {
  if (diagnostics.length === 0) return;
  say(context, formatDiagnostics(diagnostics, colours(context.stderr, context.env)));
}
