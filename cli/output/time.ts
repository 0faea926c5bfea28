const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `340 ms`, `4.2 s`, `3 min 05 s`, `2 h 10 min`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < MINUTE) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ${pad(Math.floor((ms % MINUTE) / 1000))} s`;
  return `${Math.floor(ms / HOUR)} h ${pad(Math.floor((ms % HOUR) / MINUTE))} min`;
}

/** `in 3 min`, `2 h ago`, `just now`; beyond a week the date itself (UTC). */
export function formatRelative(instant: Date, now: Date): string {
  const delta = instant.getTime() - now.getTime();
  const size = Math.abs(delta);
  if (size < 1000) return "just now";
  if (size > 7 * DAY) return instant.toISOString().slice(0, 10);
  const amount =
    size < MINUTE
      ? `${Math.round(size / 1000)} s`
      : size < HOUR
        ? `${Math.round(size / MINUTE)} min`
        : size < 2 * DAY
          ? `${Math.round(size / HOUR)} h`
          : `${Math.round(size / DAY)} days`;
  return delta > 0 ? `in ${amount}` : `${amount} ago`;
}

/** `2026-11-21 06:00 +01:00` in the given zone. */
export function formatInZone(instant: Date, timezone: string): string {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: timezone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZoneName: "longOffset",
  }).formatToParts(instant);
  const get = (type: string) => parts.find((p) => p.type === type)?.value ?? "";
  const offset = get("timeZoneName").replace("GMT", "") || "+00:00";
  return `${get("year")}-${get("month")}-${get("day")} ${get("hour")}:${get("minute")} ${offset}`;
}

function pad(n: number): string {
  return String(n).padStart(2, "0");
}
