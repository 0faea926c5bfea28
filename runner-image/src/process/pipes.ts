/**
 * Kernel pipes. Node can only make socket pairs, on which a program's own `open("/dev/stdout")` fails; a FIFO that both
 * ends have opened and that has lost its name is a pipe like any other. One `mkfifo` makes many.
 */
import { closeSync, constants, fstatSync, openSync, unlinkSync } from "node:fs";
import { join } from "node:path";

/** Two descriptors, both ours to close. */
export interface Pipe {
  readonly read: number;
  readonly write: number;
}

/** A pipe with a second descriptor of its reading end, which keeps it open when the first is given away. */
export interface GuardedPipe extends Pipe {
  readonly guard: number;
}

/** By which a pipe can be told from any other file that is open now. */
export function inodeOf(pipe: Pipe): number {
  return fstatSync(pipe.write).ino;
}

/** Names made at a time: enough for most runs. */
const batch = 32;

export class PipePool {
  readonly #dir: string;
  readonly #mkfifo: (names: readonly string[]) => Promise<void>;
  readonly #names: string[] = [];
  #made = 0;
  #filling: Promise<void> | null = null;

  /** `dir` must exist and be ours alone; `mkfifo` makes FIFOs in it. Starts to make pipes at once. */
  constructor(dir: string, mkfifo: (names: readonly string[]) => Promise<void>) {
    this.#dir = dir;
    this.#mkfifo = mkfifo;
    this.#fill(batch).catch(() => {}); // told to the first who takes one
  }

  /** Pipes between children; both ends block. All or none. */
  async take(count: number): Promise<Pipe[]> {
    const pipes = await this.takeGuarded(count);
    for (const pipe of pipes) closeSync(pipe.guard);
    return pipes;
  }

  async takeGuarded(count: number): Promise<GuardedPipe[]> {
    await this.#ensure(count);
    const pipes: GuardedPipe[] = [];
    try {
      for (let i = 0; i < count; i++) pipes.push(this.#open());
    } catch (error) {
      for (const pipe of pipes) {
        closePipe(pipe);
        closeSync(pipe.guard);
      }
      throw error;
    }
    return pipes;
  }

  /** A pipe whose end `read` doesn't block: for ourselves. */
  async takeForReading(): Promise<Pipe> {
    await this.#ensure(1);
    const { read, write, guard } = this.#open();
    closeSync(read);
    return { read: guard, write };
  }

  /** Resolves when none is being made any more, however that ended. */
  async settled(): Promise<void> {
    await this.#filling?.catch(() => {});
  }

  async #ensure(count: number): Promise<void> {
    while (this.#names.length < count) await this.#fill(Math.max(batch, count));
    if (this.#names.length - count < 4) this.#fill(batch).catch(() => {});
  }

  #fill(count: number): Promise<void> {
    if (this.#filling !== null) return this.#filling;
    const names = Array.from({ length: count }, () => `p${this.#made++}`);
    this.#filling = this.#mkfifo(names).then(
      () => {
        this.#filling = null;
        this.#names.push(...names);
      },
      (error: unknown) => {
        this.#filling = null;
        throw error;
      },
    );
    return this.#filling;
  }

  /** The guard doesn't block. */
  #open(): GuardedPipe {
    const free = this.#names.shift();
    if (free === undefined) throw new Error("no pipe left"); // #ensure came before, in the same turn
    const name = join(this.#dir, free);
    // A FIFO's first opener must not wait for the other end.
    const guard = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
    const write = openSync(name, constants.O_WRONLY);
    const read = openSync(name, constants.O_RDONLY);
    unlinkSync(name);
    return { read, write, guard };
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
