import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { loadProject } from "../../model/load.js";

const unknownVenvs = (count: number): string =>
  Array.from({ length: count }, (_, i) => `  - {command: x, venv: venv_${i}}\n`).join("");

/** Just under the largest file that is read, and the code that answers it. */
const files: Readonly<Record<string, readonly [text: string, code: string]>> = {
  "15,000 unknown venvs": [
    `version: 1\ntasks:\n- name: a\n  commands:\n${unknownVenvs(15_000)}`,
    "file-too-large",
  ],
  "300,000 empty items": [`version: 1\ntasks:\n${"- \n".repeat(300_000)}`, "file-too-large"],
  "mixed brackets": [`version: 1\ntasks: ${"[a, {b: ".repeat(100_000)}`, "too-deep"],
};

describe("hostile files", function () {
  this.timeout(30_000);
  let dir = "";
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), "handoff-hostile-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const load = (text: string) => {
    writeFileSync(path.join(dir, "project.yml"), text);
    return loadProject(dir, { cwd: dir });
  };

  for (const [name, [text, code]] of Object.entries(files)) {
    it(`${name}: one answer, soon`, () => {
      const { user } = process.cpuUsage();
      expect(load(text).diagnostics.map((found) => found.code)).to.deep.equal([code]);
      expect((process.cpuUsage().user - user) / 1e6).to.be.lessThan(5);
    });
  }

  it("shows 100 findings and counts the rest", () => {
    const { diagnostics } = load(`version: 1\ntasks:\n- name: a\n  commands:\n${unknownVenvs(150)}`);
    expect(diagnostics).to.have.length(101);
    expect(diagnostics.at(-1)?.message).to.match(/^and 50 more/);
  });

  it("warnings alone, however many, leave a 0.x project valid", () => {
    const { project, diagnostics } = load(
      `version: 0.4\ntasks:\n- name: a\n  commands:\n${unknownVenvs(150)}`,
    );
    expect(project).to.not.equal(null);
    expect(new Set(diagnostics.map(({ severity }) => severity))).to.deep.equal(new Set(["warning"]));
  });
});
