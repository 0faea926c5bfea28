import { safeName } from "./filters.js";
import { formatInstant, Instant, shiftInstant, type TemplateValue } from "./values.js";

/** Names that every template has; `_line` and `_line_safe` inside a foreach alone. */
export const builtinNames: ReadonlySet<string> = new Set([
  "_stage",
  "_stage_",
  "__stage",
  "__stage_",
  "_today",
  "_yesterday",
  "_tomorrow",
  "_line",
  "_line_safe",
  "work_dir",
  "code_dir",
  "python",
  "scheduled_at",
]);

export interface BuiltinOptions {
  readonly stage: string;
  /** The instant that the run stands for; `_today` and its neighbours are its dates, not the clock's. */
  readonly scheduledAt: Date;
  /** IANA zone of the schedule; `UTC` without one. */
  readonly timezone: string;
  readonly workDir: string;
  readonly codeDir: string;
  readonly python: string;
  /** Inside a foreach: the line, without its line break. */
  readonly line?: string;
}

/** Values of `builtinNames`. `_stage_`, `__stage` and `__stage_` are the stage with underscores, as in 0.x. */
export function builtinScope(options: BuiltinOptions): Record<string, TemplateValue> {
  const { stage } = options;
  const at = new Instant(options.scheduledAt.getTime(), options.timezone);
  const date = (days: number): string =>
    formatInstant(
      shiftInstant(at, { years: 0, months: 0, weeks: 0, days, hours: 0, minutes: 0, seconds: 0 }),
      "%Y-%m-%d",
    );
  return {
    _stage: stage,
    _stage_: stage === "" ? "" : `${stage}_`,
    __stage: stage === "" ? "" : `_${stage}`,
    __stage_: stage === "" ? "" : `_${stage}_`,
    _today: date(0),
    _yesterday: date(-1),
    _tomorrow: date(1),
    work_dir: options.workDir,
    code_dir: options.codeDir,
    python: options.python,
    scheduled_at: at,
    ...(options.line === undefined ? {} : lineScope(options.line)),
  };
}

/** `_line` and `_line_safe` for one line of a foreach, to be laid over a scope. */
export function lineScope(line: string): { readonly _line: string; readonly _line_safe: string } {
  return { _line: line, _line_safe: safeName(line) };
}
