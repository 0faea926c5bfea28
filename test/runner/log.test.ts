import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import type { LogLine } from "../../model/run.js";
import { createJsonLog, createTerminalLog, maskLine } from "../../runner-image/src/log.js";

const line = (message: string, more: Partial<LogLine> = {}): LogLine => ({
  time: "2024-05-01T10:00:00.000Z",
  level: "info",
  runId: "r1",
  message,
  ...more,
});

describe("runner/log", () => {
  let dir = "";
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), "handoff-log-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("writes every line as JSON to a descriptor, complete after close", async () => {
    const file = path.join(dir, "log");
    const fd = openSync(file, "w");
    const log = createJsonLog({ fd });
    for (let i = 0; i < 5000; i++)
      log.write(line(`line ${i} ü\n"`, { task: "t", step: "s", stream: "stderr" }));
    await log.close();
    log.write(line("too late"));
    closeSync(fd);
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    expect(lines).to.have.length(5000);
    expect(JSON.parse(lines[4999] ?? "")).to.deep.equal(
      line('line 4999 ü\n"', { task: "t", step: "s", stream: "stderr" }),
    );
  });

  it("is prompt: a line is out in the next turn", async () => {
    const file = path.join(dir, "log");
    const fd = openSync(file, "w");
    const log = createJsonLog({ fd });
    log.write(line("now"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(readFileSync(file, "utf8")).to.contain("now");
    await log.close();
    closeSync(fd);
  });

  it("writes to a stream, and closes when a slow reader has it all", async () => {
    const stream = new PassThrough({ highWaterMark: 16 });
    const log = createJsonLog(stream);
    for (let i = 0; i < 100; i++) log.write(line(`line ${i}`));
    let text = "";
    setTimeout(() => stream.on("data", (chunk) => (text += String(chunk))), 20);
    await log.close();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(text.trimEnd().split("\n")).to.have.length(100);
  });

  it("loses nothing when the process exits without a close, and survives a reader that went away", () => {
    const module = pathToFileURL(path.resolve("runner-image/src/log.ts")).href;
    const script = `import { createJsonLog } from ${JSON.stringify(module)};
      const log = createJsonLog({ fd: 1 });
      for (let i = 0; i < 3000; i++) log.write({ time: "", level: "info", runId: "", message: "m" + i });
      process.exit(0);`;
    const whole = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      encoding: "utf8",
    });
    expect(whole.stderr).to.equal("");
    expect(whole.stdout.trimEnd().split("\n")).to.have.length(3000);
    const piped = spawnSync(
      "bash",
      [
        "-c",
        `"$0" --import tsx --input-type=module -e "$1" | head -1 >/dev/null; echo "\${PIPESTATUS[0]}"`,
        process.execPath,
        script,
      ],
      { encoding: "utf8" },
    );
    expect(piped.stdout.trim()).to.equal("0");
  }).timeout(60_000);

  it("is readable on a terminal", async () => {
    const stream = new PassThrough();
    const log = createTerminalLog(stream, { color: false });
    log.write(line("hello \u001b[31mred\u001b[0m", { task: "fetch", step: "tap", stream: "stdout" }));
    log.write(line("a\nb", { level: "error" }));
    await log.close();
    const text = String(stream.read());
    expect(text).to.match(/^\d\d:\d\d:\d\d fetch\/tap hello red\n\d\d:\d\d:\d\d a\n {9}b\n$/);
  });

  it("colours only when asked to", async () => {
    const stream = new PassThrough();
    const log = createTerminalLog(stream, { color: true });
    log.write(line("oops", { level: "warn" }));
    log.write(line("quiet", { stream: "stderr" }));
    await log.close();
    expect(String(stream.read())).to.contain("\u001b[33moops").and.to.contain("\u001b[2mquiet");
  });

  it("masks messages, names and errors", () => {
    const said = line("say hush", { task: "hush", step: "hush", error: "hush" });
    const masked = maskLine(said, (text) => text.replaceAll("hush", "[secret]"));
    expect(JSON.stringify(masked)).not.to.contain("hush");
    expect(masked).to.include({ time: said.time, message: "say [secret]" });
  });
});
