import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { loadProject } from "../../model/load.js";

describe("secrets in templates", () => {
  let dir = "";
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), "handoff-secret-names-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  for (const version of ["1", "0.4"]) {
    it(`a declared secret is a known name in version ${version}, and another name is not`, () => {
      writeFileSync(
        path.join(dir, "project.yml"),
        `version: ${version}\nsecrets:\n- key: username\ntasks:\n- name: a\n  commands:\n  - command: echo\n    args: "{{ username }} {{ usrname }}"\n`,
      );
      const { diagnostics } = loadProject(dir, { cwd: dir });
      expect(
        diagnostics.map(({ code, severity, message }) => [code, severity, message.slice(0, 9)]),
      ).to.deep.equal([["undefined-name", version === "1" ? "error" : "warning", "`usrname`"]]);
    });
  }
});
