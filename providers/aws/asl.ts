/** Amazon States Language, as far as it is used here, as typed data (states-language.net/spec). */
import type { RenderedValue } from "../rendering.js";

type Path = `$${string}`;

export interface Retrier {
  readonly ErrorEquals: readonly string[];
  /** Seconds, from 1. */
  readonly IntervalSeconds: number;
  readonly MaxAttempts: number;
  /** From 1. */
  readonly BackoffRate: number;
}

export interface Catcher {
  readonly ErrorEquals: readonly string[];
  readonly ResultPath: Path;
  readonly Next: string;
}

type Follow = { readonly Next: string } | { readonly End: true };
type Parameters = Readonly<Record<string, RenderedValue>>;

export type TaskState = {
  readonly Type: "Task";
  readonly Resource: string;
  readonly Parameters: Parameters;
  readonly ResultSelector?: Parameters;
  readonly TimeoutSeconds?: number;
  readonly ResultPath: Path | null;
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly Catcher[];
} & Follow;

export type PassState = {
  readonly Type: "Pass";
  readonly Parameters?: Parameters;
  readonly Result?: RenderedValue;
  /** None: its output is all that goes on. */
  readonly ResultPath?: Path;
} & Follow;

export type Test =
  | { readonly Variable: Path; readonly IsPresent: boolean }
  | { readonly Variable: Path; readonly StringEquals: string }
  | { readonly Variable: Path; readonly StringEqualsPath: Path }
  | { readonly Variable: Path; readonly StringMatches: string };

export type Rule = (Test | { readonly And: readonly Test[] } | { readonly Or: readonly Test[] }) & {
  readonly Next: string;
};

export interface ChoiceState {
  readonly Type: "Choice";
  readonly Choices: readonly Rule[];
  readonly Default: string;
}

export type ParallelState = {
  readonly Type: "Parallel";
  readonly Branches: readonly Machine[];
  readonly ResultPath: Path;
} & Follow;

export type MapState = {
  readonly Type: "Map";
  readonly ItemsPath: Path;
  readonly ItemSelector: Parameters;
  readonly ItemProcessor: Machine & { readonly ProcessorConfig: { readonly Mode: "INLINE" } };
  readonly ResultPath: null;
} & Follow;

export interface FailState {
  readonly Type: "Fail";
  readonly Error: string;
  readonly Cause?: string;
  readonly CausePath?: string;
}

export interface SucceedState {
  readonly Type: "Succeed";
}

export type State = TaskState | PassState | ChoiceState | ParallelState | MapState | FailState | SucceedState;

export interface Machine {
  readonly Comment?: string;
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}

/** A machine as rendered JSON: types say what it holds, the renderer knows only JSON. */
export const asValue = (machine: Machine): RenderedValue => machine as unknown as RenderedValue;

/** Errors of an execution that handoff ends itself; alerts tell them apart. */
export const errors = {
  failure: "Handoff.Failure",
  timeout: "Handoff.Timeout",
  notStarted: "Handoff.NotStarted",
} as const;

/** Text in the cause of a failed ECS task whose container exited with the runner's time-out code; the cause is compact JSON (UNCONFIRMED). */
export const exitedByTimeout = '*"ExitCode":124*';

/**
 * A start that failed is tried again, whatever the project says of retries: nothing has run yet. Names of errors as Step
 * Functions reports those of RunTask (UNCONFIRMED).
 */
export const startRetrier: Retrier = {
  ErrorEquals: [
    "AmazonECS.Unknown",
    "ECS.AmazonECSException",
    "ECS.ServerException",
    "ECS.ThrottlingException",
    "ECS.SdkClientException",
  ],
  IntervalSeconds: 15,
  MaxAttempts: 4,
  BackoffRate: 2,
};
