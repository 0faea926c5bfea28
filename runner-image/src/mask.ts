/**
 * Keeps secret values out of logs and records. A value is found as it is and in the forms that tools print it in:
 * base64 (also inside a longer text, such as `user:password`), URL-encoded, JSON-escaped and shell-quoted.
 *
 * - A secret of several lines is also masked line by line, since a log is.
 * - A value of 1 to 3 characters would blot out half of a log: it is masked only where it stands alone, that is,
 *   not next to a letter, digit or underscore, and only as it is. Lines that short of a longer secret are let be.
 * - Where values overlap, all that any of them covers is masked, as one.
 */

/** What stands in the place of a secret. */
export const maskText = "[secret]";

/** Shorter values are masked only where they stand alone. */
const shortLimit = 4;

export interface Masker {
  /** The text with every secret in it masked. */
  mask(text: string): string;
  /** For one text that arrives in pieces: finds a secret also where it is split over several of them. */
  stream(): StreamMasker;
}

export interface StreamMasker {
  /** What may be shown so far: the end that could be the beginning of a secret is kept back. */
  write(text: string): string;
  /** What was kept back. */
  end(): string;
}

/** Masks `values`; without any, text passes as it is. */
export function createMasker(values: Iterable<string>): Masker {
  const matcher = compile(values);
  if (matcher === null)
    return { mask: (text) => text, stream: () => ({ write: (text) => text, end: () => "" }) };
  return {
    mask: (text) => replaceSpans(text, matcher.spans(text, 0)),
    stream: () => streamMasker(matcher),
  };
}

function streamMasker(matcher: Matcher): StreamMasker {
  /** The character before `held`, which says whether a short value stands alone. */
  let before = "";
  let held = "";
  const emit = (all: string, cut: number): string => {
    const shown = all.slice(0, cut);
    const spans = matcher.spans(all, before.length).filter((span) => span.start < cut);
    before = shown.slice(-1);
    held = all.slice(cut);
    return shown === "" ? "" : replaceSpans(shown, spans);
  };
  return {
    write(text) {
      const lead = before.length;
      const all = before + held + text;
      let cut = matcher.openEnd(all, lead);
      // A secret that is already whole but may go on is not cut in two.
      for (const span of matcher.spans(all, lead)) if (span.start < cut && cut < span.end) cut = span.start;
      return emit(all, cut).slice(lead);
    },
    end() {
      const lead = before.length;
      const all = before + held;
      return emit(all, all.length).slice(lead);
    },
  };
}

/**
 * For the lines of one output, of which a long one comes in pieces. `complete` is false for every piece but a line's last;
 * then what comes back may be shorter than the piece, or empty: its end waits for the next one.
 */
export function lineMasker(masker: Masker): (line: string, complete: boolean) => string {
  let pieces: StreamMasker | null = null;
  return (line, complete) => {
    if (complete && pieces === null) return masker.mask(line);
    pieces ??= masker.stream();
    const shown = pieces.write(line);
    if (!complete) return shown;
    const rest = pieces.end();
    pieces = null;
    return shown + rest;
  };
}

interface Span {
  readonly start: number;
  readonly end: number;
}

interface Matcher {
  /** Covered parts of the text from `from` on, in order, merged. */
  spans(text: string, from: number): Span[];
  /** Where the shortest part at the end begins that could still grow into a secret; the length when none could. */
  openEnd(text: string, from: number): number;
}

function compile(values: Iterable<string>): Matcher | null {
  const long = new Set<string>();
  const short = new Set<string>();
  for (const value of values) {
    if (value === "") continue;
    if (value.length < shortLimit) short.add(value);
    else for (const form of formsOf(value)) if (form.length >= shortLimit) long.add(form);
  }
  if (long.size === 0 && short.size === 0) return null;
  // Longest first: an alternation takes the first that fits.
  const byLength = (set: Set<string>): string[] =>
    [...set].sort((a, b) => b.length - a.length).map(escapeRegExp);
  const alternatives = byLength(long);
  if (short.size > 0)
    alternatives.push(`(?<![\\p{L}\\p{N}_])(?:${byLength(short).join("|")})(?![\\p{L}\\p{N}_])`);
  const pattern = new RegExp(alternatives.join("|"), "gu");
  const all = [...long, ...short];
  const longest = all.reduce((max, form) => Math.max(max, form.length), 0);
  const byFirst = new Map<string, string[]>();
  for (const form of all) byFirst.set(form.charAt(0), [...(byFirst.get(form.charAt(0)) ?? []), form]);

  return {
    spans(text, from) {
      const found: Span[] = [];
      pattern.lastIndex = from;
      for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
        const start = match.index;
        const end = start + match[0].length;
        const last = found.at(-1);
        if (last !== undefined && start < last.end)
          found[found.length - 1] = { start: last.start, end: Math.max(last.end, end) };
        else found.push({ start, end });
        // From the next character on, not from the end: another value may begin within this one.
        pattern.lastIndex = start + ((text.codePointAt(start) ?? 0) > 0xffff ? 2 : 1);
      }
      return found;
    },
    openEnd(text, from) {
      for (let at = Math.max(from, text.length - longest); at < text.length; at++) {
        const rest = text.slice(at);
        const candidates = byFirst.get(rest.charAt(0)) ?? [];
        // A short value at the very end needs the next character too.
        if (
          candidates.some((form) => form.startsWith(rest) && (form.length > rest.length || short.has(form)))
        )
          return at;
      }
      return text.length;
    },
  };
}

function replaceSpans(text: string, spans: readonly Span[]): string {
  if (spans.length === 0) return text;
  let out = "";
  let at = 0;
  for (const { start, end } of spans) {
    out += text.slice(at, start) + maskText;
    at = end;
  }
  return out + text.slice(at);
}

function formsOf(value: string): Set<string> {
  const forms = new Set<string>();
  for (const part of partsOf(value)) {
    forms.add(part);
    for (const encoded of base64Forms(part)) forms.add(encoded);
    for (const encoded of urlForms(part)) forms.add(encoded);
    for (const encoded of jsonForms(part)) forms.add(encoded);
    for (const quoted of shellForms(part)) forms.add(quoted);
  }
  return forms;
}

/** The whole and, of several lines, each line that is long enough to be told from ordinary text. */
function partsOf(value: string): string[] {
  const parts = [value];
  const trimmed = value.trim();
  if (trimmed.length >= shortLimit) parts.push(trimmed);
  if (/[\r\n]/.test(value)) {
    for (const line of value.split(/[\r\n]+/)) if (line.trim().length >= shortLimit) parts.push(line.trim());
  }
  return parts;
}

/** Base64 and base64url with and without padding, and what stays the same when other bytes come before and after. */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value);
  const whole = bytes.toString("base64");
  const forms = [whole, whole.replace(/=+$/, "")];
  for (const shift of [0, 1, 2]) {
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes]);
    // 3 bytes are 4 characters; those that neighbouring bytes have a part in are left out.
    const first = Math.ceil((shift * 8) / 6);
    const last = Math.floor((shifted.length * 8) / 6);
    const core = shifted.toString("base64").slice(first, last);
    // A short core may turn up by chance.
    if (core.length >= 8) forms.push(core);
  }
  return forms.flatMap((form) => [form, form.replaceAll("+", "-").replaceAll("/", "_")]);
}

function urlForms(value: string): string[] {
  // Unpaired surrogates can't be URL-encoded, and nobody can have printed them so.
  if (/\p{Surrogate}/u.test(value)) return [];
  const strict = encodeURIComponent(value).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const plain = encodeURIComponent(value);
  const forms = [
    plain,
    strict,
    plain.replaceAll("%20", "+"),
    strict.replaceAll("%20", "+"),
    plain.replaceAll("%2F", "/"),
    strict.replaceAll("%2F", "/"),
  ];
  return forms.flatMap((form) => [form, form.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())]);
}

function jsonForms(value: string): string[] {
  const plain = JSON.stringify(value).slice(1, -1);
  // Python's json.dumps writes ASCII only; some encoders escape the slash.
  const ascii = plain.replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return [plain, ascii, plain.replaceAll("/", "\\/")].flatMap((form) => [
    form,
    JSON.stringify(form).slice(1, -1),
  ]);
}

function shellForms(value: string): string[] {
  return [
    value.replaceAll("'", "'\\''"),
    value.replaceAll("'", `'"'"'`),
    // printf %q, and inside double quotes.
    value.replace(/[^A-Za-z0-9_@%+=:,./-]/g, (char) => `\\${char}`),
    value.replace(/["$`\\]/g, (char) => `\\${char}`),
  ];
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
