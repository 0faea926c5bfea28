/** What a misspelt name was most likely meant to be: of keys, names, settings, time zones. */

/** A file can hold tens of thousands of names: comparing with all of them, for each misspelt one, takes minutes. */
const maxCandidates = 1000;
const maxLength = 80;

/** The candidate with the fewest slips of the pen, when they are few for the word's length; undefined when none is near. */
export function nearest<T extends string>(word: string, candidates: Iterable<T>): T | undefined {
  if (word.length === 0 || word.length > maxLength) return undefined;
  const wanted = fold(word);
  let best: T | undefined;
  let least = slips(word.length) + 1;
  let left = maxCandidates;
  for (const candidate of candidates) {
    if (left-- === 0) break;
    if (candidate === word) continue;
    const distance = editDistance(wanted, fold(candidate), least - 1);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

function slips(length: number): number {
  if (length <= 4) return 1;
  return length <= 8 ? 2 : Math.max(3, Math.floor(length / 3));
}

/** Case and the choice of separator are not what makes two names differ for a reader. */
function fold(word: string): string {
  return word.toLowerCase().replace(/[-. ]/g, "_");
}

/** Insertions, removals, changes and swaps of neighbours that turn `a` into `b`; given up when it must exceed `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let best = i;
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let value = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        value = Math.min(value, (beforeLast[j - 2] ?? 0) + 1);
      row.push(value);
      best = Math.min(best, value);
    }
    if (best > limit) return limit + 1;
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
