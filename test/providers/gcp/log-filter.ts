/**
 * Cloud Logging's query language as far as handoff writes it: comparisons with `=`, `:` (is a part of) and `>=`, `AND`, `OR`,
 * parentheses. Anything else is an error: a filter that this can't read is none that the test can vouch for.
 */
import type { logging_v2 } from "@googleapis/logging";

type Entry = logging_v2.Schema$LogEntry;

const severities = [
  "DEFAULT",
  "DEBUG",
  "INFO",
  "NOTICE",
  "WARNING",
  "ERROR",
  "CRITICAL",
  "ALERT",
  "EMERGENCY",
];

export function matchesFilter(entry: Entry, filter: string): boolean {
  const tokens = tokensOf(filter);
  let at = 0;
  const next = (): string => tokens[at++] ?? "";
  const term = (): boolean => {
    const first = next();
    if (first !== "(") return compare(entry, first, next(), next());
    const inner = either();
    if (next() !== ")") throw new Error(`a parenthesis is open in: ${filter}`);
    return inner;
  };
  const both = (): boolean => {
    let all = term();
    while (tokens[at] === "AND") {
      at += 1;
      all = term() && all;
    }
    return all;
  };
  const either = (): boolean => {
    let any = both();
    while (tokens[at] === "OR") {
      at += 1;
      any = both() || any;
    }
    return any;
  };
  const result = either();
  if (at !== tokens.length) throw new Error(`can't read ${tokens.slice(at).join(" ")} in: ${filter}`);
  return result;
}

function tokensOf(filter: string): string[] {
  const tokens = filter.match(/"[^"]*"(?=[\s)]|$)|\(|\)|>=|[=:]|(?:"[^"]*"|[\w.])+/g) ?? [];
  if (tokens.join("") !== filter.replace(/\s+(?=(?:[^"]*"[^"]*")*[^"]*$)/g, ""))
    throw new Error(`can't read the filter: ${filter}`);
  return tokens;
}

function compare(entry: Entry, path: string, operator: string, quoted: string): boolean {
  const wanted = quoted.replace(/^"(.*)"$/, "$1");
  const value = valueAt(entry, path);
  if (value === undefined) return false;
  switch (operator) {
    case "=":
      return value === wanted;
    case ":":
      return value.toLowerCase().includes(wanted.toLowerCase());
    case ">=":
      if (path === "severity") return severities.indexOf(value) >= severities.indexOf(wanted);
      if (Number.isNaN(Date.parse(wanted))) throw new Error(`${wanted} is no time`);
      return Date.parse(value) >= Date.parse(wanted);
    default:
      throw new Error(`can't compare with ${operator}`);
  }
}

/** `labels."run.googleapis.com/execution_name"` */
function valueAt(entry: Entry, path: string): string | undefined {
  const parts = (path.match(/"[^"]*"|[^.]+/g) ?? []).map((part) => part.replaceAll('"', ""));
  const found = parts.reduce<unknown>(
    (value, part) =>
      typeof value === "object" && value !== null ? (value as Record<string, unknown>)[part] : undefined,
    entry,
  );
  return typeof found === "string" ? found : undefined;
}
