/**
 * Kernel pipes. Node can only make socket pairs, on which a program's own `open("/dev/stdout")` fails; a FIFO that both
 * ends have opened and that has lost its name is a pipe like any other. One `mkfifo` makes many.
 */
import { execFile } from "node:child_process";
import { closeSync, constants, openSync, unlinkSync } from "node:fs";
import { join } from "node:path";

/** Two descriptors, both ours to close. */
export interface Pipe {
  readonly read: number;
  readonly write: number;
}

/** Names made at a time: enough for most runs. */
const batch = 32;

export class PipePool {
  readonly #dir: string;
  readonly #names: string[] = [];
  #made = 0;
  #filling: Promise<void> | null = null;

  /** `dir` must exist and be ours alone. Starts to make pipes at once. */
  constructor(dir: string) {
    this.#dir = dir;
    this.#fill(batch).catch(() => {}); // told to the first who takes one
  }

  /** Pipes between children; both ends block. All or none. */
  async take(count: number): Promise<Pipe[]> {
    await this.#ensure(count);
    const pipes: Pipe[] = [];
    try {
      for (let i = 0; i < count; i++) pipes.push(this.#open(true));
    } catch (error) {
      for (const pipe of pipes) closePipe(pipe);
      throw error;
    }
    return pipes;
  }

  /** A pipe whose end `read` doesn't block: for ourselves. */
  async takeForReading(): Promise<Pipe> {
    await this.#ensure(1);
    return this.#open(false);
  }

  async #ensure(count: number): Promise<void> {
    while (this.#names.length < count) await this.#fill(Math.max(batch, count));
    if (this.#names.length - count < 4) this.#fill(batch).catch(() => {});
  }

  #fill(count: number): Promise<void> {
    if (this.#filling !== null) return this.#filling;
    const names = Array.from({ length: count }, () => join(this.#dir, `p${this.#made++}`));
    this.#filling = new Promise<void>((resolve, reject) => {
      execFile("mkfifo", ["-m", "600", ...names], (error) => {
        this.#filling = null;
        if (error !== null) {
          reject(
            new Error(`mkfifo, which makes the pipes between commands, failed: ${error.message.trim()}`),
          );
          return;
        }
        this.#names.push(...names);
        resolve();
      });
    });
    return this.#filling;
  }

  #open(blocking: boolean): Pipe {
    const name = this.#names.shift();
    if (name === undefined) throw new Error("no pipe left"); // #ensure came before, in the same turn
    // A FIFO's first opener must not wait for the other end.
    const first = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
    const write = openSync(name, constants.O_WRONLY);
    let read = first;
    if (blocking) {
      read = openSync(name, constants.O_RDONLY);
      closeSync(first);
    }
    unlinkSync(name);
    return { read, write };
  }
}

export function closePipe(pipe: Pipe): void {
  closeSync(pipe.read);
  closeSync(pipe.write);
}

/** A descriptor that several may want to close: only the first does. */
export class Fd {
  readonly number: number;
  #open = true;

  constructor(number: number) {
    this.number = number;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.number);
  }

  /** The number, for one who will close it himself. */
  release(): number {
    this.#open = false;
    return this.number;
  }
}
