import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { loadProject } from "../../model/load.js";
import { brokenProjects } from "./broken-projects.js";
import { writeBrokenProject } from "./write-broken.js";

describe("loadProject on broken projects", function () {
  this.timeout(30_000);

  it("has at least 60 of them, each with an error and a name of its own", () => {
    expect(brokenProjects.length).to.be.at.least(60);
    expect(new Set(brokenProjects.map((project) => project.name)).size).to.equal(brokenProjects.length);
    for (const project of brokenProjects) expect(project.errors, project.name).to.not.be.empty;
  });

  for (const project of brokenProjects) {
    it(`finds all that is wrong: ${project.name}`, () => {
      const { dir, remove } = writeBrokenProject(project);
      try {
        const before = snapshot(dir);
        const started = process.hrtime.bigint();
        const loaded = loadProject(dir, { cwd: dir });
        const seconds = Number(process.hrtime.bigint() - started) / 1e9;
        const errors = loaded.diagnostics.filter((diagnostic) => diagnostic.severity === "error");
        expect(
          errors.map(({ code, location }) => [code, location?.line, location?.column, location?.path ?? ""]),
        ).to.deep.equal(project.errors);
        expect(loaded.project).to.equal(null);
        for (const { hint, message, location } of errors) {
          expect(hint, message).to.be.a("string").and.not.equal("");
          expect(message).to.not.match(/undefined`? must|\[object|Invalid input/);
          expect(location?.file).to.match(/^(project\.yml|files\/.*)$/);
        }
        expect(seconds).to.be.lessThan(5);
        expect(snapshot(dir)).to.deep.equal(before);
      } finally {
        remove();
      }
    });
  }
});

function snapshot(dir: string): string[] {
  return (readdirSync(dir, { recursive: true }) as string[]).sort().map((name) => {
    const { size, mtimeMs } = statSync(path.join(dir, name));
    return `${name} ${size} ${mtimeMs}`;
  });
}
