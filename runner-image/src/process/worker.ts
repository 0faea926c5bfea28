/**
 * Starting a process costs Node more than it costs the system. A foreach that starts thousands of commands lets a shell
 * do it: one that lives as long as the loop, takes a command at a time from a pipe, and answers with its exit code.
 * Each command is still a `/bin/sh -c` of its own, so that nothing in its text can do anything to the worker; it only
 * shares the worker's process group.
 */
import { randomBytes } from "node:crypto";
import { closeSync, writeSync } from "node:fs";
import { constants } from "node:os";
import type { Child, Exit, ProcessHost, Spawner, SpawnOptions } from "./host.js";
import { LineReader } from "./lines.js";
import { closePipe } from "./pipes.js";

const workerShell = "/bin/sh";
/**
 * The command's shell takes its stderr itself: redirected by the worker, it would get the worker's notice of a signal.
 * On a line of its own, so that a syntax error in the command comes after it; a shell's messages count one line more.
 */
const ownStderr = "exec 2>&3 3>&-\n";
/** Fits into an empty pipe, so that writing never waits, in bytes. */
const maxScriptBytes = 48 * 1024;

/**
 * The worker shells of one of a foreach's parallel lines. Commands come one at a time; whatever is not exactly the same
 * in a worker goes to the host.
 */
export class WorkerShells implements Spawner {
  readonly #host: ProcessHost;
  /** By the descriptors that they write to. */
  readonly #workers = new Map<string, Worker>();
  readonly #ends: Promise<unknown>[] = [];

  constructor(host: ProcessHost) {
    this.#host = host;
  }

  spawn(options: SpawnOptions): Child {
    return this.#spawnInWorker(options) ?? this.#host.spawn(options);
  }

  /** Resolves when they have ended. */
  async close(): Promise<void> {
    for (const worker of this.#workers.values()) worker.close();
    await Promise.all(this.#ends);
  }

  #spawnInWorker(options: SpawnOptions): Child | null {
    const line = plainCommand(options);
    if (line === null) return null;
    const key = `${options.cwd} ${options.stdio.join(" ")}`;
    let worker = this.#workers.get(key);
    if (worker === undefined || worker.closed) {
      worker = new Worker(this.#host, options);
      this.#workers.set(key, worker);
      const ended = worker.ended.then(() => {
        this.#ends.splice(this.#ends.indexOf(ended), 1);
      });
      this.#ends.push(ended);
    }
    const changes = changedVariables(worker.env, options.env);
    return changes === null
      ? null
      : worker.run(`${changes}${workerShell} -c ${quote(`${ownStderr}${line}`)}`);
  }
}

/**
 * The shell text of a command that a worker runs exactly as the host would, else null. It must be a `/bin/sh -c` with
 * nobody writing to its stdin and with the usual three descriptors. It must not start processes in the background:
 * these stay in the worker's group, and a later line's time-out would end them. An `&` in quotes counts as well; that
 * line is only slower. What is too long for a pipe or holds a NUL is left to the host, which says what is wrong.
 */
function plainCommand({ file, args, stdio }: SpawnOptions): string | null {
  const [flag, line, ...rest] = args;
  if (file !== workerShell || flag !== "-c" || line === undefined || rest.length > 0) return null;
  if (stdio.length !== 3 || stdio[0] !== null || stdio[1] === null || stdio[2] === null) return null;
  if (line.length > maxScriptBytes || line.includes("\0")) return null;
  return line.includes("&") && line.replace(/&&|[<>]&/g, "").includes("&") ? null : line;
}

/** Assignments before a command that make the worker's environment `to`; null when assignments can't. */
function changedVariables(
  from: Readonly<Record<string, string>>,
  to: Readonly<Record<string, string>>,
): string | null {
  let changes = "";
  let kept = 0;
  for (const name in to) {
    const value = to[name];
    if (value === undefined) continue;
    const known = from[name];
    if (known !== undefined) kept++;
    if (known === value) continue;
    if (!/^[A-Za-z_]\w*$/.test(name) || value.length > maxScriptBytes || value.includes("\0")) return null;
    changes += `${name}=${quote(value)} `;
  }
  return kept === Object.keys(from).length ? changes : null;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

interface Job {
  readonly resolve: (exit: Exit) => void;
  /** The shell says on its stderr that a command died of a signal, and nothing when it exited with 128 + n. */
  noticed: boolean;
}

/** One shell, which runs commands one after the other. */
class Worker {
  readonly env: Readonly<Record<string, string>>;
  /** Resolves when the shell has ended. */
  readonly ended: Promise<void>;
  readonly #host: ProcessHost;
  readonly #options: SpawnOptions;
  /** Begins the worker's answers; a shell's notice of a signal may quote the command. */
  readonly #token = randomBytes(9).toString("hex");
  #child: Child | null = null;
  /** Where commands are written to. */
  #input: number | null = null;
  #waiting: string | null = null;
  #job: Job | null = null;
  #stopped = false;
  #closed = false;

  constructor(host: ProcessHost, options: SpawnOptions) {
    this.#host = host;
    this.#options = options;
    this.env = options.env;
    this.ended = this.#live();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Null when it can't be run here. */
  run(command: string): Child | null {
    if (this.#closed || this.#job !== null) return null;
    const script = `${command} </dev/null\necho "${this.#token} $?" >&2\n`;
    if (Buffer.byteLength(script) > maxScriptBytes) return null;
    if (this.#child === null) this.#waiting = script;
    else if (!this.#write(script)) return null;
    const exit = new Promise<Exit>((resolve) => {
      this.#job = { resolve, noticed: false };
    });
    const job = this.#job;
    return { pid: this.#child?.pid, exit, stop: () => this.#stop(job) };
  }

  /** It ends when its command has ended. */
  close(): void {
    this.#closed = true;
    if (this.#input === null) return;
    closeSync(this.#input);
    this.#input = null;
  }

  async #live(): Promise<void> {
    let exit: Exit;
    try {
      const child = await this.#start();
      exit = child === null ? nothingStarted : await child.exit;
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      exit = { ...nothingStarted, failure };
    }
    this.close();
    this.#reader?.drain();
    this.#reader?.close();
    this.#finish(exit);
  }
  #reader: LineReader | null = null;

  async #start(): Promise<Child | null> {
    const { pipes } = this.#host;
    const [commands] = await pipes.take(1);
    if (commands === undefined) throw new Error("no pipe");
    const answers = await pipes.takeForReading().catch((error: unknown) => {
      closePipe(commands);
      throw error;
    });
    if (this.#stopped || this.#closed) {
      closePipe(commands);
      closePipe(answers);
      return null;
    }
    const [, stdout = null, stderr = null] = this.#options.stdio;
    const child = this.#host.spawn({
      file: workerShell,
      args: [],
      cwd: this.#options.cwd,
      env: this.env,
      stdio: [commands.read, stdout, answers.write, stderr],
    });
    closeSync(commands.read);
    closeSync(answers.write);
    this.#child = child;
    this.#input = commands.write;
    this.#reader = new LineReader(answers.read, {
      maxLineBytes: 4096,
      onLine: (line) => this.#answered(line),
      onEnd: () => {},
    });
    // Signals to the group are for the command: a worker that ended before it could not tell how that ended.
    // A bash counts the shells; the worker is not to be counted.
    const level = this.env.SHLVL === undefined ? "unset SHLVL" : `SHLVL=${quote(this.env.SHLVL)}`;
    this.#write(`trap : HUP INT QUIT USR1 USR2 ALRM TERM\n${level}\n${this.#waiting ?? ""}`);
    this.#waiting = null;
    return child;
  }

  #write(script: string): boolean {
    if (this.#input === null) return false;
    const bytes = Buffer.from(script);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#input, bytes, at);
      return true;
    } catch {
      this.close(); // EPIPE: it has ended, which `#live` hears of in a moment
      return false;
    }
  }

  #answered(line: string): void {
    if (this.#job === null) return;
    if (!line.startsWith(this.#token)) {
      this.#job.noticed = true;
      return;
    }
    const code = Number(line.slice(this.#token.length + 1));
    const signal = this.#job.noticed ? signalOf(code - 128) : null;
    this.#finish({ code: signal === null ? code : null, signal, failure: null, stopped: false });
    // Its group has had a signal, and may have processes in it that will get another.
    if (this.#stopped) this.close();
  }

  #finish(exit: Exit): void {
    this.#job?.resolve({ ...exit, stopped: this.#stopped });
    this.#job = null;
  }

  #stop(job: Job | null): void {
    if (job === null || job !== this.#job || this.#stopped) return;
    this.#stopped = true;
    this.#child?.stop();
  }
}

const nothingStarted: Exit = { code: null, signal: "SIGTERM", failure: null, stopped: true };

function signalOf(number: number): NodeJS.Signals | null {
  const names = Object.keys(constants.signals) as NodeJS.Signals[];
  return names.find((name) => constants.signals[name] === number) ?? null;
}
