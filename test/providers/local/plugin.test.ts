import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { localProvider } from "../../../providers/local/plugin-provider.js";
import { asSecret, isSecret, plain } from "../../../providers/local/plugin-values.js";
import { installKey } from "../../../providers/local/plugin-venvs.js";

const urn = (type: string) => `urn:pulumi:dev::demo::handoff:local:Pipeline$handoff:local:${type}::x`;

describe("the local platform's provider plugin", () => {
  let base: string;
  let provider: ReturnType<typeof localProvider>;
  let lines: string[];
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), "handoff-plugin-"));
    lines = [];
    provider = localProvider({ home: join(base, "home"), env: {}, log: (line) => lines.push(line) }, "1.0.0");
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  const trigger = { deployment: "d", name: "orders", job: "fx", tasks: [], maxConcurrency: 2 };

  it("reports failures of check by property", async () => {
    const { failures } = await provider.check(urn("Trigger"), {}, { ...trigger, job: "", maxConcurrency: 0 });
    expect(failures.map(({ property }) => property)).to.deep.equal(["job", "maxConcurrency"]);
  });

  it("names what changed: nothing, an update, a replacement", async () => {
    const { outs } = await provider.create(urn("Trigger"), trigger);
    const diff = (news: object) => provider.diff("", urn("Trigger"), outs, news);
    expect(await diff(trigger)).to.deep.equal({ changes: false, replaces: [] });
    expect(await diff({ ...trigger, maxConcurrency: 3 })).to.deep.equal({ changes: true, replaces: [] });
    expect(await diff({ ...trigger, name: "other" })).to.deep.equal({ changes: true, replaces: ["name"] });
    const { tasks: _, ...less } = trigger;
    expect((await diff(less)).changes).to.equal(true);
  });

  it("replaces what is in another HANDOFF_HOME, and deletes it there", async () => {
    const { outs } = await provider.create(urn("Trigger"), trigger);
    const moved = localProvider({ home: join(base, "other"), env: {}, log: () => {} }, "1.0.0");
    expect((await moved.diff("", urn("Trigger"), outs, trigger)).replaces).to.deep.equal(["path"]);
    await moved.delete("", urn("Trigger"), outs);
    expect(existsSync(String(outs.path))).to.equal(false);
  });

  it("repeats create and delete without harm", async () => {
    const first = await provider.create(urn("Trigger"), trigger);
    expect(await provider.create(urn("Trigger"), trigger)).to.deep.equal(first);
    await provider.delete(first.id, urn("Trigger"), first.outs);
    await provider.delete(first.id, urn("Trigger"), first.outs);
    expect(await provider.read(first.id, urn("Trigger"), first.outs)).to.deep.equal({ id: "", props: {} });
  });

  it("returns a secret wrapped, and closes a file that was opened to others", async () => {
    const inputs = { deployment: "d", key: "K", value: asSecret("hunter2") };
    const { id, outs } = await provider.create(urn("Secret"), inputs);
    expect(isSecret(outs.value)).to.equal(true);
    const path = String(outs.path);
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    writeFileSync(path, "changed");
    const { props } = await provider.read(id, urn("Secret"), outs);
    expect(isSecret(props.value)).to.equal(true);
    expect((await provider.diff(id, urn("Secret"), props, inputs)).changes).to.equal(true);
    await provider.update(id, urn("Secret"), props, inputs);
    expect(plain((await provider.read(id, urn("Secret"), outs)).props.value)).to.equal("hunter2");
  });

  it("keeps a store's data, and says so, unless it is told to delete it", async () => {
    const inputs = { deployment: "d", name: "raw", kind: "bucket", deleteData: false };
    const { outs } = await provider.create(urn("Store"), inputs);
    const file = join(String(outs.path), "a.csv");
    writeFileSync(file, "1");
    await provider.delete("", urn("Store"), outs);
    expect(existsSync(file)).to.equal(true);
    expect(lines).to.deep.equal([`kept the data of raw: ${String(outs.path)}`]);
    await provider.delete("", urn("Store"), { ...outs, deleteData: true });
    expect(existsSync(join(base, "home", "deployments", "d"))).to.equal(false);
  });

  it("shares a snapshot between deployments until the last one leaves", async () => {
    const source = join(base, "project");
    mkdirSync(join(source, "files"), { recursive: true });
    writeFileSync(join(source, "project.yml"), "version: 1\n");
    writeFileSync(join(source, "files", "a.txt"), "a");
    const deploy = async (deployment: string) => {
      const { inputs } = await provider.check(urn("Code"), {}, { deployment, source });
      return (await provider.create(urn("Code"), inputs)).outs;
    };
    const [a, b] = [await deploy("a"), await deploy("b")];
    expect(a.codeDir).to.equal(b.codeDir);
    await provider.delete("", urn("Code"), a);
    expect(existsSync(join(String(b.codeDir), "files", "a.txt"))).to.equal(true);
    await provider.delete("", urn("Code"), b);
    expect(existsSync(String(b.codeDir))).to.equal(false);
  });

  it("knows an install by its commands and the files that they name", () => {
    const source = join(base, "project");
    mkdirSync(join(source, "files"), { recursive: true });
    const installs = [{ venv: "v", command: "pip install -r files/requirements.txt" }];
    writeFileSync(join(source, "files", "requirements.txt"), "a==1");
    writeFileSync(join(source, "files", "query.sql"), "select 1");
    const before = installKey(source, installs);
    writeFileSync(join(source, "files", "query.sql"), "select 2");
    expect(installKey(source, installs)).to.equal(before);
    writeFileSync(join(source, "files", "requirements.txt"), "a==2");
    expect(installKey(source, installs)).not.to.equal(before);
  });
});
