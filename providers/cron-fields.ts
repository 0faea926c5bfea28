/** A field of a cron expression, written from the values that it means. */

/**
 * `1-5,7`: sorted values, three or more in a row as a range.
 * @param named what a value is called; default: its number
 */
export function listOf(values: readonly number[], named: (value: number) => string = String): string {
  const parts: string[] = [];
  for (let start = 0; start < values.length; ) {
    let end = start;
    while (values[end + 1] === (values[end] ?? 0) + 1) end++;
    const row = values.slice(start, end + 1).map(named);
    parts.push(...(row.length > 2 ? [`${row[0]}-${row.at(-1)}`] : row));
    start = end + 1;
  }
  return parts.join(",");
}
