import * as fs from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { type Diagnostic, UserError } from "../../model/diagnostic.js";
import type { Secret } from "../../model/project.js";
import { prepareWorkspace, removeSecretFiles } from "../../runner-image/src/workspace.js";
import { makeProject } from "../support/model.js";

const project = makeProject({ name: "p" });

describe("runner/workspace", () => {
  let dir = "";
  let code = "";
  let work = "";
  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(tmpdir(), "handoff-workspace-"));
    code = path.join(dir, "code");
    work = path.join(dir, "work");
    fs.mkdirSync(path.join(code, "files"), { recursive: true });
  });
  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

  const put = (name: string, content: string | Buffer, mode = 0o644): void => {
    fs.mkdirSync(path.dirname(path.join(code, name)), { recursive: true });
    fs.writeFileSync(path.join(code, name), content);
    fs.chmodSync(path.join(code, name), mode);
  };
  const got = (name: string): string => fs.readFileSync(path.join(work, name), "utf8");
  const modeOf = (name: string): number => fs.statSync(path.join(work, name)).mode & 0o777;
  const has = (name: string): boolean => fs.existsSync(path.join(work, name));
  const prepare = (
    more: {
      secrets?: Secret[];
      values?: Record<string, string>;
      mode?: "strict" | "lenient";
      workDir?: string;
    } = {},
  ): Promise<Diagnostic[]> =>
    prepareWorkspace({
      spec: { schemaVersion: 1, project: { ...project, secrets: more.secrets ?? [] } },
      request: {
        runId: "r",
        tasks: [],
        vars: {},
        envs: {},
        scheduledAt: "2024-05-01T00:00:00Z",
        stage: "dev",
        attempt: 1,
      },
      codeDir: code,
      workDir: more.workDir ?? work,
      scope: { base: "USD", ...more.values },
      mode: more.mode ?? "strict",
      secrets: more.values ?? {},
    });

  it("renders text files, keeps modes, and makes artifacts/", async () => {
    put("files/tap.json", '{"base": "{{ base }}"}\n');
    put("files/run.sh", "#!/bin/sh\necho {{ base }}\n", 0o755);
    put("files/deep/plain.txt", "no template\n", 0o444);
    expect(await prepare()).to.deep.equal([]);
    expect(got("files/tap.json").trim()).to.equal('{"base": "USD"}');
    expect(got("files/run.sh")).to.contain("echo USD");
    expect(modeOf("files/run.sh")).to.equal(0o755);
    // A run must be able to write over what a read-only snapshot of the code holds.
    expect(modeOf("files/deep/plain.txt")).to.equal(0o644);
    expect(has("artifacts")).to.equal(true);
  });

  it("copies what is binary, large, or listed in files/.norender", async () => {
    const binary = Buffer.from([0x7b, 0x7b, 0x00, 0xff, 0x7d, 0x7d]);
    const latin = Buffer.from([0x7b, 0x7b, 0xe9, 0x7d, 0x7d]);
    const large = `{{ nothing }}${"x".repeat(1024 * 1024)}`;
    put("files/binary", binary);
    put("files/latin.txt", latin);
    put("files/large.txt", large);
    put("files/dbt/models/a.sql", 'select * from {{ ref("b") }}');
    put("files/.norender", "# dbt's own\ndbt/**\n");
    expect(await prepare()).to.deep.equal([]);
    expect(fs.readFileSync(path.join(work, "files/binary"))).to.deep.equal(binary);
    expect(fs.readFileSync(path.join(work, "files/latin.txt"))).to.deep.equal(latin);
    expect(got("files/large.txt")).to.equal(large);
    expect(got("files/dbt/models/a.sql")).to.equal('select * from {{ ref("b") }}');
    expect(has("files/.norender")).to.equal(false);
  });

  it("reports every undefined name with its place, and names the way out", async () => {
    put("files/a.txt", "ok\n  {{ missing }}\n");
    put("files/b.txt", "{{ other }}");
    const found = await prepare();
    expect(found.map((d) => [d.severity, d.location?.file, d.location?.line])).to.deep.equal([
      ["error", "files/a.txt", 2],
      ["error", "files/b.txt", 1],
    ]);
    expect(found[0]?.message).to.contain("missing");
    expect(found[0]?.hint).to.contain("files/.norender");
    expect(has("files/a.txt")).to.equal(false);
    const lenient = await prepare({ mode: "lenient" });
    expect(lenient.map((d) => d.severity)).to.deep.equal(["warning", "warning"]);
    expect(got("files/b.txt")).to.equal("");
  });

  it("removes what the project no longer has, and no file of a command's", async () => {
    put("files/old/a.txt", "a");
    put("files/b.txt", "b");
    await prepare();
    fs.writeFileSync(path.join(work, "files/made-by-a-command"), "c");
    fs.rmSync(path.join(code, "files/old"), { recursive: true });
    await prepare();
    expect(has("files/old")).to.equal(false);
    expect(has("files/b.txt") && has("files/made-by-a-command")).to.equal(true);
  });

  it("doesn't write what is unchanged, and repairs what a command changed", async () => {
    put("files/a.txt", "{{ base }}");
    put("files/b.txt", "b");
    await prepare();
    const before = fs.statSync(path.join(work, "files/a.txt")).ino;
    await prepare();
    expect(fs.statSync(path.join(work, "files/a.txt")).ino).to.equal(before);
    fs.writeFileSync(path.join(work, "files/a.txt"), "XXX");
    fs.writeFileSync(path.join(work, "files/b.txt"), "X");
    await prepare();
    expect(got("files/a.txt") + got("files/b.txt")).to.equal("USDb");
  });

  it("writes secrets 0600 in a folder of 0700, and removes them and what was rendered with them", async () => {
    put("files/tap.json", '{"key": "{{ API_KEY }}"}');
    put("files/other.json", "{}");
    const secrets = [{ key: "API_KEY", file: "keys/api.txt" }, { key: "TOKEN" }];
    expect(await prepare({ secrets, values: { API_KEY: "hush-hush", TOKEN: "tok-tok" } })).to.deep.equal([]);
    expect(got("keys/api.txt")).to.equal("hush-hush");
    expect([modeOf("keys/api.txt"), modeOf("keys"), modeOf("files/tap.json")]).to.deep.equal([
      0o600, 0o700, 0o600,
    ]);
    await removeSecretFiles(work);
    expect(has("keys/api.txt") || has("files/tap.json")).to.equal(false);
    expect(has("files/other.json")).to.equal(true);
    await removeSecretFiles(work);
    await prepare({ secrets, values: { API_KEY: "hush-hush" } });
    expect(got("keys/api.txt")).to.equal("hush-hush");
  });

  it("says which secret has no value, and refuses a path out of the workspace", async () => {
    const missing = await prepare({ secrets: [{ key: "A", file: "files/a" }] });
    expect(missing.map((d) => d.code)).to.deep.equal(["secret-missing"]);
    for (const file of ["../a", "/tmp/handoff-must-not-be", "files/../../a"]) {
      const found = await prepare({ secrets: [{ key: "A", file }], values: { A: "hush" } });
      expect(
        found.map((d) => d.code),
        file,
      ).to.deep.equal(["path-escapes"]);
    }
    expect(fs.existsSync(path.join(dir, "a"))).to.equal(false);
    fs.mkdirSync(path.join(dir, "outside"));
    fs.symlinkSync(path.join(dir, "outside"), path.join(work, "link"));
    const linked = await prepare({ secrets: [{ key: "A", file: "link/a" }], values: { A: "hush" } });
    expect(linked.map((d) => d.code)).to.deep.equal(["path-escapes"]);
    expect(fs.readdirSync(path.join(dir, "outside"))).to.deep.equal([]);
  });

  it("replaces a link that a command left instead of writing through it", async () => {
    put("files/a.txt", "new");
    await prepare();
    fs.writeFileSync(path.join(dir, "precious"), "precious");
    fs.rmSync(path.join(work, "files/a.txt"));
    fs.symlinkSync(path.join(dir, "precious"), path.join(work, "files/a.txt"));
    await prepare();
    expect(fs.readFileSync(path.join(dir, "precious"), "utf8")).to.equal("precious");
    expect(got("files/a.txt")).to.equal("new");
  });

  it("follows links within the project and refuses those that lead out of it", async () => {
    put("shared.txt", "{{ base }}");
    fs.symlinkSync("../shared.txt", path.join(code, "files/in.txt"));
    fs.writeFileSync(path.join(dir, "outside.txt"), "x");
    fs.symlinkSync("../../outside.txt", path.join(code, "files/out.txt"));
    const error: unknown = await prepare().catch((reason: unknown) => reason);
    expect((error as UserError).code).to.equal("link-outside");
    fs.rmSync(path.join(code, "files/out.txt"));
    await prepare();
    expect(got("files/in.txt")).to.equal("USD");
    expect(fs.lstatSync(path.join(work, "files/in.txt")).isSymbolicLink()).to.equal(false);
  });

  it("refuses to be the project's own folder", async () => {
    put("files/a.txt", "{{ base }}");
    for (const workDir of [code, path.join(code, "files", "w")]) {
      const error: unknown = await prepare({ workDir }).catch((reason: unknown) => reason);
      expect((error as UserError).code).to.equal("workspace-is-project");
      expect(error).to.be.instanceOf(UserError);
    }
    expect(fs.readFileSync(path.join(code, "files/a.txt"), "utf8")).to.equal("{{ base }}");
  });
});
