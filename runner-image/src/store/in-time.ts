/** For libraries that would wait for an answer without end. */

const tries = 3;

/**
 * Calls `ask` anew when it hasn't ended in time; what it then gives counts no more. `signal` tells it of that.
 * @throws Error when no try ended in time, and what `ask` throws
 */
export async function inTime<T>(timeoutMs: number, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const late = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`no answer within ${timeoutMs / 1000} s`));
        late.abort();
      }, timeoutMs);
    });
    try {
      return await Promise.race([ask(late.signal), over]);
    } catch (error) {
      if (!late.signal.aborted || attempt === tries) throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}
