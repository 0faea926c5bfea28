/** Work on many things at the same time, within bounds. */

/** At the same time: more don't make it quicker over a network, and each has a connection of its own. */
const atOnce = 16;
/** Bytes of file contents in the memory at any moment, whatever the number and size of the files. */
export const budgetBytes = 32 * 1024 * 1024;

/**
 * Calls `work` for each, in order, 16 at a time at most, and only as many as weigh `budgetBytes` together. The first error
 * ends it, once those under way have ended.
 */
export function inParallel<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  weigh: (item: T) => number = () => 0,
): Promise<void> {
  let next = 0;
  let running = 0;
  let weight = 0;
  let failure: { readonly error: unknown } | undefined;
  return new Promise((resolve, reject) => {
    const start = (item: T): void => {
      const weighs = weigh(item);
      running += 1;
      weight += weighs;
      work(item)
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => {
          running -= 1;
          weight -= weighs;
          proceed();
        });
    };
    const proceed = (): void => {
      while (failure === undefined && next < items.length && running < atOnce) {
        const item = items[next] as T;
        if (running > 0 && weight + weigh(item) > budgetBytes) return;
        next += 1;
        start(item);
      }
      if (running > 0) return;
      if (failure === undefined) resolve();
      else reject(failure.error);
    };
    proceed();
  });
}
