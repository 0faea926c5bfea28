/** Columns that fit a width: the last one is broken between words, the others are as wide as they need to be. */
export function formatColumns(
  rows: readonly (readonly string[])[],
  { width, indent = 0, gap = 2 }: { readonly width: number; readonly indent?: number; readonly gap?: number },
): string {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: Math.max(0, count - 1) }, (_, column) =>
    Math.max(0, ...rows.filter((row) => row.length > column + 1).map((row) => visible(row[column] ?? ""))),
  );
  const start = indent + widths.reduce((sum, each) => sum + each + gap, 0);
  // Names that leave no room: what they are for goes below them.
  const below = width - start < 24;
  const left = below ? indent + 4 : start;
  return rows
    .map((row) => {
      const cells = row.slice(0, -1).map((cell, column) => pad(cell, (widths[column] ?? 0) + gap));
      const head = " ".repeat(indent) + cells.join("");
      const lines = wrap(row.at(-1) ?? "", width - left);
      const rest = lines.map((line) => " ".repeat(left) + line);
      if (below) return [head.trimEnd(), ...rest].join("\n");
      return [head + (lines[0] ?? ""), ...rest.slice(1)].join("\n");
    })
    .map((line) => line.trimEnd())
    .join("\n");
}

/** Words in lines of at most `width`; a word that is longer has a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && visible(line) + 1 + visible(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function pad(cell: string, width: number): string {
  return cell + " ".repeat(Math.max(0, width - visible(cell)));
}

/** Length on a terminal: colours take no room. */
function visible(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what colours begin with
  return text.replace(/\u001b\[[0-9;]*m/g, "").length;
}
