import { randomBytes } from "node:crypto";

/** `20261121T143355Z-5f3a9c`: sorts by time, and two in one second differ. */
export function newRunId(now: Date): string {
  const stamp = now.toISOString().slice(0, 19).replace(/[-:]/g, "");
  return `${stamp}Z-${randomBytes(3).toString("hex")}`;
}
