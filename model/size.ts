/**
 * Sizes and durations as people write them, read into one unit each: MiB, GiB, vCPUs, seconds.
 * Every function throws an `Error` whose message says what was found and how to write it; the loader adds the place.
 */

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** Bytes in a unit. `Ki`, `Mi`, … count by 1024 and `K`, `M`, … by 1000, as in Kubernetes; a trailing `B` changes nothing. */
const byteUnits: Readonly<Record<string, number>> = {
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 1024,
  mi: MiB,
  gi: GiB,
  ti: 1024 ** 4,
};

const secondUnits: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

function shown(value: unknown): string {
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "a list" : "a map";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 40 ? `${text.slice(0, 37)}…` : text;
}

/** Bytes of `value`, a number without a unit being `plainUnit` bytes; undefined when it is no size. */
function bytes(value: unknown, plainUnit: number): number | undefined {
  if (typeof value === "number") return value * plainUnit;
  if (typeof value !== "string") return undefined;
  const match = /^\s*(\d{1,15}(?:\.\d{1,9})?|\.\d{1,9})\s*(?:([kmgt]i?)b?)?\s*$/i.exec(value);
  if (!match) return undefined;
  const unit = match[2];
  return Number(match[1]) * (unit === undefined ? plainUnit : (byteUnits[unit.toLowerCase()] ?? Number.NaN));
}

function sized(value: unknown, unit: number, what: string, example: string): number {
  const found = bytes(value, unit);
  if (found === undefined || !Number.isFinite(found)) {
    throw new Error(`${shown(value)} is not ${what}: write ${example}`);
  }
  if (found <= 0) throw new Error(`${shown(value)} is not ${what}: it must be more than 0`);
  // Up, never down: `1G` is a little less than 1 GiB, and who asks for it must get at least that.
  const rounded = Math.ceil(found / unit - 1e-9);
  if (!Number.isSafeInteger(rounded)) throw new Error(`${shown(value)} is too large for ${what}`);
  return rounded;
}

/**
 * Memory in MiB, rounded up to a whole one. A number, or text without a unit, is MiB; `1Gi` is 1024, `1G` is 954 (10^9 bytes).
 * @throws Error for anything else, and for zero or less
 */
export function parseMemory(value: unknown): number {
  return sized(
    value,
    MiB,
    "an amount of memory",
    "a number of MiB such as 512, or a unit as in 512Mi or 1Gi",
  );
}

/**
 * Disk in GiB, rounded up to a whole one. A number, or text without a unit, is GiB.
 * @throws Error for anything else, and for zero or less
 */
export function parseDisk(value: unknown): number {
  return sized(value, GiB, "an amount of disk", "a number of GiB such as 20, or a unit as in 20Gi");
}

/**
 * vCPUs: `0.5`, `"0.5"` or thousandths as in Kubernetes, `"500m"`.
 * @throws Error for anything else, and for zero or less
 */
export function parseCpu(value: unknown): number {
  const match =
    typeof value === "string" ? /^\s*(\d{1,9}(?:\.\d{1,9})?|\.\d{1,9})\s*(m?)\s*$/.exec(value) : null;
  const cpu =
    typeof value === "number" ? value : match ? Number(match[1]) / (match[2] ? 1000 : 1) : Number.NaN;
  if (!Number.isFinite(cpu)) {
    throw new Error(`${shown(value)} is not a number of vCPUs: write 0.5, or 500m for thousandths`);
  }
  if (cpu <= 0) throw new Error(`${shown(value)} is not a number of vCPUs: it must be more than 0`);
  return cpu;
}

/**
 * Seconds: a number, or text such as `90`, `60s`, `5m`, `1h30m`, `2d`, `1w`. Zero is allowed (a retry without delay).
 * @throws Error for anything else, and for less than zero
 */
export function parseDuration(value: unknown): number {
  const wrong = (): Error =>
    new Error(`${shown(value)} is not a duration: write seconds such as 90, or 60s, 5m, 1h30m, 2d`);
  if (typeof value === "number") {
    if (!Number.isFinite(value) || value < 0) throw wrong();
    return value;
  }
  if (typeof value !== "string" || value.length > 60) throw wrong();
  const text = value.trim().toLowerCase();
  if (/^\d{1,12}(\.\d{1,6})?$/.test(text)) return Number(text);
  if (!/^(\d{1,12}(\.\d{1,6})?\s*[smhdw]\s*)+$/.test(text)) throw wrong();
  const seen = new Set<string>();
  let total = 0;
  for (const [, count, unit = ""] of text.matchAll(/(\d+(?:\.\d+)?)\s*([smhdw])/g)) {
    // `5m5m` is a slip of the keyboard, not ten minutes.
    if (seen.has(unit)) throw wrong();
    seen.add(unit);
    total += Number(count) * (secondUnits[unit] ?? Number.NaN);
  }
  return Math.round(total * 1e6) / 1e6;
}

/** `1536` MiB as `1.5Gi`, `512` as `512Mi`; `parseMemory` reads it back. */
export function formatMemory(mib: number): string {
  return mib >= 1024 && (mib * 100) % 1024 === 0 ? `${mib / 1024}Gi` : `${mib}Mi`;
}

/** `5400` seconds as `1h30m`, `0` as `0s`, `0.25` as `0.25s`; `parseDuration` reads it back. */
export function formatDuration(seconds: number): string {
  const parts: string[] = [];
  let rest = seconds;
  for (const unit of ["d", "h", "m"] as const) {
    const size = secondUnits[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * size;
  }
  const left = Math.round(rest * 1000) / 1000;
  if (left > 0 || parts.length === 0) parts.push(`${left}s`);
  return parts.join("");
}
