import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";

/** Exits with its argument, or waits for a signal, which it tells. */
const runner = `
const [what, code] = process.argv.slice(2);
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => { console.log(signal); process.exit(143); });
if (what === "wait") { console.log("waiting"); setInterval(() => {}, 1000); }
else if (code === "kill") process.kill(process.pid, "SIGKILL");
else if (what === "read") process.stdin.pipe(process.stdout);
else process.exit(Number(code));
`;
const shells = [["sh"], ["dash"], ["bash", "--posix"], ["busybox", "sh"]].filter(
  ([shell = ""]) => spawnSync("sh", ["-c", `command -v ${shell}`]).status === 0,
);

describe("the image's process 1", function () {
  this.timeout(60_000);
  const dir = mkdtempSync(join(tmpdir(), "handoff-init-"));
  const init = join(dir, "init");
  before(() => {
    copyFileSync("runner-image/init", init);
    mkdirSync(join(dir, "runner"));
    writeFileSync(join(dir, "runner", "main.js"), runner);
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  for (const [shell = "", ...options] of shells) {
    describe(`in ${shell}`, () => {
      const start = (...args: string[]) =>
        spawnSync(shell, [...options, init, ...args], { encoding: "utf8", input: "through\n" });

      it("exits with the runner's code, and gives it stdin", () => {
        for (const code of [0, 1, 2, 124, 130, 143]) expect(start("run", String(code)).status).to.equal(code);
        expect(start("read").stdout).to.equal("through\n");
      });

      it("says that the runner was killed, as a line of the log; not that a command of `exec` was", () => {
        const { status, stdout } = start("run", "kill");
        expect(status).to.equal(137);
        expect(JSON.parse(stdout)).to.include({ level: "error", event: "run.end", runId: "" });
        const command = start("exec", "137");
        expect(command.status).to.equal(137);
        expect(command.stdout).to.equal("");
      });

      for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
        it(`passes ${signal} on, and waits`, async () => {
          const child = spawn(shell, [...options, init, "wait"], { stdio: ["ignore", "pipe", "ignore"] });
          let said = "";
          const code = await new Promise((resolve) => {
            child.stdout.on("data", (data: Buffer) => {
              said += data.toString();
              if (said === "waiting\n") child.kill(signal);
            });
            child.on("close", resolve);
          });
          expect(said).to.equal(`waiting\n${signal}\n`);
          expect(code).to.equal(143);
        });
      }
    });
  }
});
