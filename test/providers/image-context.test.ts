import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { imageArgs, writeImageContext } from "../../providers/image-context.js";
import { planOf } from "./plans.js";

const yaml = `version: 1
name: fx
tasks:
- {name: fetch, commands: [{command: "true"}]}
`;

describe("the folder that an image is built from", function () {
  this.timeout(120_000);
  let projectDir: string;
  beforeEach(() => {
    projectDir = mkdtempSync(join(tmpdir(), "handoff-image-"));
    writeFileSync(join(projectDir, "project.yml"), yaml);
  });
  afterEach(() => rmSync(projectDir, { recursive: true, force: true }));

  /** As the image's entry point is started, with the folder in place of the image's root. */
  const runner = (dir: string, command: string, env: Readonly<Record<string, string>> = {}) => {
    mkdirSync(join(dir, "venvs"), { recursive: true });
    const work = join(projectDir, "work");
    return spawnSync(process.execPath, [join(dir, "runner", "main.js"), command], {
      encoding: "utf8",
      env: { PATH: process.env.PATH ?? "", HANDOFF_ROOT: dir, HANDOFF_WORK: work, ...env },
    });
  };

  it("holds a whole runner: each cloud's library is found from there", () => {
    const dir = writeImageContext(planOf(yaml, "aws", { projectDir }));
    expect(JSON.parse(runner(dir, "info").stdout)).to.deep.include({ project: "fx", tasks: ["fetch"] });
    // Nobody answers there: the error is the store's, so its library was loaded.
    const nobody = "http://127.0.0.1:9";
    const connection = `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;BlobEndpoint=${nobody}/a;`;
    const places = [
      {
        HANDOFF_ARTIFACTS: "s3://bucket/prod",
        AWS_ENDPOINT_URL_S3: nobody,
        AWS_REGION: "us-east-1",
        AWS_ACCESS_KEY_ID: "x",
        AWS_SECRET_ACCESS_KEY: "x",
      },
      { HANDOFF_ARTIFACTS: `${nobody}/a/container/prod`, AZURE_STORAGE_CONNECTION_STRING: connection },
    ];
    for (const place of places) {
      const { status, stdout } = runner(dir, "run", place);
      expect(stdout)
        .to.contain(`can't read last in ${place.HANDOFF_ARTIFACTS}`)
        .and.contain("can't be reached");
      expect(status).to.equal(2);
    }
  });

  it("is built from the stack's base, where it names one, and one image serves all projects that are cloned", () => {
    const plan = planOf(yaml, "aws", { projectDir });
    expect(imageArgs(plan)).to.deep.equal({ CONTENT_HASH: plan.contentHash, PROJECT: "fx" });
    const based = planOf(yaml, "aws", {
      projectDir,
      imageBase: "registry.example/base:1",
      imageNode: "node:22-alpine",
    });
    expect(imageArgs(based)).to.deep.include({ BASE: "registry.example/base:1", NODE: "node:22-alpine" });
    const source = "deploy: {source: {git: {url: https://example.com/fx.git}}}\n";
    const cloned = planOf(`${yaml}${source}`, "aws", { projectDir });
    expect(imageArgs(cloned)).to.deep.equal({ PROGRAMS: "git", INSTALLER: "uv" });
    const dir = writeImageContext(cloned);
    expect(JSON.parse(readFileSync(join(dir, "spec.json"), "utf8"))).to.equal(null);
    expect(readdirSync(join(dir, "project"))).to.deep.equal([]);
  });

  it("is left alone where it is as it should be: an image may be built from it, for another stack of the project", () => {
    mkdirSync(join(projectDir, "files/sql"), { recursive: true });
    writeFileSync(join(projectDir, "files/sql/a.sql"), "select 1\n");
    const look = (dir: string) =>
      readdirSync(dir, { recursive: true })
        .map(String)
        .sort()
        .map((path) => [path, statSync(join(dir, path)).ino, statSync(join(dir, path)).mtimeMs]);
    const dir = writeImageContext(planOf(yaml, "aws", { projectDir }));
    const before = look(dir);
    expect(before.map(([path]) => path)).to.include("project/files/sql/a.sql");
    writeImageContext(planOf(yaml, "gcp", { projectDir }));
    expect(look(dir)).to.deep.equal(before);
    rmSync(join(projectDir, "files"), { recursive: true });
    writeImageContext(planOf(yaml, "aws", { projectDir }));
    expect(look(dir).map(([path]) => path)).to.not.include("project/files");
    expect(readdirSync(join(dir, ".."))).to.deep.equal(["image"]);
  });

  it("holds nothing of an earlier runner or project", () => {
    const plan = planOf(yaml, "aws", { projectDir });
    const dir = writeImageContext(plan);
    for (const folder of ["runner/chunks", "project", "installs"])
      writeFileSync(join(dir, folder, "old.js"), "");
    writeImageContext(plan);
    for (const folder of ["runner/chunks", "project", "installs"]) {
      expect(existsSync(join(dir, folder, "old.js")), folder).to.equal(false);
    }
  });
});
