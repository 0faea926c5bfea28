import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { loadProject } from "../../model/load.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Folders of examples/ and templates/ that hold a project. */
function shippedProjects(): string[] {
  return ["examples", "templates"].flatMap((folder) =>
    readdirSync(path.join(root, folder))
      .map((name) => path.join(root, folder, name))
      .filter((dir) => existsSync(path.join(dir, "project.yml"))),
  );
}

describe("projects that come with handoff", () => {
  it("are at least five examples and three templates", () => {
    expect(shippedProjects()).to.have.length.of.at.least(8);
  });

  for (const dir of shippedProjects()) {
    it(`${path.relative(root, dir)} loads with nothing to complain about`, () => {
      const { project, diagnostics } = loadProject(dir, { cwd: root });
      expect(diagnostics).to.deep.equal([]);
      expect(project?.tasks).to.be.an("array").and.not.empty;
    });
  }

  it("dbt's own templates are left alone because files/.norender names them", () => {
    const dir = mkdtempSync(path.join(tmpdir(), "handoff-norender-"));
    try {
      cpSync(path.join(root, "examples/dbt-duckdb"), dir, { recursive: true });
      rmSync(path.join(dir, "files/.norender"));
      const { project, diagnostics } = loadProject(dir, { cwd: dir });
      expect(project).to.equal(null);
      expect(diagnostics.map(({ location }) => location?.file)).to.include("files/dbt/models/revenue.sql");
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
