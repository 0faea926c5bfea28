/** Where in a file something was found. Lines and columns count from 1. */
export interface Location {
  /** As the user would type it: relative to the current folder where that is shorter. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Path in the document, such as `tasks[0].pipeline[1].command`. */
  readonly path?: string;
}

export type Severity = "error" | "warning" | "info";

/** One finding about a user's input: what is wrong, where, and what to do about it. */
export interface Diagnostic {
  readonly severity: Severity;
  /** Stable kebab-case name, such as `unknown-key`; listed in docs/diagnostics.md. */
  readonly code: string;
  readonly message: string;
  /** What to do, as an instruction. */
  readonly hint?: string;
  readonly location?: Location;
}

/** `file:line:col`, or the empty string for a diagnostic without a place. */
export function formatLocation(location: Location | undefined): string {
  return location ? `${location.file}:${location.line}:${location.column}` : "";
}

/** Process exit codes, the same for every command and for the runner. */
export const ExitCode = {
  ok: 0,
  /** The pipeline or the deployment failed. */
  failed: 1,
  /** The input is wrong; nothing was touched. */
  invalid: 2,
  timedOut: 124,
  interrupted: 130,
  terminated: 143,
} as const;

export interface UserErrorOptions {
  readonly code: string;
  readonly hint?: string;
  readonly location?: Location;
  /** All findings, when there is more than one; the message then sums them up. */
  readonly diagnostics?: readonly Diagnostic[];
  /** Default 2: the input is wrong. */
  readonly exitCode?: number;
}

/** A mistake of the user's: shown without a stack trace. Anything else that is thrown is a bug of ours. */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly code: string;
  readonly hint: string | undefined;
  readonly location: Location | undefined;
  readonly diagnostics: readonly Diagnostic[];
  readonly exitCode: number;

  constructor(message: string, options: UserErrorOptions) {
    super(message);
    this.code = options.code;
    this.hint = options.hint;
    this.location = options.location;
    this.diagnostics = options.diagnostics ?? [];
    this.exitCode = options.exitCode ?? ExitCode.invalid;
  }
}

/** Throws one `UserError` that carries every error among `diagnostics`; returns when there is none. */
export function throwIfErrors(diagnostics: readonly Diagnostic[], what: string): void {
  const errors = diagnostics.filter((d) => d.severity === "error");
  if (errors.length === 0) return;
  throw new UserError(`${what}: ${errors.length === 1 ? "1 problem" : `${errors.length} problems`}`, {
    code: "invalid-project",
    diagnostics,
  });
}
