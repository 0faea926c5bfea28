/** What a task runs in. */
import type { LogLine } from "../../../model/run.js";
import type { Milestone } from "../observe/observer.js";
import type { MemoryJudge } from "../oom.js";
import type { ProcessHost, Spawner } from "../process/host.js";
import type { Fd } from "../process/pipes.js";
import type { Stop } from "../process/stop.js";
import type { CompiledTask } from "./compile.js";
import type { Outcome } from "./outcome.js";
import type { Outputs } from "./outputs.js";
import type { StepLog } from "./steps.js";

export type Environment = Readonly<Record<string, string>>;

/** The same for a whole run. */
export interface Engine {
  readonly host: ProcessHost;
  readonly workDir: string;
  /** What beats a task's own variables: those of the schedule, of `-e`, and HANDOFF_*. */
  readonly topEnv: Environment;
  /** The environment with a venv's programs first. */
  readonly inVenv: (env: Environment, venv: string) => Environment;
  /** A text without secrets. To be called before a text is cut, or what is left of one could not be told any more. */
  readonly mask: (text: string) => string;
  readonly log: (line: Omit<LogLine, "time" | "runId">) => void;
  /** A start or an end of a step. `repeated`: once for each line of a foreach, which would be most of the log; not shown there. */
  readonly milestone: (line: Omit<Milestone, "time" | "runId">, repeated: boolean) => void;
  /** The environment of a step's command, with what the run's observers tell it. */
  readonly observed: (env: Environment, task: string, step: string) => Environment;
  /** Milliseconds of a clock that only goes forward. */
  readonly clock: () => number;
  readonly memory: MemoryJudge;
  readonly runTask: (task: CompiledTask, frame: Frame) => Promise<Outcome>;
}

/** The same for one attempt of a top-level task, but for `stop`, `spawner`, `env`, `line` and `input`. */
export interface Frame {
  readonly engine: Engine;
  /** The top-level task's name. */
  readonly top: string;
  readonly outputs: Outputs;
  readonly steps: StepLog;
  readonly stop: Stop;
  /** The host, but for the lines of a foreach. */
  readonly spawner: Spawner;
  readonly env: Environment;
  /** `_line` of the innermost foreach. */
  readonly line: string | null;
  /** The stream that a fork gives to its branches. Who takes it closes it as soon as nobody else needs it. */
  readonly input: Fd | null;
}
