/** Number of insertions, removals, changes and swaps of neighbours that turn `a` into `b`, at most `limit` + 1. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let older: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(change, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (older[j - 2] ?? 0) + 1);
      row.push(best);
    }
    older = previous;
    previous = row;
  }
  return previous[b.length] ?? limit + 1;
}

/** There are some 600 time zones; a file can hold tens of thousands of names. */
const maxCandidates = 1000;

/** The candidate that a misspelt name most likely means, or null when none is within a third of its length. */
export function nearest(name: string, candidates: Iterable<string>): string | null {
  const wanted = name.toLowerCase().slice(0, 80);
  let best: string | null = null;
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  let left = maxCandidates;
  for (const candidate of candidates) {
    if (left-- === 0) break;
    const edits = distance(wanted, candidate.toLowerCase(), least);
    if (edits < least) {
      least = edits;
      best = candidate;
    }
  }
  return best;
}
