import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { StackFailed } from "../../deploy/fleet/messages.js";
import { makePool, type Pool } from "../../deploy/fleet/pool.js";
import type { StackSummary } from "../../deploy/stack.js";
import { isAlive } from "../../providers/lock.js";

/** A worker that does as the stack's name says, and tells its process by `durationMs`. */
const script = `
let stopped;
process.on("disconnect", () => process.exit());
process.on("message", ({ kind, job, reason }) => {
  if (kind === "stop") return stopped?.(reason);
  const stack = job.stack;
  const done = (more) => process.send({ kind: "done", memoryMiB: 100, summary: { stack, durationMs: process.pid, ...more } });
  const fail = (code, exitCode) => process.send({ kind: "failed", memoryMiB: 100, failure: { code, message: stack, diagnostics: [], exitCode } });
  if (stack === "die") { console.error("last words of", stack); process.exit(3); }
  if (stack === "kill") process.kill(process.pid, "SIGKILL");
  if (stack === "throw") throw new TypeError("nobody catches this");
  if (stack === "reject") Promise.reject(new Error("nobody awaits this"));
  if (stack === "invalid") fail("invalid-settings", 2);
  if (stack === "broken") fail("deployment-failed", 1);
  if (stack === "large") process.send({ kind: "done", memoryMiB: 9999, summary: { stack, durationMs: process.pid } });
  if (stack === "slow") stopped = (why) => fail("interrupted:" + why, 130);
  if (stack.startsWith("ok")) {
    process.send({ kind: "log", line: "hello from " + stack });
    process.send({ kind: "event", event: { kind: "message", severity: "info", text: stack } });
    setTimeout(done, 20);
  }
});
`;

describe("fleet: the pool of workers", function () {
  this.timeout(120_000);
  let dir: string;
  let pool: Pool;
  const heard: string[] = [];
  const run = (stack: string, signal = new AbortController().signal): Promise<StackSummary> =>
    pool.run(
      { operation: "up", stack, cwd: dir },
      {
        signal,
        log: (line) => void heard.push(line),
        onEvent: (event) => void (event.kind === "message" && heard.push(event.text)),
      },
    );
  const pidOf = async (stack: string) => (await run(stack)).durationMs;
  const failure = async (stack: string, signal?: AbortSignal) => {
    const error: unknown = await run(stack, signal).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!(error instanceof StackFailed))
      throw new Error(`${stack}: expected a StackFailed, not ${String(error)}`);
    return error.failure;
  };
  const ended = async (pid: number) => {
    for (let i = 0; i < 500 && isAlive(pid); i++) await sleep(20);
    return !isAlive(pid);
  };

  before(() => {
    dir = mkdtempSync(join(tmpdir(), "handoff pool "));
    writeFileSync(join(dir, "worker.mjs"), script);
  });
  after(() => rmSync(dir, { recursive: true, force: true }));
  beforeEach(() => {
    pool = makePool({ env: process.env, entry: { file: join(dir, "worker.mjs"), execArgv: [] } });
  });
  afterEach(() => pool.close());

  it("gives one stack after the other to the same worker, several at a time to several", async () => {
    const first = await pidOf("ok-1");
    expect(await pidOf("ok-2")).to.equal(first);
    const both = await Promise.all([pidOf("ok-3"), pidOf("ok-4")]);
    expect(new Set(both).size).to.equal(2);
    expect(both).to.include(first);
    expect(heard).to.include.members(["hello from ok-1", "ok-4"]);
  });

  it("loses one stack to a worker that dies, says how, and has a new one for the next", async () => {
    const first = await pidOf("ok");
    const died = await failure("die");
    expect(died).to.include({ code: "worker-died", exitCode: 1 });
    expect(died.message).to.include("exit code 3").and.include("last words of die");
    expect((await failure("kill")).hint).to.include("--parallel");
    expect((await failure("throw")).message).to.include("nobody catches this");
    expect((await failure("reject")).message).to.include("nobody awaits this");
    expect(await pidOf("ok")).not.to.equal(first);
  });

  it("keeps a worker after wrong input, and replaces it after a failed update and when it has grown", async () => {
    const first = await pidOf("ok");
    expect((await failure("invalid")).code).to.equal("invalid-settings");
    expect(await pidOf("ok")).to.equal(first);
    expect((await failure("broken")).code).to.equal("deployment-failed");
    const second = await pidOf("ok");
    expect(second).not.to.equal(first);
    expect(await pidOf("large")).to.equal(second);
    expect(await pidOf("ok")).not.to.equal(second);
    expect(await ended(first)).to.equal(true);
    expect(await ended(second)).to.equal(true);
  });

  it("tells a worker to stop, once, and waits for its step", async () => {
    const stopping = new AbortController();
    const failed = failure("slow", stopping.signal);
    await sleep(300);
    stopping.abort("SIGINT");
    expect((await failed).code).to.equal("interrupted:SIGINT");
  });

  it("says so when there is no worker to start", async () => {
    pool = makePool({ env: process.env, entry: { file: join(dir, "none.mjs"), execArgv: [] } });
    expect((await failure("ok")).message).to.match(/Cannot find module|none\.mjs/);
  });

  it("leaves no process when it is closed", async () => {
    const pid = await pidOf("ok");
    pool.close();
    expect(await ended(pid)).to.equal(true);
  });

  it("has workers in process groups of their own, which a terminal's Ctrl-C does not reach", async () => {
    const pid = await pidOf("ok");
    expect(process.kill(-pid, 0)).to.equal(true);
  });
});
