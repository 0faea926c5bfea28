import { StringDecoder } from "node:string_decoder";

/** Bytes to lines. Bytes that are no UTF-8 become U+FFFD; a long line is never cut within a character. */
export class LineSplitter {
  readonly #max: number;
  readonly #onLine: (line: string, complete: boolean) => void;
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** Within a line of which a piece was given out. */
  #inPieces = false;
  /** Keeps the beginning of a character that a cut goes through. */
  readonly #decoder = new StringDecoder("utf8");

  /** `complete` is false for a piece of a line longer than `maxBytes`, except for its last piece. */
  constructor(maxBytes: number, onLine: (line: string, complete: boolean) => void) {
    this.#max = maxBytes;
    this.#onLine = onLine;
  }

  /** The first `size` bytes of `buffer`, which may be used again afterwards. */
  push(buffer: Uint8Array, size: number): void {
    const bytes = Buffer.from(buffer.buffer, buffer.byteOffset, size);
    let start = 0;
    for (;;) {
      const newline = bytes.indexOf(10, start);
      const end = newline === -1 ? size : newline;
      while (this.#restBytes + end - start > this.#max) {
        const cut = start + this.#max - this.#restBytes;
        this.#emit(bytes, start, cut, false);
        start = cut;
      }
      if (newline === -1) break;
      this.#emit(bytes, start, newline, true);
      start = newline + 1;
    }
    if (start < size) {
      this.#rest.push(Buffer.from(bytes.subarray(start)));
      this.#restBytes += size - start;
    }
  }

  /** A last line without a newline; `complete` is false where more of it was there and won't be read. */
  end(complete = true): void {
    if (this.#restBytes > 0) this.#emit(Buffer.alloc(0), 0, 0, complete);
  }

  #emit(bytes: Buffer, start: number, end: number, complete: boolean): void {
    if (complete && this.#restBytes === 0 && !this.#inPieces) {
      this.#onLine(bytes.toString("utf8", start, end), true);
      return;
    }
    const line = Buffer.concat([...this.#rest, bytes.subarray(start, end)]);
    this.#rest = [];
    this.#restBytes = 0;
    this.#inPieces = !complete;
    this.#onLine(complete ? this.#decoder.end(line) : this.#decoder.write(line), complete);
  }
}
