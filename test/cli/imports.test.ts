/** Imports go one way: a forbidden one fails the lint. */
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { root } from "./support.js";

const forbidden = [
  ["model", "../providers/index.js"],
  ["model", "@pulumi/pulumi"],
  ["runner-image/src", "../../providers/index.js"],
  ["history", "../providers/index.js"],
  ["providers", "../deploy/stack.js"],
  ["deploy", "../cli/program.js"],
] as const;

describe("import direction", function () {
  this.timeout(60_000);
  for (const [folder, target] of forbidden) {
    it(`${folder} may not import ${target}`, () => {
      const file = join(root, folder, `forbidden-import-${process.pid}.ts`);
      writeFileSync(file, `import * as forbidden from "${target}";\n\nexport const used = forbidden;\n`);
      let output = "";
      try {
        execFileSync(join(root, "node_modules/.bin/biome"), ["lint", file], { cwd: root, stdio: "pipe" });
      } catch (error) {
        output = String((error as { stderr: Buffer }).stderr) + String((error as { stdout: Buffer }).stdout);
      } finally {
        rmSync(file, { force: true });
      }
      expect(output).to.contain("noRestrictedImports");
    });
  }
});
