/** Where the commands of one attempt of a task write: files, and the log. All lines of a foreach share them. */
import { appendFileSync, closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { lineMasker, type Masker } from "../mask.js";
import { LineReader } from "../process/lines.js";
import type { Pipe, PipePool } from "../process/pipes.js";
import { FileTail } from "../process/tail.js";
import type { CompiledTask } from "./compile.js";

/** Of one file of output, the log shows this much, in bytes; then a line says where the rest is. */
export const logLimitBytes = 4 * 1024 * 1024;
/** Longer lines reach the log in pieces. */
const maxLineBytes = 16 * 1024;
/** Lines of stderr kept to explain a failure. */
const keptLines = 20;

export interface OutputLine {
  readonly step: string;
  readonly stream: "stdout" | "stderr";
  /** As the command wrote it, in pieces when it is long. */
  readonly raw: string;
  /** Without secrets; empty for a piece of a long line that is kept back for the next one. */
  readonly text: string;
}

export interface OutputsOptions {
  readonly workDir: string;
  readonly pipes: PipePool;
  readonly masker: Masker;
  readonly onLine: (line: OutputLine) => void;
  readonly onNotice: (text: string) => void;
}

type OnLine = (line: Pick<OutputLine, "raw" | "text">, complete: boolean) => void;

/** One step's stderr, or the stdout of one that goes to no file: a pipe that we read. */
export class Channel {
  readonly fd: number;
  /** The last lines, oldest first, masked. */
  readonly last: string[] = [];
  readonly #reader: LineReader;

  constructor(pipe: Pipe, onLine: OnLine, masker: Masker, ended: (channel: Channel) => void) {
    this.fd = pipe.write;
    const masked = lineMasker(masker);
    this.#reader = new LineReader(pipe.read, {
      maxLineBytes,
      onLine: (raw, complete) => {
        const text = masked(raw, complete);
        this.last.push(text);
        if (this.last.length > keptLines) this.last.shift();
        onLine({ raw, text }, complete);
      },
      onEnd: () => ended(this),
    });
    this.#reader.unref();
  }

  /** Takes all that was written by processes which have ended. */
  drain(): void {
    this.#reader.drain();
  }

  /** Writers that are still there may go on; we read them until the run ends. */
  release(): void {
    closeSync(this.fd);
    this.#reader.drain();
  }

  close(): void {
    this.#reader.drain();
    this.#reader.close();
  }
}

interface Sink {
  readonly fd: number;
  readonly tail: FileTail | null;
  readonly channel: Channel | null;
  /** The step that writes now, for the log. */
  step: string;
}

export class Outputs {
  readonly #options: OutputsOptions;
  readonly #channels = new Map<string, Promise<Channel>>();
  readonly #sinks = new Map<string, Promise<Sink>>();
  /** Still read: ended by their last writer. */
  readonly #open = new Set<Channel>();

  constructor(options: OutputsOptions) {
    this.#options = options;
  }

  /** The step's stderr; the same for every line of a foreach. */
  stderr(task: CompiledTask, step: string): Promise<Channel> {
    const file = task.task.stderrToFile;
    const path = file === undefined || file === "/dev/null" ? null : this.#file(file);
    return this.#channel(`2 ${step}`, (line, complete) => {
      this.#options.onLine({ step, stream: "stderr", ...line });
      if (path !== null) appendFileSync(path, complete ? `${line.raw}\n` : line.raw);
    });
  }

  /** Where the task's stdout goes. */
  async stdout(task: CompiledTask, step: string): Promise<Sink> {
    let sink = this.#sinks.get(task.label);
    if (sink === undefined) {
      sink = this.#openSink(task, step);
      this.#sinks.set(task.label, sink);
    }
    const opened = await sink;
    if (opened.step !== step) {
      opened.tail?.poll();
      opened.step = step;
    }
    return opened;
  }

  /** The attempt is over: shows the rest. */
  async close(): Promise<void> {
    for (const channel of await Promise.all(this.#channels.values())) channel.release();
    for (const sink of await Promise.all(this.#sinks.values())) {
      sink.tail?.close();
      if (sink.channel === null) closeSync(sink.fd);
    }
  }

  /** The run is over, and with it whatever was left in the background. */
  closeReaders(): void {
    for (const channel of [...this.#open]) channel.close();
  }

  async #openSink(task: CompiledTask, step: string): Promise<Sink> {
    const path = task.stdoutFile === null ? null : this.#file(task.stdoutFile);
    if (path === null) {
      const channel = await this.#channel(`1 ${task.label}`, (line) => {
        this.#options.onLine({ step: sink.step, stream: "stdout", ...line });
      });
      const sink: Sink = { fd: channel.fd, tail: null, channel, step };
      return sink;
    }
    const fd = openSync(path, "a");
    const name = relative(this.#options.workDir, path);
    const masked = lineMasker(this.#options.masker);
    const tail = new FileTail({
      file: path,
      limitBytes: logLimitBytes,
      onLine: (raw, complete) => {
        this.#options.onLine({ step: sink.step, stream: "stdout", raw, text: masked(raw, complete) });
      },
      onLimit: () => {
        const shown = `${logLimitBytes / 1024 / 1024} MiB`;
        this.#options.onNotice(`the log shows the first ${shown} of this output; all of it is in ${name}`);
      },
    });
    const sink: Sink = { fd, tail, channel: null, step };
    return sink;
  }

  /** Makes the file empty: each attempt writes its own. */
  #file(path: string): string {
    const file = join(this.#options.workDir, path);
    mkdirSync(dirname(file), { recursive: true });
    if (!this.#emptied.has(file)) writeFileSync(file, "");
    this.#emptied.add(file);
    return file;
  }
  readonly #emptied = new Set<string>();

  #channel(key: string, onLine: OnLine): Promise<Channel> {
    const known = this.#channels.get(key);
    if (known !== undefined) return known;
    const made = this.#options.pipes.takeForReading().then((pipe) => {
      const ended = (channel: Channel) => this.#open.delete(channel);
      const channel = new Channel(pipe, onLine, this.#options.masker, ended);
      this.#open.add(channel);
      return channel;
    });
    this.#channels.set(key, made);
    return made;
  }
}
