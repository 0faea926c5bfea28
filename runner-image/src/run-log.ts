/** What a run says while it goes on: to its log, and its milestones to its observers too. Nothing of it shows a secret. */
import { ExitCode, UserError } from "../../model/diagnostic.js";
import type { LogLine } from "../../model/run.js";
import type { Environment } from "./engine/frame.js";
import { type LogSink, maskLine } from "./log.js";
import type { Masker } from "./mask.js";
import type { Milestone, ObservedRun } from "./observe/observer.js";
import { Observers } from "./observe/observers.js";

/** A line without what is the same for all of a run's, or known by itself. */
type Said<Line> = Omit<Line, "time" | "runId">;

export interface RunLogOptions {
  readonly runId: string;
  readonly sink: LogSink;
  readonly masker: Masker;
  readonly now: () => Date;
}

export class RunLog {
  readonly masker: Masker;
  readonly #options: RunLogOptions;
  #observers: Observers | null = null;

  constructor(options: RunLogOptions) {
    this.#options = options;
    this.masker = options.masker;
  }

  readonly write = (line: Said<LogLine>): void => this.#options.sink.write(this.#masked(line));

  readonly warn = (message: string): void => this.write({ level: "warn", message });

  /** A line of a command's, masked already. */
  output(line: Pick<LogLine, "level" | "stream" | "message"> & { task: string; step: string }): void {
    const { runId, sink, now } = this.#options;
    const { mask } = this.masker;
    sink.write({ time: now().toISOString(), runId, ...line, task: mask(line.task), step: mask(line.step) });
  }

  /** `repeated`: of a step that runs for each line of a foreach, which would be most of the log. */
  readonly milestone = (line: Said<Milestone>, repeated = false): void => {
    if (repeated && this.#observers === null) return;
    const masked = this.#masked(line);
    if (!repeated) this.#options.sink.write(masked);
    this.#observers?.milestone(masked, repeated);
  };

  /** Finds whom to tell of the run, from now on. */
  async observe(run: Omit<ObservedRun, "mask">): Promise<void> {
    this.#observers = await Observers.open({ ...run, mask: this.masker.mask }, this.warn);
  }

  /** The environment of a step's command, with what observers tell it. */
  readonly observed = (env: Environment, task: string, step: string): Environment =>
    this.#observers === null ? env : { ...env, ...this.#observers.environment(task, step) };

  /** For observers, who saw the run start. The log's reader is told by whoever called the run. */
  notBegun(reason: unknown, durationMs: number): void {
    const error = reason instanceof Error ? reason.message : String(reason);
    const exitCode = reason instanceof UserError ? reason.exitCode : ExitCode.failed;
    const end = { level: "error", event: "run.end", message: error, status: "failure" } as const;
    this.#observers?.milestone(this.#masked({ ...end, exitCode, durationMs, error }), false);
  }

  /** Observers get what is left; those that can't are warned of. */
  async closeObservers(stopped: boolean): Promise<void> {
    for (const problem of (await this.#observers?.close(stopped)) ?? []) this.warn(problem);
  }

  #masked<Line extends Said<LogLine>>(line: Line): Line & LogLine {
    const { runId, now } = this.#options;
    return maskLine({ time: now().toISOString(), runId, ...line }, this.masker.mask);
  }
}
