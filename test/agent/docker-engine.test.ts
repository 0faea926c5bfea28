/** What is read from `docker info`, and who a container runs as. */
import { chownSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { endOfContainer } from "../../providers/local/agent/container.js";
import { parseInfo, userOf } from "../../providers/local/agent/docker-engine.js";
import { give, takeBack } from "../../providers/local/agent/owner.js";

const info = (more: object) =>
  JSON.stringify({ NCPU: 2, SecurityOptions: ["name=seccomp,profile=default"], ...more });

describe("Docker's engine, as the agent sees it", () => {
  it("has CPUs, and security options that change how containers are started", () => {
    const none = { cpus: 2, rootless: false, remapsUsers: false, selinux: false };
    expect(parseInfo(info({}))).to.deep.equal(none);
    expect(parseInfo(info({ SecurityOptions: null }))).to.deep.equal(none);
    const options = (...names: string[]) => ({ SecurityOptions: names.map((name) => `name=${name}`) });
    expect(parseInfo(info(options("rootless")))).to.deep.equal({ ...none, rootless: true });
    expect(parseInfo(info(options("userns", "selinux")))).to.deep.equal({
      ...none,
      remapsUsers: true,
      selinux: true,
    });
  });

  it("is no engine when it says so, or says nothing", () => {
    // The client answers, too, where the engine doesn't.
    expect(() =>
      parseInfo(info({ NCPU: 0, ServerErrors: ["Cannot connect to the Docker daemon"] })),
    ).to.throw("Cannot connect");
    expect(() => parseInfo("{}")).to.throw("CPUs");
    expect(() => parseInfo("")).to.throw();
  });

  it("runs containers as the agent's user, as nobody's for root, and as root where that is the agent's user", () => {
    const facts = parseInfo(info({}));
    const uid = process.getuid?.() ?? 0;
    const expected =
      uid === 0 ? { uid: 10001, gid: 10001, gives: true } : { uid, gid: process.getgid?.(), gives: false };
    expect(userOf(facts)).to.deep.equal(expected);
    expect(userOf({ ...facts, rootless: true })).to.deep.equal({ uid: 0, gid: 0, gives: false });
  });
});

describe("the end of a container", () => {
  let base: string;
  let log: string[];
  const output = () => join(base, "runner.log");

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), "handoff-docker-"));
    log = [];
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  /** A `docker` that answers as the script says; `$calls` counts the calls. */
  function end(script: string): Promise<string | undefined> {
    const program = `#!/bin/sh\necho "$1" >> '${base}/calls'\ncalls=$(grep -c . '${base}/calls')\n${script}\n`;
    writeFileSync(join(base, "docker"), program, { mode: 0o755 });
    const env = { PATH: `${base}:${process.env.PATH ?? ""}` };
    return endOfContainer("handoff-x-1", output(), { env, log: (line) => log.push(line) });
  }
  const answers = (oom: boolean) => `case $1 in wait) echo 137 ;; inspect) echo "${oom} 167772160" ;; esac`;

  it("is waited for while the engine doesn't answer, which is said once", async function () {
    this.timeout(20_000);
    const down = 'if [ "$calls" -le 2 ]; then echo "Cannot connect to the Docker daemon" >&2; exit 1; fi';
    expect(await end(`${down}\n${answers(false)}`)).to.equal(undefined);
    expect(log).to.have.length(1);
    expect(log[0]).to.match(/handoff-x-1.*Cannot connect/);
  });

  it("is want of memory where the engine says so", async () => {
    expect(await end(answers(true))).to.match(/^out of memory: .*\(160 MiB\)/);
  });

  it("is told in Docker's words when there never was a container", async () => {
    writeFileSync(output(), "docker: Error response from daemon: No such image: sha256:0\n");
    const gone = 'echo "Error response from daemon: No such container: handoff-x-1" >&2; exit 1';
    expect(await end(gone)).to.match(/not started.*No such image.*handoff up/);
    writeFileSync(output(), "docker: permission denied\n");
    expect(await end(gone)).to.match(/not started.*permission denied$/);
  });
});

describe("files that root gives to a container", () => {
  let base: string;
  const owner = { uid: 10001, gid: 10001 };
  const uidOf = (...parts: string[]) => lstatSync(join(base, ...parts)).uid;

  before(function () {
    if (process.getuid?.() !== 0) this.skip();
  });
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), "handoff-owner-"));
    mkdirSync(join(base, "store", "inner"), { recursive: true });
    writeFileSync(join(base, "store", "inner", "file"), "");
    writeFileSync(join(base, "outside"), "");
    symlinkSync(join(base, "outside"), join(base, "store", "link"));
    symlinkSync(base, join(base, "store", "folder"));
  });
  afterEach(() => {
    if (base) rmSync(base, { recursive: true, force: true });
  });

  it("are all below a folder, and nothing that a link leads to", () => {
    give(owner, join(base, "store"), join(base, "missing"));
    for (const path of [["store"], ["store", "inner"], ["store", "inner", "file"], ["store", "link"]])
      expect(uidOf(...path), path.join("/")).to.equal(owner.uid);
    expect(uidOf("outside")).to.equal(0);
    expect(uidOf()).to.equal(0);
  });

  it("are not looked for in a folder that is its already, until root has taken that back", () => {
    chownSync(join(base, "store"), owner.uid, owner.gid);
    give(owner, join(base, "store"));
    expect(uidOf("store", "inner", "file")).to.equal(0);
    takeBack([join(base, "store"), join(base, "missing")]);
    expect(uidOf("store")).to.equal(0);
    give(owner, join(base, "store"));
    expect(uidOf("store", "inner", "file")).to.equal(owner.uid);
  });
});
