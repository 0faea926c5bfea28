/** A plugin whose engine was killed has nobody to stop it. */

/** Milliseconds between two looks at who the parent is. */
const period = 1000;

/**
 * The provider, and a watch that ends the process when its parent has gone: not before what is being done is done, since an
 * installation that stops half-way leaves half an environment.
 */
export function endWithParent<T extends object>(
  provider: T,
  { parent, end }: { parent: () => number; end: () => void },
): { readonly provider: T; readonly stop: () => void } {
  const first = parent();
  let busy = 0;
  const watch = setInterval(() => {
    if (busy === 0 && parent() !== first) end();
  }, period);
  // The server keeps the process alive, not this.
  watch.unref();
  const counted = new Proxy(provider, {
    get(target, key, receiver) {
      const value: unknown = Reflect.get(target, key, receiver);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        busy++;
        try {
          return await value.apply(target, args);
        } finally {
          busy--;
        }
      };
    },
  });
  return { provider: counted, stop: () => clearInterval(watch) };
}
