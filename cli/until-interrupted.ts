import type { CliContext } from "./context.js";

/** Ends with an interruption, whatever `work` does: it is cut off when the process exits, at any point of it. */
export async function untilInterrupted<T>(work: Promise<T>, { interrupted }: CliContext): Promise<T> {
  interrupted.throwIfAborted();
  let stop = (): void => {};
  const interruption = new Promise<never>((_, reject) => {
    stop = () => reject(new Error("interrupted"));
    interrupted.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, interruption]);
  } finally {
    interrupted.removeEventListener("abort", stop);
  }
}
