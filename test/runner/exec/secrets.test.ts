import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { logLimitBytes } from "../../../runner-image/src/engine/outputs.js";
import { commands, pipeline, Sandbox } from "./harness.js";

/** As the log cuts long lines. */
const pieceBytes = 16 * 1024;

describe("runner/exec: secrets in what commands write", () => {
  let sandbox: Sandbox;
  const secret = "hunter2-pässwörd-€uro";
  const context = { secrets: new Map([["KEY", secret]]) };
  const base64 = Buffer.from(secret).toString("base64");
  const encoded = encodeURIComponent(secret);

  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => sandbox.remove());

  /** Nothing of the log holds 6 characters in a row of any form of the secret. */
  function expectNothingOf(text: string): void {
    for (const form of [secret, base64, encoded]) {
      for (let at = 0; at + 6 <= form.length; at++)
        expect(text.includes(form.slice(at, at + 6)), form.slice(at, at + 6)).to.equal(false);
    }
  }

  function line(name: string, text: string): string {
    writeFileSync(join(sandbox.dir, name), text);
    return `'${join(sandbox.dir, name)}'`;
  }

  for (const [form, text] of [
    ["as it is", secret],
    ["in base64", base64],
    ["URL-encoded", encoded],
  ] as const) {
    it(`are masked where a long line is cut, ${form}`, async function () {
      this.timeout(60_000);
      // Every place of the secret comes to lie on a cut of one of the lines.
      const bytes = Buffer.byteLength(text);
      const long = Array.from({ length: bytes + 1 }, (_, at) => `${".".repeat(pieceBytes - at)}${text}.end`);
      const file = line("long", `${long.join("\n")}\n`);
      const record = await sandbox.run(
        [
          commands("out", [`cat ${file}`]),
          commands("log", [`cat ${file}`], { stdoutToFile: "/dev/null" }),
          commands("err", [`cat ${file} >&2`], { stderrToFile: "err.txt" }),
        ],
        {},
        context,
      );
      expect(record.status).to.equal("success");
      for (const task of ["out", "log", "err"]) {
        const shown = sandbox.lines.filter((one) => one.task === task && one.stream !== undefined);
        const all = shown.map(({ message }) => message).join("");
        expect(all.split("[secret].end").length - 1, task).to.equal(long.length);
        expectNothingOf(all);
      }
      // Files are the commands' own: as they were written.
      expect(sandbox.output("out")).to.equal(`${long.join("\n")}\n`);
      expect(sandbox.read("err.txt")).to.equal(`${long.join("\n")}\n`);
    });
  }

  it("are masked when they come in two writes", async function () {
    this.timeout(60_000);
    const [left, right] = [secret.slice(0, 9), secret.slice(9)];
    const say = `printf '%s' '${left}'; sleep 0.3; printf '%s\\n' '${right}'`;
    await sandbox.run([commands("out", [say]), commands("err", [`(${say}) >&2`])], {}, context);
    expect(sandbox.logged("stdout")).to.deep.equal(["[secret]"]);
    expect(sandbox.logged("stderr")).to.deep.equal(["[secret]"]);
  });

  it("leave nothing where the log of a file ends", async function () {
    this.timeout(60_000);
    for (const inside of [1, 8, 9, 17, 20]) {
      sandbox.lines.length = 0;
      const before = `${".".repeat(4095)}\n`.repeat(logLimitBytes / 4096 - 1);
      const file = line("much", `${before}${".".repeat(4096 - inside)}${secret}\nrest\n`);
      await sandbox.run([commands("out", [`cat ${file}`])], {}, context);
      const tail = sandbox.logged("stdout").at(-1) ?? "";
      expect(tail.replaceAll(".", ""), `${inside} bytes`).to.equal("");
      expect(tail.length).to.equal(4096 - inside);
    }
  });

  it("leave nothing in the sentences that say why a run failed", async function () {
    this.timeout(60_000);
    // The sentence shows 300 characters of a command's last line, and 200 of a foreach's.
    const last = line("last", `${"x".repeat(290)}${secret}\n`);
    const lines = line("lines", `${"x".repeat(190)}${secret}\n`);
    const loop = { kind: "foreach", tasks: [commands("one", ["exit 4"])], maxParallel: 1 } as const;
    for (const tasks of [
      [commands("fail", [`cat ${last} >&2; exit 3`])],
      [pipeline("loop", [`cat ${lines}`], loop)],
    ]) {
      const record = await sandbox.run(tasks, {}, context);
      expect(record.status).to.equal("failure");
      expect(record.error).to.contain("xxx");
      expectNothingOf(JSON.stringify([record, sandbox.lines]));
    }
  });

  it("are masked in names of metrics, whose numbers count all the same", async function () {
    this.timeout(60_000);
    const metric = `{"handoff_metric": {"${secret}": 3, "files": 4}}`;
    const record = await sandbox.run([commands("out", [`echo '${metric}'`])], {}, context);
    expect(record.metrics).to.deep.equal({ "[secret]": 3, files: 4 });
  });

  it("are masked when they are of the deployment but not of the project, which doesn't get them", async function () {
    this.timeout(60_000);
    const value = "token-of-the-source";
    const line = `echo ${value}; env | grep -c token-of; echo "{{ GIT_TOKEN }}"`;
    const record = await sandbox.run([commands("out", [line])], { dialect: "0.x" }, { hidden: [value] });
    expect(record.status).to.equal("success");
    expect(sandbox.logged("stdout")).to.deep.equal(["[secret]", "0", ""]);
  });
});
