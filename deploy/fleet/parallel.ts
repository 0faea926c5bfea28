/** How many stacks are worked on at a time. */
import { availableParallelism, freemem } from "node:os";
import { UserError } from "../../model/diagnostic.js";

/**
 * Memory of one stack that is worked on, in MiB: the worker (about 250), the engine (about 150) and a cloud's provider plugin,
 * of which the largest (AWS) takes some 500. Measured with simulated plugins, see docs/fleets.md.
 */
export const memoryPerStackMiB = 1024;
/** What is left to everything else, in MiB. */
const reservedMiB = 512;
/** An update waits for its cloud most of the time. */
const stacksPerCore = 2;

export interface Machine {
  readonly cores: number;
  /** What may be used now, in MiB. */
  readonly freeMiB: number;
}

/** The machine, or what a container is allowed of it. */
export function thisMachine(): Machine {
  const limit = process.constrainedMemory?.() ?? 0;
  // Without a limit it is 0, or more than any machine has.
  const allowed = limit > 0 && limit < 2 ** 50 ? limit - process.memoryUsage().rss : Number.POSITIVE_INFINITY;
  return { cores: availableParallelism(), freeMiB: Math.min(freemem(), allowed) / 2 ** 20 };
}

/** Stacks at a time when nobody says how many: two for each core, as far as the memory reaches. At least 1. */
export function defaultParallel(stacks: number, { cores, freeMiB }: Machine): number {
  const byMemory = Math.floor((freeMiB - reservedMiB) / memoryPerStackMiB);
  return Math.max(1, Math.min(stacks, cores * stacksPerCore, byMemory));
}

/** What to say when so many at a time may need more memory than there is; undefined when they won't. */
export function memoryWarning(parallel: number, { freeMiB }: Machine): string | undefined {
  const needed = parallel * memoryPerStackMiB + reservedMiB;
  if (parallel === 1 || needed <= freeMiB) return undefined;
  const gib = (mib: number) => (mib / 1024).toFixed(1);
  return `${parallel} stacks at a time may need ${gib(needed)} GiB of memory, and ${gib(freeMiB)} GiB are free: a worker that gets none fails its stack`;
}

/** @throws UserError `bad-option` for what is no whole number from 1 to 256 */
export function parseParallel(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 256) return value;
  throw new UserError(`--parallel takes a number of stacks from 1 to 256, not \`${text}\``, {
    code: "bad-option",
    hint: "leave it out: the default fits this machine's cores and memory",
  });
}
