/**
 * Cron expressions: read into sets of values (`parseCron`), checked for the author (`checkCron`), and asked when they
 * fire in a time zone (`nextFire`). Renderers for the clouds write their own expression from the sets. docs/schedules.md.
 */
export { type CronProblem, checkCron } from "./cron/check.js";
export { describeCron } from "./cron/describe.js";
export { fireTimes, latestFire, nextFire } from "./cron/fire.js";
export { type Cron, CronError, parseCron } from "./cron/parse.js";
export { fromLocal, isTimezone, nearestTimezone } from "./cron/zone.js";
