/** Which schedules name times at which their zone's clocks are changed: there the clouds go by rules of their own. */

import { offsetAt, transition } from "../model/cron/zone.js";
import type { Cron } from "../model/cron.js";

export interface ClockEffects {
  /** Some time of the expression is skipped when the clocks go forward, and handoff would fire right after. */
  readonly skipped: boolean;
  /** Some time is shown twice when the clocks go back. */
  readonly repeated: boolean;
  /** It fires in every hour: handoff fires it in both of the repeated ones (docs/schedules.md). */
  readonly everyHour: boolean;
}

/** A stretch of the day that a change of the clock skips or repeats, in minutes from midnight. */
interface Change {
  readonly kind: "gap" | "fold";
  readonly from: number;
  readonly length: number;
}

const minuteMs = 60_000;
const dayMinutes = 1440;
/** Fixed years: a diagnostic must not depend on the day that it is made on. */
const begin = Date.UTC(2026, 0, 1);
const end = Date.UTC(2030, 0, 1);
/** Ramadan's clocks (Morocco) stay as they are for about 30 days, all others for longer. */
const stepMs = 7 * dayMinutes * minuteMs;

const known = new Map<string, readonly Change[]>();

/** What the changes of the zone's clock do to the expression, whatever its days. */
export function clockEffects(cron: Cron, timezone: string): ClockEffects {
  const everyHour = cron.hours.length === 24;
  const touched = new Set(
    changesOf(timezone)
      .filter((change) => hits(cron, change))
      .map(({ kind }) => kind),
  );
  return { skipped: touched.has("gap") && !everyHour, repeated: touched.has("fold"), everyHour };
}

function hits(cron: Cron, { from, length }: Change): boolean {
  return cron.hours.some((hour) =>
    cron.minutes.some((minute) => {
      const after = (hour * 60 + minute - from + dayMinutes) % dayMinutes;
      return after < length;
    }),
  );
}

function changesOf(timezone: string): readonly Change[] {
  const before = known.get(timezone);
  if (before) return before;
  const changes = new Map<string, Change>();
  for (let at = begin; at < end; at += stepMs) {
    const [old, now] = [offsetAt(timezone, at), offsetAt(timezone, at + stepMs)];
    if (old === now) continue;
    const instant = transition(timezone, at, at + stepMs);
    const wall = Math.min(instant + old, instant + now) / minuteMs;
    const change: Change = {
      kind: now > old ? "gap" : "fold",
      from: ((wall % dayMinutes) + dayMinutes) % dayMinutes,
      length: Math.abs(now - old) / minuteMs,
    };
    changes.set(JSON.stringify(change), change);
  }
  const made = [...changes.values()];
  known.set(timezone, made);
  return made;
}
