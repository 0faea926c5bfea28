import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("docs/diagnostics.md", () => {
  it("lists every code that the model reports", () => {
    const codes = new Set<string>();
    for (const name of readdirSync(path.join(root, "model"), { recursive: true }) as string[]) {
      if (!name.endsWith(".ts")) continue;
      const source = readFileSync(path.join(root, "model", name), "utf8");
      for (const [, code = ""] of source.matchAll(/code: "([a-z-]+)"/g)) codes.add(code);
    }
    expect(codes.size).to.be.greaterThan(40);
    const doc = readFileSync(path.join(root, "docs/diagnostics.md"), "utf8");
    const listed = new Set([...doc.matchAll(/`([a-z-]+)`/g)].map(([, code = ""]) => code));
    expect([...codes].filter((code) => !listed.has(code)).sort()).to.deep.equal([]);
  });
});
