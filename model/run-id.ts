import { randomBytes } from "node:crypto";

/** `20261121T143355Z-5f3a9c01b2`: sorts by time; a thousand in one second differ. */
export function newRunId(now: Date): string {
  const stamp = now.toISOString().slice(0, 19).replace(/[-:]/g, "");
  return `${stamp}Z-${randomBytes(5).toString("hex")}`;
}
