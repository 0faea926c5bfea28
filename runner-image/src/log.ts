/** Where a run's log lines go: JSON lines for machines, readable lines for a terminal. */
import { writeSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import pc from "picocolors";
import type { LogLine } from "../../model/run.js";

export interface LogSink {
  /** Never throws and never blocks for long; the line is out at the latest in the next turn of the event loop. */
  write(line: LogLine): void;
  /** Resolves when every line written so far has left the process. Writing afterwards is ignored. */
  close(): Promise<void>;
}

export type LogTarget = { readonly fd: number } | NodeJS.WritableStream;

/** One `LogLine` as JSON on each line. The target is not closed: it may be the process's own stdout. */
export function createJsonLog(target: LogTarget): LogSink {
  return bufferedSink(target, (line) => `${JSON.stringify(line)}\n`);
}

export interface TerminalLogOptions {
  /** Whether colours may be used; also whether colours that commands print are let through. */
  readonly color: boolean;
}

/** `12:00:01 task/step text`: local time, where the line comes from, what it says. */
export function createTerminalLog(stream: LogTarget, options: TerminalLogOptions): LogSink {
  const colors = pc.createColors(options.color);
  return bufferedSink(stream, (line) => {
    const time = colors.dim(new Date(line.time).toTimeString().slice(0, 8));
    const place = [line.task, line.step].filter((part) => part !== undefined && part !== "").join("/");
    const prefix = place === "" ? time : `${time} ${colors.cyan(place)}`;
    const text = options.color ? line.message : stripVTControlCharacters(line.message);
    // A message of several lines stays recognisable as one.
    const shown = text.replaceAll("\n", "\n         ");
    return `${prefix} ${paint(line, shown, colors)}\n`;
  });
}

type Colors = ReturnType<typeof pc.createColors>;

function paint(line: LogLine, text: string, colors: Colors): string {
  if (line.level === "error") return colors.red(text);
  if (line.level === "warn") return colors.yellow(text);
  if (line.stream === "stderr" || line.level === "debug") return colors.dim(text);
  if (line.stream === undefined) return colors.bold(text);
  return text;
}

/** `line`, with every text in it passed through `mask`. */
export function maskLine<Line extends LogLine>(line: Line, mask: (text: string) => string): Line {
  return {
    ...line,
    message: mask(line.message),
    ...(line.task === undefined ? {} : { task: mask(line.task) }),
    ...(line.step === undefined ? {} : { step: mask(line.step) }),
    ...(line.error === undefined ? {} : { error: mask(line.error) }),
    ...(line.summary === undefined ? {} : { summary: mask(line.summary) }),
  };
}

/** Written at once from here on, so that a burst of output needs few system calls and little memory. */
const flushAtChars = 64 * 1024;
/** A reader slower than this many characters holds the run up instead of filling our memory. */
const blockAtChars = 8 * 1024 * 1024;

function bufferedSink(target: LogTarget, format: (line: LogLine) => string): LogSink {
  const out =
    "fd" in target && typeof target.fd === "number" && !("write" in target)
      ? fdWriter(target.fd)
      : streamWriter(target as NodeJS.WritableStream);
  let buffer = "";
  let scheduled = false;
  let closed = false;
  const flush = (): void => {
    scheduled = false;
    if (buffer === "") return;
    const text = buffer;
    buffer = "";
    out.write(text);
  };
  const onExit = (): void => {
    flush();
    out.flushNow();
  };
  process.once("exit", onExit);
  return {
    write(line) {
      if (closed) return;
      buffer += format(line);
      if (buffer.length >= flushAtChars) flush();
      else if (!scheduled) {
        scheduled = true;
        setImmediate(flush);
      }
    },
    async close() {
      if (closed) return;
      closed = true;
      flush();
      await out.drained();
      process.removeListener("exit", onExit);
    },
  };
}

interface Writer {
  write(text: string): void;
  drained(): Promise<void>;
  /** Best effort without the event loop, for a process that is exiting. */
  flushNow(): void;
}

function fdWriter(fd: number): Writer {
  const pending: Buffer[] = [];
  let pendingBytes = 0;
  let timer: NodeJS.Timeout | undefined;
  let gone = false;
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  /** Writes what the descriptor takes; false when it is full (a non-blocking pipe). */
  const drain = (): boolean => {
    for (let head = pending[0]; head !== undefined && !gone; head = pending[0]) {
      try {
        const written = writeSync(fd, head);
        pendingBytes -= written;
        if (written === head.length) pending.shift();
        else pending[0] = head.subarray(written);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EAGAIN") return false;
        // The reader has gone (EPIPE) or the disk is full: a log that can't be written must not end the run.
        gone = true;
      }
    }
    if (gone) {
      pending.length = 0;
      pendingBytes = 0;
    }
    return true;
  };
  const blockUntil = (limit: number, deadlineMs: number): void => {
    for (let waited = 0; !drain() && pendingBytes > limit && waited < deadlineMs; waited += 5) {
      Atomics.wait(sleeper, 0, 0, 5);
    }
  };
  const retryLater = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      if (!drain()) retryLater();
    }, 5);
  };
  return {
    write(text) {
      if (gone) return;
      const bytes = Buffer.from(text);
      pending.push(bytes);
      pendingBytes += bytes.length;
      if (drain()) return;
      if (pendingBytes > blockAtChars) blockUntil(blockAtChars / 2, Number.POSITIVE_INFINITY);
      if (pendingBytes > 0) retryLater();
    },
    async drained() {
      while (!drain()) await new Promise((resolve) => setTimeout(resolve, 5));
      clearTimeout(timer);
    },
    flushNow: () => blockUntil(0, 2000),
  };
}

function streamWriter(stream: NodeJS.WritableStream): Writer {
  let gone = false;
  const onError = (): void => {
    gone = true;
  };
  stream.on("error", onError);
  return {
    write(text) {
      if (!gone) stream.write(text);
    },
    drained: () =>
      new Promise((resolve) => {
        if (gone) return resolve();
        stream.once("error", () => resolve());
        stream.once("close", () => resolve());
        // Called when all that was written before is out.
        stream.write("", () => {
          stream.removeListener("error", onError);
          resolve();
        });
      }),
    flushNow: () => {},
  };
}
