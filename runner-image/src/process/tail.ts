/**
 * Shows in the log what commands write to a file. The file gets the bytes from the kernel; we only read it, up to a
 * limit, so that gigabytes of output cost us nothing.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { LineSplitter } from "./splitter.js";

const chunkBytes = 64 * 1024;
/** Read in one turn of the event loop at most, in bytes. */
const burstBytes = 1024 * 1024;
const intervalMs = 100;
const maxLineBytes = 16 * 1024;

export interface FileTailOptions {
  readonly file: string;
  /** Shown at most, in bytes. */
  readonly limitBytes: number;
  /** `complete` is false for the pieces of a long line but its last, and for one that the limit cuts off. */
  readonly onLine: (line: string, complete: boolean) => void;
  /** Called once, when the file holds more than the limit. */
  readonly onLimit: () => void;
}

export class FileTail {
  readonly #fd: number;
  readonly #options: FileTailOptions;
  readonly #splitter: LineSplitter;
  readonly #timer: NodeJS.Timeout;
  readonly #buffer = Buffer.allocUnsafe(chunkBytes);
  #position = 0;
  #closed = false;
  #limited = false;

  constructor(options: FileTailOptions) {
    this.#options = options;
    this.#fd = openSync(options.file, "r");
    this.#splitter = new LineSplitter(maxLineBytes, options.onLine);
    this.#timer = setInterval(() => this.poll(burstBytes), intervalMs);
    this.#timer.unref();
  }

  /** Shows what was added, at most `bytes` of it. */
  poll(bytes = Number.POSITIVE_INFINITY): void {
    let left = bytes;
    while (left > 0 && !this.#closed && !this.#limited) {
      const room = this.#options.limitBytes - this.#position;
      // One byte over the limit tells that there is more.
      const size = readSync(this.#fd, this.#buffer, 0, Math.min(chunkBytes, room + 1), this.#position);
      if (size === 0) return;
      const shown = Math.min(size, room);
      this.#splitter.push(this.#buffer, shown);
      this.#position += shown;
      left -= size;
      if (size > room) {
        this.#limited = true;
        clearInterval(this.#timer);
        this.#splitter.end(false);
        this.#options.onLimit();
      }
    }
  }

  close(): void {
    if (this.#closed) return;
    this.poll();
    clearInterval(this.#timer);
    this.#splitter.end();
    this.#closed = true;
    closeSync(this.#fd);
  }
}
