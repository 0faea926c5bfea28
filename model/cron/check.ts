import { CronError, parseCron } from "./parse.js";
import { isTimezone, nearestTimezone } from "./zone.js";

/** An error in a schedule; the loader adds its place. */
export interface CronProblem {
  readonly code: "bad-cron" | "cron-never-fires" | "unknown-timezone";
  readonly message: string;
  readonly hint?: string;
}

/** Everything wrong with a schedule's expression and zone; empty when it will fire. */
export function checkCron(expression: string, timezone: string): CronProblem[] {
  const problems: CronProblem[] = [];
  try {
    parseCron(expression);
  } catch (error) {
    if (!(error instanceof CronError)) throw error;
    const code = error.code === "cron-never-fires" ? "cron-never-fires" : "bad-cron";
    problems.push({
      code,
      message: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
  if (!isTimezone(timezone)) {
    const near = nearestTimezone(timezone);
    problems.push({
      code: "unknown-timezone",
      message: `unknown time zone \`${timezone}\``,
      hint: near ? `did you mean \`${near}\`?` : "use an IANA name such as `Europe/Paris` or `UTC`",
    });
  }
  return problems;
}
