import { expect } from "chai";
import { command, commands, pipeline, Sandbox, task } from "./harness.js";

describe("pipelines", function () {
  this.timeout(60_000);
  let box: Sandbox;
  beforeEach(() => {
    box = new Sandbox();
  });
  afterEach(() => box.remove());

  it("sends stdout to stdin, the last one to a file and to the log, stderr to the log with its step", async () => {
    const record = await box.run([
      pipeline("p", ["printf 'b\\na\\n'", "sort; echo done >&2", "cat -n | tr -d ' '"]),
    ]);
    expect(record.status).to.equal("success");
    expect(box.output("p")).to.equal("1\ta\n2\tb\n");
    expect(box.logged("stdout")).to.deep.equal(["1\ta", "2\tb"]);
    const [line] = box.lines.filter((candidate) => candidate.stream === "stderr");
    expect(line).to.include({ task: "p", step: "sort", message: "done" });
    expect(record.tasks[0]?.steps.map((step) => [step.name, step.status])).to.deep.equal([
      ["printf", "success"],
      ["sort", "success"],
      ["cat", "success"],
    ]);
  });

  it("ends `yes | head -1` at once and well", async () => {
    const record = await box.run([pipeline("p", ["yes", "head -1"])]);
    expect(record).to.include({ status: "success", exitCode: 0 });
    expect(box.output("p")).to.equal("y\n");
  });

  it("passes a broken pipe on through several members", async () => {
    expect((await box.run([pipeline("p", ["yes", "cat", "cat", "head -1"])])).status).to.equal("success");
  });

  it("takes a program that reports the broken pipe by itself as such", async () => {
    const python = `python3 -c "
while True: print('x' * 1000)"`;
    expect((await box.run([pipeline("p", [python, "head -1"])])).status).to.equal("success");
  });

  it("still fails for an error of its own after its reader has ended", async () => {
    const record = await box.run([pipeline("p", ["sleep 0.3; echo trouble >&2; exit 3", "true"])]);
    expect(record).to.include({ status: "failure", exitCode: 1 });
    expect(record.tasks[0]).to.include({ exitCode: 3 });
    expect(record.tasks[0]?.error).to.equal("step sleep exited with 3: trouble");
  });

  it("finds a broken pipe to blame when the reader failed", async () => {
    const record = await box.run([pipeline("p", ["yes", "head -1; exit 4"])]);
    expect(record.tasks[0]).to.include({ status: "failure", exitCode: 4 });
  });

  for (const [place, lines] of [
    ["first", ["exit 7", "cat", "cat"]],
    ["middle", ["echo x", "exit 7", "cat"]],
    ["last", ["echo x", "cat", "exit 7"]],
  ] as const) {
    it(`fails with a failing ${place} member of three`, async () => {
      const record = await box.run([pipeline("p", lines)]);
      expect(record).to.include({ status: "failure", exitCode: 1 });
      expect(record.tasks[0]?.exitCode).to.equal(7);
    });
  }

  it("stops the rest when one fails", async () => {
    const began = performance.now();
    const record = await box.run([pipeline("p", ["sleep 50", "exit 2", "sleep 50"])]);
    expect(performance.now() - began).to.be.below(20_000);
    expect(record.tasks[0]?.steps.map((step) => step.status)).to.deep.equal([
      "stopped",
      "failure",
      "stopped",
    ]);
  });

  it("fails when a member is killed by -9", async () => {
    const record = await box.run([pipeline("p", ["kill -9 $$", "cat"])]);
    expect(record.status).to.equal("failure");
    expect(record.tasks[0]?.exitCode).to.equal(137);
    expect(record.tasks[0]?.error).to.contain("killed by SIGKILL").and.contain("memory");
  });

  it("says what 127 means", async () => {
    const record = await box.run([commands("c", ["no-such-program-here --x"])]);
    expect(record.tasks[0]?.error).to.contain("exited with 127 (command not found: is it in a venv");
  });

  it("lets programs open /dev/stdout and /dev/stderr", async () => {
    const record = await box.run([
      pipeline("p", ["echo a > /dev/stdout; echo e > /dev/stderr", "cat > /dev/stdout"]),
    ]);
    expect(record.status).to.equal("success");
    expect(box.output("p")).to.equal("a\n");
    expect(box.logged("stderr")).to.deep.equal(["e"]);
  });

  it("passes all of 300 MB without holding it", async () => {
    const before = process.cpuUsage();
    const record = await box.run([pipeline("p", ["head -c 300000000 /dev/zero", "cat", "wc -c"])]);
    const used = process.cpuUsage(before);
    expect(record.status).to.equal("success");
    expect(box.output("p").trim()).to.equal("300000000");
    expect((used.user + used.system) / 1e6).to.be.below(2);
  });

  it("keeps all of a large output in its file and says that the log has not", async () => {
    await box.run([pipeline("p", ["yes 0123456789012345678901234567890123456789 | head -200000", "cat"])]);
    expect(box.output("p").length).to.equal(41 * 200_000);
    expect(box.logged("stdout").length).to.be.within(50_000, 150_000);
    expect(
      box.lines.some((line) => line.message.includes("all of it is in artifacts/p_stdout.log")),
    ).to.equal(true);
  });

  it("sends stdout to the log alone, or to a file of its own", async () => {
    await box.run([
      commands("a", ["echo one", "echo two"], { stdoutToFile: "/dev/null" }),
      commands("b", ["echo three; echo four >&2"], { stdoutToFile: "out/b.txt", stderrToFile: "out/b.err" }),
    ]);
    expect(box.logged("stdout")).to.deep.equal(["one", "two", "three"]);
    expect(box.has("artifacts/a_stdout.log")).to.equal(false);
    expect(box.read("out/b.txt")).to.equal("three\n");
    expect(box.read("out/b.err")).to.equal("four\n");
  });

  it("leaves out what is not active", async () => {
    const off = command("exit 9", { active: false });
    const record = await box.run([
      task("p", { kind: "pipeline", members: [command("echo a"), off, command("cat")] }),
      commands("no", ["exit 1"], { active: false }),
    ]);
    expect(record.status).to.equal("success");
    expect(record.tasks.map((each) => each.name)).to.deep.equal(["p"]);
    expect(box.output("p")).to.equal("a\n");
  });
});
