/**
 * The shell beside a run. No child outlives its run, not even when the runner is killed by -9: this small process waits at
 * the other end of a socket; when that breaks, it kills the process groups whose numbers stand in a file that we keep up
 * to date, and removes the files that hold secrets. On Linux it also finds those that left their group (setsid), by a token in their environment. Meanwhile it does
 * what Node can't, which costs less than to start a process from Node each time: it makes FIFOs and enlarges pipes.
 */
import { spawn } from "node:child_process";
import { closeSync, openSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";

/** Environment variable that marks every process of a run. */
export const watchVariable = "HANDOFF_WATCH";

/** Width of a slot in the file: digits of a pid, padded, and a newline. */
const slotBytes = 12;

/** In our folder: paths, each with a NUL after it, that the watchdog removes. */
const doomedName = "doomed";

const script = `
trap '' INT TERM HUP QUIT PIPE
PATH=$PATH:/usr/bin:/bin
cd "$dir"
while read -r order rest; do
  case $order in
    mkfifo) said=$(mkfifo -m 600 $rest 2>&1) && echo ok || echo "failed: $said" | head -n 1 ;;
    enlarge) command -v perl >/dev/null && perl -e "$enlarge" $rest >/dev/null 2>&1 & ;;
    done) exit 0 ;;
  esac
done <&3 >&3
if [ -f ${doomedName} ]; then xargs -0 rm -f -- < ${doomedName}; fi
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
cd /
rm -rf "$dir"
`;

/**
 * Perl's (every Debian and Ubuntu has one): of the files named \`/proc/PID/fd/N\`, each before its inode, those that are
 * still this FIFO get room for 256 KiB (1031 is F_SETPIPE_SZ). Opened for both directions, which never waits.
 */
const enlarge = `
while (my ($file, $inode) = splice @ARGV, 0, 2) {
  -p $file && (stat _)[1] == $inode && open(my $pipe, "+<", $file) && fcntl($pipe, 1031, 1 << 18);
}`;

/** A pipe as a process has it open. */
export interface PipeEnd {
  readonly pid: number;
  readonly fd: number;
  readonly inode: number;
}

export class Watchdog {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined;
  readonly #dir: string;
  readonly #socket: Socket | null;
  readonly #file: number;
  readonly #free: number[] = [];
  readonly #slots = new Map<number, number>();
  #next = 0;
  #waiting: ((answer: string) => void) | null = null;
  #answer = "";

  /** `dir` must exist; the watchdog removes it when we can't. */
  constructor(dir: string, token: string, path: string | undefined) {
    this.#dir = dir;
    this.#file = openSync(join(dir, "groups"), "w", 0o600);
    const shell = spawn("/bin/sh", ["-c", script], {
      detached: true,
      cwd: "/",
      env: { PATH: path ?? "", dir, token, enlarge },
      stdio: ["ignore", "ignore", "ignore", "pipe"],
    });
    this.pid = shell.pid;
    shell.on("error", () => {}); // without /bin/sh no command starts either, and that is told
    shell.unref();
    const socket = shell.stdio[3];
    this.#socket = socket instanceof Socket ? socket : null;
    this.#socket?.on("error", () => {});
    this.#socket?.on("data", (chunk: Buffer) => this.#answered(chunk.toString()));
    this.#socket?.on("close", () => this.#answered("failed: /bin/sh has ended\n"));
    this.#socket?.unref();
  }

  /** Makes FIFOs of these names, which must be plain, in `dir`. One call at a time. */
  async mkfifo(names: readonly string[]): Promise<void> {
    const socket = this.#socket;
    if (socket === null || socket.destroyed) throw new Error("/bin/sh could not be started");
    socket.ref(); // to wait for the answer is something to live for
    const answer = await new Promise<string>((resolve) => {
      this.#waiting = resolve;
      socket.write(`mkfifo ${names.join(" ")}\n`);
    });
    socket.unref();
    if (answer !== "ok") throw new Error(`mkfifo, which makes the pipes between commands, ${answer}`);
  }

  /** Gives these pipes room for more, where that can be done; soon, if they are still there then. */
  enlarge(pipes: readonly PipeEnd[]): void {
    const list = pipes.map(({ pid, fd, inode }) => `/proc/${pid}/fd/${fd} ${inode}`);
    this.#socket?.write(`enlarge ${list.join(" ")}\n`);
  }

  /** These files are removed should we be killed: their secrets must not outlive the run. Instead of those named before. */
  removeIfKilled(files: readonly string[]): void {
    const file = join(this.#dir, doomedName);
    writeFileSync(`${file}.part`, files.map((path) => `${path}\0`).join(""), { mode: 0o600 });
    renameSync(`${file}.part`, file);
  }

  #answered(text: string): void {
    this.#answer += text;
    const end = this.#answer.indexOf("\n");
    if (end === -1) return;
    const line = this.#answer.slice(0, end);
    this.#answer = "";
    this.#waiting?.(line);
    this.#waiting = null;
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
    this.#socket?.end("done\n");
    closeSync(this.#file);
  }

  #write(slot: number, text: string): void {
    writeSync(this.#file, `${text.padEnd(slotBytes - 1)}\n`, slot * slotBytes);
  }
}
