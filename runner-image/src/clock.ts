/** Milliseconds of a clock that only goes forward. Unlike `performance.now()` it needs no module that Node loads first. */
export function milliseconds(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
