import { expect } from "chai";
import fc from "fast-check";
import type { Command, Task } from "../../../model/project.js";
import { type Exit, ProcessHost } from "../../../runner-image/src/process/host.js";
import { LineReader } from "../../../runner-image/src/process/lines.js";
import { WorkerShells } from "../../../runner-image/src/process/worker.js";
import { alive, command, pipeline, Sandbox, task } from "./harness.js";

/** Commands once a line. They tell their parent, which is a worker shell, or the runner. */
function loop(lines: readonly (string | Command)[], more: Partial<Task> = {}, maxParallel = 1): Task {
  const all = lines.map((line) => (typeof line === "string" ? command(line) : line));
  const one = task("one", { kind: "commands", commands: all });
  const input = `printf '%s' "$IN"`;
  return pipeline("t", [input], { kind: "foreach", tasks: [one], maxParallel }, more);
}

describe("worker shells of a foreach", function () {
  this.timeout(120_000);
  let box: Sandbox;
  beforeEach(() => {
    box = new Sandbox();
  });
  afterEach(() => box.remove());

  const run = (input: string, lines: readonly (string | Command)[], more: Partial<Task> = {}) =>
    box.run([loop(lines, more)], { envs: { IN: input } });
  const goOn = { killLoopOnFail: false };
  const out = () => box.output("t.one");

  it("start every line's command, from one parent, each with a number of its own", async () => {
    const record = await run("a\nb\nc", [`echo $PPID $$`]);
    expect(record.status).to.equal("success");
    const rows = out()
      .trim()
      .split("\n")
      .map((row) => row.split(" "));
    expect(rows).to.have.length(3);
    expect(new Set(rows.map(([parent]) => parent)).size).to.equal(1);
    expect(rows[0]?.[0]).not.to.equal(String(process.pid));
    expect(new Set(rows.map(([, own]) => own)).size).to.equal(3);
  });

  for (const [what, text] of [
    ["exit", "exit 3"],
    ["exec", "exec false"],
    ["set -e", "set -e; false; echo never"],
    ["a syntax error", "if then; fi"],
    ["a quote that never ends", "echo 'abc"],
    ["a bracket too many", "); echo never"],
    ["a trap", "trap 'exit 7' EXIT; exec 1>/dev/null 2>/dev/null; false"],
  ] as const) {
    it(`are not harmed by ${what}`, async () => {
      const record = await run(`${text}\n: good`, ["{{ _line }}; echo $PPID", "echo after{{ _line }}"], goOn);
      expect(record.status).to.equal("failure");
      expect(record.tasks[0]?.error).to.contain("(line ");
      expect(record.tasks[0]?.error).to.match(/exited with [1-9]/);
      expect(out()).not.to.contain("never");
      // The next line, by a worker shell again, and its second command too.
      expect(out()).to.match(/^\d+\nafter: good\n$/);
      expect(out()).not.to.contain(String(process.pid));
    });
  }

  it("forget what a line did to its shell", async () => {
    const text = `echo "$(pwd):\${X-unset}:$(umask)"; cd /; X=1; export X; umask 000; exec 5>&1 1>/dev/null`;
    expect((await run("a\nb", [text])).status).to.equal("success");
    const [first, second] = out().trim().split("\n");
    expect(first).to.match(/^\/.*:unset:/);
    expect(second).to.equal(first);
  });

  it("give each line its environment, its templates and an empty stdin", async () => {
    const text = `test "$(cat)" = "" || exit 9; printf '[%s|%s|%s]\\n' "$HANDOFF_LINE" "$OWN" "$HANDOFF_TASK"`;
    const one = task(
      "one",
      { kind: "commands", commands: [command(text)] },
      { envs: { OWN: "<{{ _line }}>" } },
    );
    const whole = pipeline("t", [`printf '%s' "$IN"`], { kind: "foreach", tasks: [one], maxParallel: 1 });
    const input = [`it's "q" $X \`y\` \\n`, "", " é漢\t", "\x81\x88\xff\r", "a & b && c"];
    expect((await box.run([whole], { envs: { IN: input.join("\n") } })).status).to.equal("success");
    expect(out()).to.equal(input.map((line) => `[${line}|<${line}>|t]\n`).join(""));
  });

  it("say which signal ended a command, and tell it from an exit code", async () => {
    const record = await run("kill -9 $$\nexit 137\nkill -SEGV $$", ["{{ _line }}"], goOn);
    const errors = box.lines.filter((line) => line.level === "error").map((line) => line.message);
    expect(errors.filter((text) => text.includes("killed by SIGKILL"))[0]).to.contain("kill -9");
    expect(errors.some((text) => /exited with 137 .*exit 137/.test(text))).to.equal(true);
    expect(errors.some((text) => text.includes("killed by SIGSEGV"))).to.equal(true);
    expect(record.tasks[0]?.steps[1]).to.include({ status: "failure", signal: "SIGKILL", exitCode: null });
  });

  it("are replaced when a line kills them", async () => {
    const lines = ["kill -9 0", "kill 0", "kill -9 $PPID; sleep 0.2", "echo well"];
    const record = await run(lines.join("\n"), ["{{ _line }}"], goOn);
    expect(record.tasks[0]?.error).to.contain("3 lines failed").and.contain("SIGKILL");
    expect(out()).to.equal("well\n");
  });

  it("end a line after its time-out, and go on", async () => {
    const slow = command('echo "$HANDOFF_LINE"; sleep "$HANDOFF_LINE"', { timeoutSeconds: 1 });
    const record = await run("0\n60\n0", [slow], goOn);
    expect(record).to.include({ status: "timeout", exitCode: 124 });
    expect(record.durationMs).to.be.below(30_000);
    expect(out()).to.equal("0\n60\n0\n");
  });

  it("let a command that is stopped clean up, and kill one that does not end", async () => {
    const polite = command("trap 'echo bye; exit 0' TERM; echo $$ > a.pid; while :; do sleep 0.1; done");
    const first = await box.run([loop([polite], { timeoutSeconds: 1 })], { envs: { IN: "x" } });
    expect(first.status).to.equal("timeout");
    expect(out()).to.equal("bye\n");
    const rude = command("trap '' TERM; echo $$ > b.pid; while :; do sleep 0.1; done");
    const second = await box.run([loop([rude], { timeoutSeconds: 1 })], { envs: { IN: "x" } });
    expect(second.status).to.equal("timeout");
    expect(["a.pid", "b.pid"].filter((name) => alive(Number(box.read(name))))).to.deep.equal([]);
  });

  it("leave background processes to the end of the run, and none after it", async () => {
    const record = await run("1\n2", [
      "test ! -e pid || kill -0 $(cat pid) || exit 5",
      "test -e pid || { sleep 300 & echo $! > pid; }",
    ]);
    expect(record.status).to.equal("success");
    expect(alive(Number(box.read("pid")))).to.equal(false);
  });

  it("attribute stderr to its step, and count it", async () => {
    const record = await run("1\n2\n3", [
      `echo "e$HANDOFF_LINE" >&2; echo '{"handoff_metric": "rows", "value": 2}' >&2`,
      "echo second >&2",
    ]);
    const shown = box.lines.filter((line) => line.stream === "stderr");
    expect(shown.filter((line) => line.step === "one/echo").length).to.equal(6);
    expect(shown.filter((line) => line.step === "one/echo#2").length).to.equal(3);
    expect(record.status).to.equal("success");
  });

  it("work side by side, each line once", async () => {
    const input = Array.from({ length: 300 }, (_, i) => `l${i}`);
    const record = await box.run([loop([`echo {{ _line }}`], {}, 4)], { envs: { IN: input.join("\n") } });
    expect(record.status).to.equal("success");
    expect(out().trim().split("\n").sort()).to.deep.equal([...input].sort());
  });

  it("take a line of any length: the host starts what does not fit into a pipe", async () => {
    // Of what a worker takes in one write, less than half, about all and more.
    const sizes = [10, 20_000, 40_000, 60_000];
    await box.run([
      pipeline("w", [`python3 -c "for n in (${sizes.join(",")}): print('x' * n)"`], {
        kind: "foreach",
        tasks: [task("one", { kind: "commands", commands: [command("printf %s {{ _line }} | wc -c")] })],
        maxParallel: 1,
      }),
    ]);
    expect(box.output("w.one").trim().split(/\s+/).map(Number)).to.deep.equal(sizes);
  });

  it("hand any text over exactly", async () => {
    const host = new ProcessHost({ graceMs: 500, path: process.env.PATH });
    const shells = new WorkerShells(host);
    const pipe = await host.pipes.takeForReading();
    const lines: string[] = [];
    const reader = new LineReader(pipe.read, {
      maxLineBytes: 1e6,
      onLine: (text) => lines.push(text),
      onEnd: () => {},
    });
    try {
      const base = { PATH: process.env.PATH ?? "", LINE: "", ...host.marks };
      const spawn = (text: string, LINE: string): Promise<Exit> =>
        shells.spawn({
          file: "/bin/sh",
          args: ["-c", text],
          cwd: box.dir,
          env: { ...base, LINE },
          stdio: [null, pipe.write, pipe.write],
        }).exit;
      const text = fc.string({ unit: "grapheme", maxLength: 60 }).map((value) => value.replaceAll("\0", ""));
      await fc.assert(
        fc.asyncProperty(text, text, async (inText, inVariable) => {
          lines.length = 0;
          const quoted = inText.replaceAll("'", "'\\''");
          const exit = await spawn(`printf '%s<%s>\\nend\\n' '${quoted}' "$LINE"; exit 4`, inVariable);
          reader.drain();
          expect(exit).to.deep.equal({ code: 4, signal: null, failure: null, stopped: false });
          expect(lines.join("\n")).to.equal(`${inText}<${inVariable}>\nend`);
        }),
        { numRuns: 200 },
      );
    } finally {
      await shells.close();
      reader.close();
      await host.close();
    }
  });
});
