import pico from "picocolors";

export type Colours = ReturnType<typeof pico.createColors>;

/** Colours on a terminal alone; NO_COLOR (any value) turns them off, FORCE_COLOR on, as the two conventions say. */
export function colours(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): Colours {
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "0";
  const on = env.NO_COLOR ? false : forced || (stream.isTTY === true && env.TERM !== "dumb");
  return pico.createColors(on);
}

/** For files. */
export const colourless: Colours = pico.createColors(false);
