/**
 * No child outlives its run, not even when the runner is killed by -9. A small shell process waits at the other end of
 * a pipe; when that breaks, it kills the process groups whose numbers stand in a file that we keep up to date. On Linux
 * it also finds those that left their group (setsid), by a token in their environment. It costs nothing while we live.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

/** Environment variable that marks every process of a run. */
export const watchVariable = "HANDOFF_WATCH";

/** Width of a slot in the file: digits of a pid, padded, and a newline. */
const slotBytes = 12;

const script = `
trap '' INT TERM HUP QUIT
if read -r _; then exit 0; fi
sweep() {
  found=0
  for group in $(cat "$dir/groups" 2>/dev/null); do kill -s "$1" -- "-$group" 2>/dev/null && found=1; done
  for file in $(grep -laF "${watchVariable}=$token" /proc/[0-9]*/environ 2>/dev/null); do
    pid=\${file#/proc/}; pid=\${pid%/environ}
    kill -s "$1" "$pid" 2>/dev/null && found=1
  done
}
sweep TERM
tries=0
while [ "$found" = 1 ] && [ "$tries" -lt 20 ]; do sleep 0.1 || sleep 1; tries=$((tries + 1)); sweep CONT; done
sweep KILL
rm -rf "$dir"
`;

export class Watchdog {
  readonly #process: ChildProcess;
  readonly #file: number;
  readonly #free: number[] = [];
  readonly #slots = new Map<number, number>();
  #next = 0;

  /** `dir` must exist; the watchdog removes it when we can't. */
  constructor(dir: string, token: string, path: string | undefined) {
    this.#file = openSync(join(dir, "groups"), "w", 0o600);
    this.#process = spawn("/bin/sh", ["-c", script], {
      detached: true,
      cwd: "/",
      env: { PATH: path ?? "/usr/bin:/bin", dir, token },
      stdio: ["pipe", "ignore", "ignore"],
    });
    this.#process.on("error", () => {}); // without /bin/sh no command starts either, and that is told
    this.#process.stdin?.on("error", () => {});
    this.#process.unref();
    // A pipe of Node's is a socket with unref; its type doesn't say so.
    const stdin: unknown = this.#process.stdin;
    if (
      stdin !== null &&
      typeof stdin === "object" &&
      "unref" in stdin &&
      typeof stdin.unref === "function"
    ) {
      stdin.unref();
    }
  }

  add(group: number): void {
    const slot = this.#free.pop() ?? this.#next++;
    this.#slots.set(group, slot);
    this.#write(slot, String(group));
  }

  remove(group: number): void {
    const slot = this.#slots.get(group);
    if (slot === undefined) return;
    this.#slots.delete(group);
    this.#free.push(slot);
    this.#write(slot, "");
  }

  /** The run is over and nothing of it is left. */
  close(): void {
    this.#process.stdin?.end("done\n");
    closeSync(this.#file);
  }

  #write(slot: number, text: string): void {
    writeSync(this.#file, `${text.padEnd(slotBytes - 1)}\n`, slot * slotBytes);
  }
}
