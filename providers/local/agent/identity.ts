/** Tells one process from a later one that was given the same number. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Opaque start mark of a live process; null when there is none (a zombie has ended, too). */
export function processStart(pid: number): string | null {
  if (!Number.isInteger(pid) || pid <= 0) return null;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // After the name in parentheses, which may hold anything: state is the first field, start time the 20th.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return null;
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot}/${fields[19]}`;
  } catch {
    if (process.platform === "linux") return null;
  }
  try {
    return (
      execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }).trim() || null
    );
  } catch {
    return null;
  }
}

/** Whether the process that had `start` as its mark still runs. Without a mark, any process of that number counts. */
export function isSameProcess(pid: number, start: string | null): boolean {
  const current = processStart(pid);
  return current !== null && (start === null || current === start);
}
