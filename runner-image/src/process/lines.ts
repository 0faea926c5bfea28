/** Reads a pipe line by line, never more of it than a chunk ahead, and stops reading when told to. */
import { readSync } from "node:fs";
import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";
import { LineSplitter } from "./splitter.js";

export interface LineReaderOptions {
  /** Longer lines come in pieces of this size, in bytes. */
  readonly maxLineBytes: number;
  readonly onLine: (line: string, complete: boolean) => void;
  readonly onEnd: () => void;
}

const chunkBytes = 64 * 1024;

export class LineReader {
  readonly #fd: number;
  readonly #socket: Socket;
  readonly #splitter: LineSplitter;
  readonly #onEnd: () => void;
  #paused = false;
  #ended = false;

  /** Owns `fd`, which must not block. */
  constructor(fd: number, options: LineReaderOptions) {
    this.#fd = fd;
    this.#splitter = new LineSplitter(options.maxLineBytes, options.onLine);
    this.#onEnd = options.onEnd;
    // Only the types of `connect` know `onread`; the constructor takes it as well.
    const socket: SocketConstructorOpts & { onread: OnReadOpts } = {
      fd,
      readable: true,
      writable: false,
      onread: {
        buffer: Buffer.allocUnsafe(chunkBytes),
        callback: (size, buffer) => {
          if (this.#ended) return false;
          this.#splitter.push(buffer, size);
          return !this.#paused;
        },
      },
    };
    this.#socket = new Socket(socket);
    this.#socket.on("error", () => this.#finish());
    this.#socket.on("end", () => this.#finish());
    this.#socket.on("close", () => this.#finish());
  }

  get ended(): boolean {
    return this.#ended;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused || this.#ended) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** Lets the process end while this is still open. */
  unref(): void {
    this.#socket.unref();
  }

  /** Takes what is in the pipe now, without waiting: all that a child wrote which has ended. */
  drain(): void {
    if (this.#ended) return;
    const buffer = Buffer.allocUnsafe(chunkBytes);
    for (;;) {
      let size: number;
      try {
        size = readSync(this.#fd, buffer);
      } catch {
        return; // EAGAIN: nothing there
      }
      if (size === 0) {
        this.close();
        return;
      }
      this.#splitter.push(buffer, size);
    }
  }

  /** Gives out the last line even when it lacks its newline, and closes. */
  close(): void {
    this.#finish();
    this.#socket.destroy();
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#splitter.end();
    this.#onEnd();
  }
}
