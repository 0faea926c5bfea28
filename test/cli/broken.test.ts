/** What a person sees of a broken project: every problem with its place and what to do, exit code 2, no stack trace. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { brokenProjects } from "../model/broken-projects.js";
import { writeBrokenProject } from "../model/write-broken.js";
import { cli } from "./support.js";

function snapshot(dir: string): string[] {
  return readdirSync(dir, { recursive: true })
    .map((name) => {
      const { size, mtimeMs } = statSync(join(dir, String(name)), { throwIfNoEntry: false }) ?? {};
      return `${name} ${size} ${mtimeMs}`;
    })
    .sort();
}

describe("cli: broken projects", () => {
  for (const broken of brokenProjects) {
    // Without the file the command says so in its own words.
    if (broken.yaml === undefined && broken.bytes === undefined) continue;
    it(`run refuses: ${broken.name}`, async () => {
      const { dir, remove } = writeBrokenProject(broken);
      try {
        const before = snapshot(dir);
        const { code, stdout, stderr } = await cli(["run", "-p", dir]);
        expect(code).to.equal(2);
        expect(stdout).to.equal("");
        expect(stderr).to.not.match(/^\s+at .*:\d+:\d+\)?$/m);
        for (const [, line, column] of broken.errors) {
          expect(stderr).to.contain(`:${line}:${column}`);
        }
        expect(snapshot(dir)).to.deep.equal(before);
      } finally {
        remove();
      }
    });
  }
});
