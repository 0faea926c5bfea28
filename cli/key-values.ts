import { UserError } from "../model/diagnostic.js";

/**
 * `["A=1", "B=x=y"]` -> `{ A: "1", B: "x=y" }`; the last of several for one key wins.
 * @param flag as the user typed it, for the message
 * @throws UserError `bad-option` for an entry without a key or without `=`.
 */
export function parseKeyValues(
  entries: readonly string[] | undefined,
  flag: string,
): Readonly<Record<string, string>> {
  const result: Record<string, string> = {};
  for (const entry of entries ?? []) {
    const at = entry.indexOf("=");
    // The text itself is not shown: it may be a password in the wrong place.
    if (at <= 0) {
      throw new UserError(`${flag} takes KEY=VALUE`, {
        code: "bad-option",
        hint: `such as: ${flag} base=EUR`,
      });
    }
    result[entry.slice(0, at)] = entry.slice(at + 1);
  }
  return result;
}

/** `parseKeyValues`' kin for instants. Returns ISO 8601 in UTC with milliseconds. */
export function parseInstant(text: string, flag: string): string {
  const instant = new Date(text);
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || Number.isNaN(instant.getTime())) {
    throw new UserError(`${flag}: ${text} is no ISO 8601 instant`, {
      code: "bad-option",
      hint: `such as: ${flag} 2026-03-01T06:00:00Z`,
    });
  }
  return instant.toISOString();
}
