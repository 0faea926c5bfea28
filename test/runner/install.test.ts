import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { UserError } from "../../model/diagnostic.js";
import { installVenvs, venvReady, venvsHash } from "../../runner-image/src/install.js";

describe("runner/install", function () {
  this.timeout(180_000);
  let dir = "";
  let venvs = "";
  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(tmpdir(), "handoff-install-"));
    venvs = path.join(dir, "venvs");
  });
  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));
  const options = { log: () => {}, env: process.env };

  it("builds an environment per name, runs its commands in it in order, and does nothing the second time", async () => {
    const installs = [
      { venv: "a", command: 'echo one >> "$VIRTUAL_ENV/order"' },
      { venv: "b", command: "true" },
      { venv: "a", command: 'python -c "import sys; print(sys.prefix)" >> "$VIRTUAL_ENV/order"' },
    ];
    expect(await venvReady(installs, "a", venvs)).to.equal(false);
    const first = await installVenvs(installs, venvs, options);
    expect(first.map((result) => [result.venv, result.installed])).to.deep.equal([
      ["a", true],
      ["b", true],
    ]);
    expect(fs.readFileSync(path.join(venvs, "a", "order"), "utf8")).to.equal(
      `one\n${path.join(venvs, "a")}\n`,
    );
    expect(await venvReady(installs, "a", venvs)).to.equal(true);
    expect(await venvReady(installs, "unknown", venvs)).to.equal(false);
    const second = await installVenvs(installs, venvs, options);
    expect(second.map((result) => result.installed)).to.deep.equal([false, false]);

    const changed = [{ venv: "b", command: "true # changed" }];
    expect(await venvReady(changed, "b", venvs)).to.equal(false);
    expect((await installVenvs(changed, venvs, options))[0]?.installed).to.equal(true);
    fs.rmSync(path.join(venvs, "b", "bin"), { recursive: true });
    expect(await venvReady(changed, "b", venvs)).to.equal(false);
  });

  it("reports a failed command with its last lines, and the environment is not ready", async () => {
    const installs = [{ venv: "bad", command: "echo no such package >&2; exit 3" }];
    const error: unknown = await installVenvs(installs, venvs, options).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(UserError);
    const { message, exitCode, hint } = error as UserError;
    expect(message).to.contain('"bad"').and.to.contain("exit code 3").and.to.contain("no such package");
    expect(exitCode).to.equal(1);
    expect(hint).to.contain("handoff install");
    expect(await venvReady(installs, "bad", venvs)).to.equal(false);
  });

  it("builds again when a requirements file changes", async () => {
    const requirements = path.join(dir, "requirements.txt");
    fs.writeFileSync(requirements, "");
    const installs = [{ venv: "r", command: "pip install -r requirements.txt" }];
    await installVenvs(installs, venvs, { ...options, cwd: dir });
    expect(await venvReady(installs, "r", venvs, dir)).to.equal(true);
    fs.writeFileSync(requirements, "# other\n");
    expect(await venvReady(installs, "r", venvs, dir)).to.equal(false);
  });

  it("can be interrupted: no child stays, and the next time starts anew", async () => {
    const controller = new AbortController();
    const installs = [{ venv: "slow", command: `echo $$ > ${dir}/pid; sleep 60` }];
    const running = installVenvs(installs, venvs, { ...options, signal: controller.signal }).catch(
      (reason: unknown) => reason,
    );
    while (!fs.existsSync(`${dir}/pid`)) await sleep(20);
    controller.abort();
    expect(((await running) as UserError).exitCode).to.equal(130);
    const pid = Number(fs.readFileSync(`${dir}/pid`, "utf8"));
    expect(() => process.kill(pid, 0)).to.throw("ESRCH");
    expect(await venvReady(installs, "slow", venvs)).to.equal(false);
  });

  it("takes over from an installation that was killed", async () => {
    const installs = [{ venv: "k", command: `test -e ${dir}/go || { echo > ${dir}/started; sleep 5; }` }];
    const module = pathToFileURL(path.resolve("runner-image/src/install.ts")).href;
    const script = `import { installVenvs } from ${JSON.stringify(module)};
      await installVenvs(${JSON.stringify(installs)}, ${JSON.stringify(venvs)}, { log() {}, env: process.env });`;
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      stdio: "ignore",
    });
    while (!fs.existsSync(`${dir}/started`)) await sleep(20);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    expect(await venvReady(installs, "k", venvs)).to.equal(false);
    fs.writeFileSync(`${dir}/go`, "");
    expect((await installVenvs(installs, venvs, options))[0]?.installed).to.equal(true);
    expect(fs.readdirSync(venvs)).to.deep.equal(["k"]);
  });

  it("lets two installations of the same environment do the work once", async () => {
    const installs = [{ venv: "twice", command: `echo x >> ${dir}/count` }];
    const results = await Promise.all([
      installVenvs(installs, venvs, options),
      installVenvs(installs, venvs, options),
    ]);
    expect(results.flat().filter((result) => result.installed)).to.have.length(1);
    expect(fs.readFileSync(`${dir}/count`, "utf8")).to.equal("x\n");
  });

  it("uses uv where it is on PATH, and pip where uv fails", async () => {
    const bin = path.join(dir, "bin");
    fs.mkdirSync(bin);
    // Stands for uv: makes the environment as uv does, notes what it is asked for, and can't install "odd".
    fs.writeFileSync(
      path.join(bin, "uv"),
      `#!/bin/sh\necho "$@" >> ${dir}/uv-calls\ncase "$*" in venv*) for last; do :; done; python3 -m venv "$last";; *odd*) exit 2;; esac\n`,
      { mode: 0o755 },
    );
    const installs = [
      { venv: "u", command: "pip install good" },
      { venv: "u", command: "pip install --help odd" },
    ];
    await installVenvs(installs, venvs, {
      ...options,
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
    });
    const calls = fs.readFileSync(path.join(dir, "uv-calls"), "utf8").trim().split("\n");
    expect(calls).to.deep.equal([
      `venv --seed --python python3 ${path.join(venvs, "u")}`,
      "pip install good",
      "pip install --help odd",
    ]);
  });

  it("says what to do without Python", async () => {
    const error: unknown = await installVenvs([{ venv: "x", command: "true" }], venvs, {
      ...options,
      env: { PATH: dir },
    }).catch((reason: unknown) => reason);
    expect((error as UserError).code).to.equal("python-missing");
  });

  it("names a set of installs by its content", () => {
    const a = { venv: "a", command: "pip install x" };
    const b = { venv: "b", command: "pip install y" };
    expect(venvsHash([a, b]))
      .to.equal(venvsHash([b, a]))
      .and.to.match(/^[0-9a-f]{16}$/);
    expect(venvsHash([a])).not.to.equal(venvsHash([{ ...a, command: "pip install z" }]));
  });
});
