/**
 * The signal to hand to the engine. A terminal's Ctrl-C reaches the engine by itself, as one of the terminal's
 * processes; handing it on would be the second interrupt, which makes the engine give up in the middle of a step.
 */
export function engineSignal(signal: AbortSignal | undefined, onTerminal: boolean): AbortSignal | undefined {
  if (!signal || !onTerminal) return signal;
  const handedOn = new AbortController();
  const forward = () => {
    if (signal.reason !== "SIGINT") handedOn.abort(signal.reason);
  };
  if (signal.aborted) forward();
  signal.addEventListener("abort", forward, { once: true });
  return handedOn.signal;
}
