import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import {
  backendEnv,
  isLocked,
  isUpdating,
  removeStaleLocks,
  restoreTornState,
  stackStateFile,
  stateFolder,
} from "../../deploy/backend.js";
import type { Env } from "../../deploy/env.js";
import type { Repository } from "../../deploy/repository.js";

describe("where a stack's state is", () => {
  let base: string;
  let env: Env;
  let repository: Repository;
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), "handoff-backend-"));
    env = { HOME: join(base, "home"), HANDOFF_HOME: join(base, "handoff") };
    const root = join(base, "my repo");
    const shared = { settings: [], diagnostics: [] };
    repository = { root, name: "demo", backendUrl: undefined, stackDir: root, shared, stacks: ["dev"] };
    mkdirSync(repository.root);
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  const login = (current: string, home = join(base, "home", ".pulumi")) => {
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "credentials.json"), JSON.stringify({ current }));
  };
  const passphrase = () => join(base, "handoff", "passphrase");

  it("is in the repository when nothing else is said, with a passphrase that is made once", () => {
    const first = backendEnv(repository, env);
    expect(first).to.deep.equal({
      PULUMI_BACKEND_URL: `file://${join(base, "my%20repo", ".handoff", "state")}`,
      PULUMI_CONFIG_PASSPHRASE_FILE: passphrase(),
    });
    expect(statSync(join(repository.root, ".handoff", "state")).mode & 0o777).to.equal(0o700);
    expect(statSync(passphrase()).mode & 0o777).to.equal(0o600);
    const text = readFileSync(passphrase(), "utf8");
    expect(text).to.have.length.above(40);
    expect(backendEnv(repository, env)).to.deep.equal(first);
    expect(readFileSync(passphrase(), "utf8")).to.equal(text);
  });

  it("is what the user has set up: a variable, then Pulumi.yaml, then a login", () => {
    login("https://service.example");
    expect(backendEnv(repository, env)).to.deep.equal({});
    const inFile = { ...repository, backendUrl: "s3://bucket" };
    expect(backendEnv(inFile, env)).to.deep.equal({ PULUMI_CONFIG_PASSPHRASE_FILE: passphrase() });
    const set = { ...env, PULUMI_BACKEND_URL: "https://other.example" };
    expect(backendEnv(inFile, set)).to.deep.equal({});
    expect(backendEnv(repository, { ...env, PULUMI_ACCESS_TOKEN: "pul-x" })).to.deep.equal({});
    expect(existsSync(join(repository.root, ".handoff"))).to.equal(false);
  });

  it("follows a login to a state of the user's own, in PULUMI_HOME", () => {
    login("gs://bucket", join(base, "pulumi"));
    const there = { ...env, PULUMI_HOME: join(base, "pulumi") };
    expect(backendEnv(repository, there)).to.deep.equal({ PULUMI_CONFIG_PASSPHRASE_FILE: passphrase() });
    login("", join(base, "pulumi"));
    expect(backendEnv(repository, there)).to.have.property("PULUMI_BACKEND_URL");
  });

  it("takes a passphrase that is given, also an empty one", () => {
    for (const given of [
      { PULUMI_CONFIG_PASSPHRASE: "" },
      { PULUMI_CONFIG_PASSPHRASE: "x" },
      { PULUMI_CONFIG_PASSPHRASE_FILE: "/f" },
    ]) {
      expect(backendEnv(repository, { ...env, ...given })).to.have.all.keys("PULUMI_BACKEND_URL");
    }
    expect(existsSync(passphrase())).to.equal(false);
  });

  it("is a folder for file:// alone", () => {
    const folder = (url: string | undefined) => stateFolder(repository, { ...env, PULUMI_BACKEND_URL: url });
    expect(folder("file:///srv/state")).to.equal("/srv/state");
    expect(folder("file://~/state")).to.equal(join(base, "home", "state"));
    expect(folder("file://state")).to.equal(join(repository.root, "state"));
    expect(folder("s3://bucket")).to.equal(undefined);
    expect(folder(undefined)).to.equal(undefined);
    expect(folder("file:///srv/my%20state?no_tmp_dir=true")).to.equal("/srv/my state");
    expect(folder("file:///srv/100%")).to.equal("/srv/100%");
    expect(stateFolder({ ...repository, backendUrl: "file:///srv/other" }, env)).to.equal("/srv/other");
    login("file:///srv/login");
    expect(stateFolder(repository, env)).to.equal("/srv/login");
  });

  it("is where the engine puts it, in a folder whose name means something in a URL", () => {
    const odd = { ...repository, root: join(base, "50% #1? ü & co") };
    expect(stateFolder(odd, { ...env, ...backendEnv(odd, env) })).to.equal(
      join(odd.root, ".handoff", "state"),
    );
  });
});

describe("the state of an engine that died", () => {
  let state: string;
  let dead: number;
  before(async () => {
    const child = spawn("true");
    await new Promise((done) => child.on("exit", done));
    dead = child.pid ?? 0;
  });
  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), "handoff-state-"));
  });
  afterEach(() => rmSync(state, { recursive: true, force: true }));

  const locks = () => join(state, ".pulumi", "locks", "organization", "demo", "dev");
  const lock = (name: string, content: object | string) => {
    mkdirSync(locks(), { recursive: true });
    const text = typeof content === "string" ? content : JSON.stringify(content);
    writeFileSync(join(locks(), `${name}.json`), text);
    writeFileSync(join(locks(), `${name}.json.attrs`), "{}");
    return join(locks(), `${name}.json`);
  };

  it("loses its locks, and no others do", () => {
    expect(removeStaleLocks(state, "demo", "dev")).to.equal(0);
    const gone = lock("dead", { pid: dead, hostname: hostname() });
    expect([isLocked(state, "demo", "dev"), isUpdating(state, "demo", "dev")]).to.deep.equal([true, false]);
    const alive = lock("alive", { pid: process.pid, hostname: hostname() });
    const elsewhere = lock("elsewhere", { pid: dead, hostname: "another-machine" });
    const broken = lock("broken", "{");
    expect(removeStaleLocks(state, "demo", "dev")).to.equal(1);
    expect([gone, `${gone}.attrs`, alive, elsewhere, broken].map((file) => existsSync(file))).to.deep.equal([
      false,
      false,
      true,
      true,
      true,
    ]);
    expect(isLocked(state, "demo", "dev")).to.equal(true);
    expect(isUpdating(state, "demo", "dev")).to.equal(true);
    expect(isLocked(state, "demo", "prod")).to.equal(false);
  });

  describe("and tore its file", () => {
    const file = () => stackStateFile(state, "demo", "dev");
    const write = (current: string | undefined, backup: string | undefined) => {
      mkdirSync(dirname(file()), { recursive: true });
      if (current !== undefined) writeFileSync(file(), current);
      if (backup !== undefined) writeFileSync(`${file()}.bak`, backup);
    };
    const restore = (interrupted: boolean) => restoreTornState(state, "demo", "dev", interrupted);

    it("goes back to the state before the last step", () => {
      write('{"a": ', '{"a": 1}');
      expect(restore(false)).to.equal(true);
      expect(readFileSync(file(), "utf8")).to.equal('{"a": 1}');
    });

    it("also when the file is gone, where something was interrupted", () => {
      write(undefined, '{"a": 1}');
      expect(restore(false)).to.equal(false);
      expect(existsSync(file())).to.equal(false);
      expect(restore(true)).to.equal(true);
      expect(readFileSync(file(), "utf8")).to.equal('{"a": 1}');
    });

    it("stays as it is when it is whole, when there is no better one, and while somebody works on it", () => {
      write('{"a": 2}', '{"a": 1}');
      expect(restore(true)).to.equal(false);
      write('{"a": ', '{"b": ');
      expect(restore(true)).to.equal(false);
      write('{"a": ', '{"a": 1}');
      lock("alive", { pid: process.pid, hostname: hostname() });
      expect(restore(false)).to.equal(false);
      expect(readFileSync(file(), "utf8")).to.equal('{"a": ');
    });
  });
});
