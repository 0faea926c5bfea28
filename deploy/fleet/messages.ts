/** What a fleet and its worker processes tell each other. */
import { type Diagnostic, ExitCode, type Location, UserError } from "../../model/diagnostic.js";
import type { ProgressEvent } from "../events.js";
import type { StackSummary } from "../stack.js";

export type Operation = StackSummary["operation"];

/** One operation on one stack. */
export interface StackJob {
  readonly operation: Operation;
  readonly stack: string;
  /** Anywhere in the user's repository, absolute. */
  readonly cwd: string;
  /** Look at what is really there first. */
  readonly refresh?: boolean;
}

/** Why a stack wasn't done, as data. */
export interface StackFailure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly location?: Location;
  readonly diagnostics: readonly Diagnostic[];
  /** What the command would have ended with, for this stack alone. */
  readonly exitCode: number;
  /** Of a bug in handoff: where it was. */
  readonly trace?: string;
}

export type ToWorker =
  | { readonly kind: "run"; readonly job: StackJob }
  /** Finish the step that you are in. @see engineSignal */
  | { readonly kind: "stop"; readonly reason: unknown };

export type FromWorker =
  | { readonly kind: "event"; readonly event: ProgressEvent }
  | { readonly kind: "log"; readonly line: string }
  | { readonly kind: "done"; readonly summary: StackSummary; readonly memoryMiB: number }
  | { readonly kind: "failed"; readonly failure: StackFailure; readonly memoryMiB: number };

/** What was thrown, as data: a user's mistake with all it says, anything else as a bug. */
export function failureOf(error: unknown): StackFailure {
  if (error instanceof StackFailed) return error.failure;
  if (error instanceof UserError) {
    const { code, message, hint, location, diagnostics, exitCode } = error;
    return {
      code,
      message,
      diagnostics,
      exitCode,
      ...(hint ? { hint } : {}),
      ...(location ? { location } : {}),
    };
  }
  return {
    code: "bug",
    message: error instanceof Error ? error.message : String(error),
    hint: "this is a bug in handoff, not in your project: please report it",
    diagnostics: [],
    exitCode: ExitCode.failed,
    ...(error instanceof Error && error.stack ? { trace: error.stack } : {}),
  };
}

/** A failure that comes from another process. */
export class StackFailed extends Error {
  override readonly name = "StackFailed";
  readonly failure: StackFailure;

  constructor(failure: StackFailure) {
    super(failure.message);
    this.failure = failure;
  }
}
