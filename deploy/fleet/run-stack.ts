/** One operation on one stack, in this process. */
import type { Env } from "../env.js";
import type { ProgressEvent } from "../events.js";
import * as engine from "../stack.js";
import type { Operation, StackJob } from "./messages.js";

export interface StackHooks {
  readonly onEvent: (event: ProgressEvent) => void;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Does what a job says. @throws UserError, StackFailed; anything else is a bug. */
export type RunStack = (job: StackJob, hooks: StackHooks) => Promise<engine.StackSummary>;

const operations = {
  up: engine.up,
  preview: engine.preview,
  destroy: engine.destroy,
  refresh: engine.refresh,
  drift: engine.drift,
} as const satisfies Record<Operation, unknown>;

export function inProcess(env: Env): RunStack {
  return ({ operation, ...job }, hooks) => operations[operation]({ ...job, ...hooks, env });
}
