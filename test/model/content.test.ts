import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { contentHash, listProjectFiles } from "../../model/content.js";
import { UserError } from "../../model/diagnostic.js";

describe("project content", () => {
  let dir = "";
  const write = (name: string, text: string): void => {
    mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    writeFileSync(path.join(dir, name), text);
  };
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), "handoff-content-"));
    write("project.yml", "version: 1\n");
    write("files/b.py", "print(1)\n");
    write("files/a/x.txt", "x");
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("lists project.yml and files/, sorted, without secrets and tools' folders", () => {
    for (const name of [
      ".secrets/k",
      "files/__pycache__/b.pyc",
      "files/node_modules/m.js",
      ".git/HEAD",
      "artifacts/o",
    ])
      write(name, "");
    expect(listProjectFiles(dir)).to.deep.equal(["files/a/x.txt", "files/b.py", "project.yml"]);
  });

  it("changes its hash with a content, a path or a mode, and with nothing else", () => {
    const first = contentHash(dir);
    write("artifacts/out.csv", "1");
    expect(contentHash(dir))
      .to.equal(first)
      .and.match(/^[0-9a-f]{64}$/);
    chmodSync(path.join(dir, "files/b.py"), 0o755);
    const executable = contentHash(dir);
    write("files/b.py", "print(2)\n");
    const edited = contentHash(dir);
    write("files/c.py", "");
    expect(new Set([first, executable, edited, contentHash(dir)]).size).to.equal(4);
  });

  it("covers project.yml and dotfiles, files/.norender among them: they decide what a run does", () => {
    const hashes = [contentHash(dir)];
    write("files/.norender", "dbt/**\n");
    expect(listProjectFiles(dir)).to.include("files/.norender");
    hashes.push(contentHash(dir));
    write("files/.norender", "a/**\n");
    hashes.push(contentHash(dir));
    write("files/a/.env", "A=1\n");
    hashes.push(contentHash(dir));
    write("project.yml", "version: 1\nname: x\n");
    hashes.push(contentHash(dir));
    expect(new Set(hashes).size).to.equal(hashes.length);
  });

  it("follows links inside of the project and refuses those that leave it", () => {
    symlinkSync("../files", path.join(dir, "files/loop"));
    expect(listProjectFiles(dir)).to.include("files/b.py");
    symlinkSync("/etc/passwd", path.join(dir, "files/out"));
    expect(() => listProjectFiles(dir)).to.throw(UserError, /files\/out is a link to something outside/);
  });
});
