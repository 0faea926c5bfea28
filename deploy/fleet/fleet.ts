/** One operation on many stacks: a few at a time, each by itself. A stack that fails stops no other. */
import { setTimeout as sleep } from "node:timers/promises";
import { ExitCode } from "../../model/diagnostic.js";
import type { ProgressEvent } from "../events.js";
import type { StackSummary } from "../stack.js";
import { failureOf, type Operation, type StackFailure } from "./messages.js";
import type { RunStack } from "./run-stack.js";
import { type TransientKind, transientFailure } from "./transient.js";

export interface FleetOptions {
  readonly operation: Operation;
  /** Names, each once; done in this order. */
  readonly stacks: readonly string[];
  /** Anywhere in the user's repository. */
  readonly cwd: string;
  /** Stacks at a time, from 1. */
  readonly parallel: number;
  /** Does one stack: in this process, or in a pool of others. */
  readonly run: RunStack;
  /** After a failure, start no further stack; those that run are finished. Default false. */
  readonly failFast?: boolean;
  /** How often a stack is tried again whose cloud failed in a way that passes. Default 0. */
  readonly retries?: number;
  /** A stack with changes, done or found, has failed. Default false. */
  readonly expectNoChanges?: boolean;
  readonly refresh?: boolean;
  /** Finishes the steps that are under way, and starts nothing more. */
  readonly signal: AbortSignal;
  readonly onEvent?: (event: FleetEvent) => void;
  /** Milliseconds before a stack is tried for the `attempt`-th time (from 2). Default `backoff`. */
  readonly delay?: (attempt: number) => number;
  /** Milliseconds. Default `performance.now`. */
  readonly now?: () => number;
}

interface About {
  readonly stack: string;
  readonly operation: Operation;
  /** How often it was tried. */
  readonly attempts: number;
}

interface Broken<Result> extends About {
  readonly result: Result;
  readonly exitCode: number;
  readonly error: StackFailure;
  readonly durationMs: number;
  /** With `expectNoChanges`: what the operation did or found, nothing else having failed. */
  readonly summary?: StackSummary;
}

export type StackOutcome =
  | (About & StackSummary)
  | Broken<"failed">
  /** In the middle, by an interruption. */
  | Broken<"stopped">
  | (About & { readonly result: "not-started"; readonly reason: "interrupted" | "fail-fast" });

export type FleetEvent =
  | { readonly event: "start"; readonly stack: string; readonly attempt: number }
  | { readonly event: "progress"; readonly stack: string; readonly progress: ProgressEvent }
  /** A line about what takes long before the engine starts. */
  | { readonly event: "log"; readonly stack: string; readonly text: string }
  | {
      readonly event: "retry";
      readonly stack: string;
      /** Which attempt comes next. */
      readonly attempt: number;
      readonly delayMs: number;
      readonly reason: TransientKind;
      readonly error: StackFailure;
    }
  | { readonly event: "end"; readonly outcome: StackOutcome };

export interface FleetResult {
  readonly operation: Operation;
  /** In the order that was asked for. */
  readonly outcomes: readonly StackOutcome[];
  readonly durationMs: number;
}

interface Turn {
  readonly stack: string;
  readonly attempt: number;
  readonly notBefore: number;
  /** How the attempt before ended: what is said when there is no other. */
  readonly before?: StackOutcome;
}

/** Ten seconds, then twice as long each time up to two minutes, and up to half of it more, so that stacks don't come back together. */
export function backoff(attempt: number, random: () => number = Math.random): number {
  return Math.round(Math.min(120_000, 10_000 * 2 ** (attempt - 2)) * (1 + random() / 2));
}

export async function runFleet(options: FleetOptions): Promise<FleetResult> {
  const { operation, stacks, signal, onEvent = () => {} } = options;
  const now = options.now ?? (() => performance.now());
  const began = now();
  const started = new Map<string, number>();
  const outcomes = new Map<string, StackOutcome>();
  const waiting: Turn[] = stacks.map((stack) => ({ stack, attempt: 1, notBefore: 0 }));
  let failed = false;

  const halted = () => signal.aborted || (failed && options.failFast === true);
  const end = (outcome: StackOutcome) => {
    if (outcome.result === "failed") failed = true;
    outcomes.set(outcome.stack, outcome);
    onEvent({ event: "end", outcome });
  };

  async function take({ stack, attempt }: Turn): Promise<void> {
    const about = { stack, operation, attempts: attempt };
    if (!started.has(stack)) started.set(stack, now());
    const errors: string[] = [];
    onEvent({ event: "start", stack, attempt });
    try {
      const job = { operation, stack, cwd: options.cwd, ...(options.refresh ? { refresh: true } : {}) };
      const summary = await options.run(job, {
        onEvent(progress) {
          if (progress.kind === "message" && progress.severity === "error") errors.push(progress.text);
          onEvent({ event: "progress", stack, progress });
        },
        log: (text) => onEvent({ event: "log", stack, text }),
        signal,
      });
      const unexpected = options.expectNoChanges ? changesFound(summary) : undefined;
      if (!unexpected) end({ ...about, ...summary });
      else
        end({
          ...about,
          result: "failed",
          exitCode: unexpected.exitCode,
          error: unexpected,
          durationMs: summary.durationMs,
          summary,
        });
    } catch (thrown) {
      const error = failureOf(thrown);
      const durationMs = Math.round(now() - (started.get(stack) ?? began));
      const broken = { ...about, exitCode: error.exitCode, error, durationMs };
      if (signal.aborted && error.code === "interrupted") return end({ ...broken, result: "stopped" });
      const outcome: StackOutcome = { ...broken, result: "failed" };
      const reason = transientFailure(errors.length > 0 ? errors : [error.message]);
      if (!reason || !isOfCloud(error) || attempt > (options.retries ?? 0) || halted()) {
        return end(outcome);
      }
      const delayMs = (options.delay ?? backoff)(attempt + 1);
      onEvent({ event: "retry", stack, attempt: attempt + 1, delayMs, reason, error });
      waiting.push({ stack, attempt: attempt + 1, notBefore: now() + delayMs, before: outcome });
    }
  }

  async function lane(): Promise<void> {
    while (!halted() && waiting.length > 0) {
      const ready = waiting.findIndex(({ notBefore }) => notBefore <= now());
      const [turn] = ready < 0 ? [] : waiting.splice(ready, 1);
      if (turn) await take(turn);
      else await pause(Math.min(...waiting.map(({ notBefore }) => notBefore)) - now(), signal);
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, options.parallel) }, lane));

  const reason = signal.aborted ? "interrupted" : "fail-fast";
  for (const { stack, before } of waiting)
    end(before ?? { stack, operation, attempts: 0, result: "not-started", reason });
  return {
    operation,
    outcomes: stacks.flatMap((stack) => outcomes.get(stack) ?? []),
    durationMs: Math.round(now() - began),
  };
}

/** What the engine reported, and not what was wrong before it started. */
function isOfCloud({ code }: StackFailure): boolean {
  return code === "deployment-failed";
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    // Looked at again and again: another lane may have come to an end that changes what there is to do.
    await sleep(Math.min(Math.max(ms, 1), 200), undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function changesFound({ stack, operation, changes }: StackSummary): StackFailure | undefined {
  const { same: _, ...counts } = changes;
  const parts = Object.entries(counts).filter(([, count]) => count > 0);
  if (parts.length === 0) return undefined;
  return {
    code: "unexpected-changes",
    message: `stack ${stack} was to be without changes: ${parts.map(([kind, count]) => `${count} to ${kind}`).join(", ")}`,
    hint:
      operation === "preview"
        ? `\`handoff up ${stack}\` makes them`
        : `\`handoff up ${stack} --refresh\` brings back what was changed by hand; or change the project so that it agrees`,
    diagnostics: [],
    exitCode: ExitCode.failed,
  };
}
