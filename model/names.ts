import { createHash } from "node:crypto";

/** What a platform allows in one kind of name; each provider has a table of these. */
export interface NameRule {
  /** Longest name, in characters; at least 12. */
  readonly max: number;
  /** One allowed character: `/[a-z0-9-]/`. Letters, digits or both, and the separator, must be among them. */
  readonly allowed: RegExp;
  /** What the first character must be; default: any allowed one. */
  readonly start?: RegExp;
  /** What the last character must be; default: any allowed one. */
  readonly end?: RegExp;
  /** Capitals become small letters; default false. */
  readonly lowercase?: boolean;
  /** Between the parts, and for what isn't allowed; `""` where the platform allows nothing of the kind. */
  readonly separator: string;
  /** Two separators in a row are not allowed; default false. */
  readonly noDoubleSeparator?: boolean;
  /** Put before a name that starts with what `start` forbids; default `h`. */
  readonly prefix?: string;
}

/** Small letters and digits, single dashes between them, a letter first: what the strictest kinds of names allow. */
export const smallDashes = {
  allowed: /[a-z0-9-]/,
  start: /[a-z]/,
  end: /[a-z0-9]/,
  lowercase: true,
  noDoubleSeparator: true,
  separator: "-",
} as const satisfies Omit<NameRule, "max">;

/** 40 bits: two of a thousand names are the same by chance once in two million deployments. */
const hashLength = 8;
const base32 = "abcdefghijklmnopqrstuvwxyz234567";
const hashPattern = new RegExp(`[${base32}]{${hashLength}}$`);

function shortHash(parts: readonly string[]): string {
  // As JSON, so that ["a-b"] and ["a", "b"] are not the same.
  const digest = createHash("sha256").update(JSON.stringify(parts)).digest();
  let text = "";
  for (let i = 0; i < hashLength; i++) text += base32[(digest[i] ?? 0) % 32];
  return text;
}

function allows(pattern: RegExp, character: string): boolean {
  return new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gy]/g, "")).test(character);
}

function sanitise(rule: NameRule, part: string): string {
  const plain = part.normalize("NFKD").replace(/\p{M}/gu, "");
  let name = "";
  for (const character of rule.lowercase ? plain.toLowerCase() : plain) {
    name += allows(rule.allowed, character) && character.length === 1 ? character : rule.separator;
  }
  return name;
}

/** Without runs of the separator, and fit at both ends. */
function tidy(rule: NameRule, name: string): string {
  const { separator, start, end } = rule;
  let tidied = name;
  if (rule.noDoubleSeparator && separator !== "") {
    while (tidied.includes(separator + separator))
      tidied = tidied.replaceAll(separator + separator, separator);
  }
  if (end) while (tidied !== "" && !allows(end, tidied.slice(-1))) tidied = tidied.slice(0, -1);
  if (start && !allows(start, tidied.charAt(0))) {
    // Cut what can't start a name, but not a leading number of a client's name: that gets a letter before it.
    while (tidied !== "" && !/[A-Za-z0-9]/.test(tidied.charAt(0))) tidied = tidied.slice(1);
    if (!allows(start, tidied.charAt(0))) tidied = `${rule.prefix ?? "h"}${tidied}`;
  }
  return tidied;
}

/**
 * The platform's name for something: the parts joined by the separator. Where a part had to be changed or the whole cut,
 * a hash of the parts is appended, so that different parts never share a name; and where the name could be read in two
 * ways (`a-b` and `a`, `b`: a part that holds the separator) as well. The same parts always give the same name.
 * @throws Error when there is no part, or the rule leaves no room for a hash
 */
export function physicalName(rule: NameRule, parts: readonly string[]): string {
  if (parts.length === 0) throw new Error("a name needs at least one part");
  if (rule.max < hashLength + 4)
    throw new Error(`a name of at most ${rule.max} characters leaves no room for a hash`);
  const exact = parts.join(rule.separator);
  const name = tidy(rule, parts.map((part) => sanitise(rule, part)).join(rule.separator));
  // A single part is no exception: `a-b` by itself would else be called what `a`, `b` are called.
  const ambiguous =
    parts.includes("") ||
    (rule.separator === "" ? parts.length > 1 : parts.some((part) => part.includes(rule.separator)));
  // A name that already ends like one of ours gets a hash too, else somebody could choose a part that collides.
  const lookalike = name.slice(0, -hashLength).endsWith(rule.separator) && hashPattern.test(name);
  if (name === exact && name.length <= rule.max && !ambiguous && !lookalike) return name;
  const suffix = `${rule.separator}${shortHash(parts)}`;
  const room = rule.max - suffix.length;
  // Cutting may leave a separator at the end, which with the suffix's makes two.
  let head = name.slice(0, room);
  while (rule.separator !== "" && head.endsWith(rule.separator)) head = head.slice(0, -rule.separator.length);
  // A hash by itself would look like a name of eight letters that somebody chose.
  return tidy(rule, `${head === "" ? (rule.prefix ?? "h") : head}${suffix}`);
}
