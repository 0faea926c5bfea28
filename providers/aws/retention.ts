/** Days that CloudWatch Logs keeps events: one of these (botocore 1.44.5, read 2026-11-21). */
export const retentionDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

/** The first of them that is long enough; the longest for what is longer. */
export function retention(days: number): number {
  return retentionDays.find((option) => option >= days) ?? 3653;
}
