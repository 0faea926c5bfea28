import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { findProjectDir, findStack, listStackFiles } from "../../cli/project-lookup.js";
import { temporaryFolder } from "./support.js";

describe("cli: which project, which stack", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  const write = (files: Readonly<Record<string, string>>) => {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder.dir, file)), { recursive: true });
      writeFileSync(join(folder.dir, file), text);
    }
  };
  const found = () => findProjectDir(folder.dir, undefined).slice(folder.dir.length + 1);
  const projects = { "projects/a/project.yml": "", "projects/b/project.yml": "" };

  it("the project is what the stacks say, over what Pulumi.yaml says for all of them", () => {
    const shared = [
      "config:\n  handoff:project: projects/a\n",
      "config:\n  handoff:project: {value: projects/a}\n",
      'config:\n  handoff:project:\n    value: "projects/a" # for all\n',
    ];
    for (const config of shared) {
      write({ ...projects, "Pulumi.yaml": `name: x\n${config}`, "Pulumi.dev.yaml": "config: {}\n" });
      expect(found(), config).to.equal("projects/a");
    }
    write({ "Pulumi.dev.yaml": "config:\n  handoff:project: projects/b\n" });
    expect(found()).to.equal("projects/b");
    write({ "Pulumi.prod.yaml": "config: {}\n" });
    expect(found).to.throw("several projects");
  });

  it("stacks are where stackConfigDir says", () => {
    for (const line of [
      "stackConfigDir: clients",
      'stackConfigDir: "clients" # all of them',
      "config: clients",
    ]) {
      write({ ...projects, "Pulumi.yaml": `name: x\n${line}\n`, "clients/Pulumi.acme.yaml": "config: {}\n" });
      expect(listStackFiles(folder.dir), line).to.deep.equal(["acme"]);
      expect(findStack(folder.dir, undefined).stack).to.equal("acme");
    }
    write({ "Pulumi.yaml": "name: x\nconfig:\n  a:b: c\n", "Pulumi.dev.yaml": "config: {}\n" });
    expect(listStackFiles(folder.dir)).to.deep.equal(["dev"]);
    write({ "Pulumi.yaml": "name: x\nstackConfigDir: none\n" });
    expect(() => findStack(folder.dir, undefined)).to.throw("no Pulumi.<stack>.yaml");
  });
});
