import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Codes in the sources below a folder, each with the file that it is first seen in. */
function codesOf(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts")) continue;
    const file = path.join(folder, name);
    const source = readFileSync(path.join(root, file), "utf8");
    for (const [, first, second] of source.matchAll(
      /code: (?:[^"\n]*\? )?"([a-z][a-z-]+)"(?: : "([a-z-]+)")?/g,
    ))
      for (const code of [first, second]) if (code && !found.has(code)) found.set(code, file);
  }
  return found;
}

describe("docs/diagnostics.md", () => {
  const doc = readFileSync(path.join(root, "docs/diagnostics.md"), "utf8");
  const listed = new Set([...doc.matchAll(/`([a-z-]+)`/g)].map(([, code = ""]) => code));

  for (const [folder, least] of [
    ["model", 40],
    ["history", 0],
    ["providers", 8],
    ["deploy", 8],
    ["cli", 10],
    ["runner-image", 8],
  ] as const) {
    it(`lists every code of ${folder}/`, () => {
      const codes = codesOf(folder);
      expect(codes.size).to.be.at.least(least);
      // What is of one cloud alone has its name, and is told of as a whole.
      const cloud = (code: string, file: string) => {
        const name = /^providers\/(aws|azure|gcp)\//.exec(file)?.[1];
        return name !== undefined && code.startsWith(`${name}-`) && listed.has(`${name}-`);
      };
      const missing = [...codes].filter(([code, file]) => !listed.has(code) && !cloud(code, file));
      expect(missing).to.deep.equal([]);
    });
  }
});
