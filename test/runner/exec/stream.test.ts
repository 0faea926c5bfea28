import { expect } from "chai";
import type { Foreach, Fork, Task } from "../../../model/project.js";
import { commands, pipeline, Sandbox } from "./harness.js";

const fork = (...branches: Task[]): Fork => ({ kind: "fork", branches });
const foreach = (tasks: Task[], maxParallel = 1): Foreach => ({ kind: "foreach", tasks, maxParallel });

describe("foreach and fork", function () {
  this.timeout(180_000);
  let box: Sandbox;
  beforeEach(() => {
    box = new Sandbox();
  });
  afterEach(() => box.remove());

  it("hands every kind of line over, exactly", async () => {
    const input = 'a/b\n\n  two  spaces \nit\'s "quoted" $HOME `x`\nüñï 漢\nlast';
    const one = commands("one", [`printf '[%s]\\n' "$HANDOFF_LINE"`]);
    const record = await box.run([pipeline("t", [`printf '%s' "$IN"`], foreach([one]))], {
      envs: { IN: input },
    });
    expect(record.status).to.equal("success");
    expect(box.output("t.one")).to.equal(
      input
        .split("\n")
        .map((line) => `[${line}]\n`)
        .join(""),
    );
  });

  it("has the line in templates", async () => {
    const one = commands("one", ["echo {{ _line_safe }}:{{ _line }}"]);
    await box.run([pipeline("t", ["printf 'a/1\\nb\\n'"], foreach([one]))]);
    expect(box.output("t.one").split("\n")[0]).to.match(/^a_1:a\/1$/);
  });

  it("ends at a failed line, naming it", async () => {
    const one = commands("one", [`echo "$HANDOFF_LINE"; test "$HANDOFF_LINE" != 3`]);
    const record = await box.run([pipeline("t", ["seq 10"], foreach([one]))]);
    expect(record.status).to.equal("failure");
    expect(record.tasks[0]?.error).to.contain('(line "3")');
    expect(box.output("t.one")).to.equal("1\n2\n3\n");
  });

  it("goes on after a failed line when told to, and fails at the end", async () => {
    const one = commands("one", [`echo "$HANDOFF_LINE"; test "$HANDOFF_LINE" != 3`]);
    const record = await box.run([pipeline("t", ["seq 10"], foreach([one]), { killLoopOnFail: false })]);
    expect(record.status).to.equal("failure");
    expect(box.output("t.one").trim().split("\n")).to.have.length(10);
  });

  it("works on several lines at a time", async () => {
    const one = commands("one", [`echo start; sleep 1; echo end`]);
    await box.run([pipeline("t", ["seq 3"], foreach([one], 3))]);
    expect(box.output("t.one").trim().split("\n").slice(0, 3)).to.deep.equal(["start", "start", "start"]);
  });

  it("reads no further than it needs: the command before it waits", async () => {
    const one = commands("one", ["sleep 0.5; exit 1"]);
    const record = await box.run([pipeline("t", ["seq 5000000 | tee written"], foreach([one]))]);
    expect(record.status).to.equal("failure");
    // Of 39 MB, what fits into the pipes and a chunk that was read.
    expect(box.read("written").length).to.be.within(10_000, 1_000_000);
  });

  it("gives every byte to every branch", async () => {
    const branches = ["a", "b", "c"].map((name) => pipeline(name, ["cat", "md5sum"]));
    const record = await box.run([pipeline("f", ["seq 500000"], fork(...branches))]);
    expect(record.status).to.equal("success");
    expect(box.output("f.a")).to.equal(box.output("f.b")).and.to.equal(box.output("f.c"));
    await box.run([pipeline("g", ["seq 500000", "md5sum"])]);
    expect(box.output("f.a")).to.equal(box.output("g"));
  });

  it("lets a branch close early and another be slow", async () => {
    const early = pipeline("early", ["head -1"]);
    const none = pipeline("none", ["true"]);
    const slow = pipeline("slow", ["sleep 0.5; wc -l"]);
    const record = await box.run([pipeline("f", ["seq 300000"], fork(early, none, slow))]);
    expect(record.status).to.equal("success");
    expect(box.output("f.early")).to.equal("1\n");
    expect(box.output("f.slow").trim()).to.equal("300000");
  });

  it("ends when every branch has closed", async () => {
    const record = await box.run([
      pipeline("f", ["yes"], fork(pipeline("a", ["head -1"]), pipeline("b", ["head -2"]))),
    ]);
    expect(record).to.include({ status: "success" });
  });

  it("ends all of it when a branch fails", async () => {
    const record = await box.run([
      pipeline("f", ["yes"], fork(pipeline("bad", ["exit 5"]), pipeline("good", ["cat >/dev/null"]))),
    ]);
    expect(record.tasks[0]).to.include({ status: "failure", exitCode: 5 });
  });

  it("lets the others go on when a failed branch says so", async () => {
    const bad = pipeline("bad", ["exit 5"], undefined, { killDownstreamOnFail: false });
    const record = await box.run([pipeline("f", ["seq 300000"], fork(bad, pipeline("good", ["wc -l"])))]);
    expect(record.tasks[0]).to.include({ status: "failure", exitCode: 5 });
    expect(box.output("f.good").trim()).to.equal("300000");
  });

  it("nests: foreach in fork, fork in foreach, to some depth", async () => {
    const leaf = commands("leaf", [`echo "$HANDOFF_LINE"`]);
    const inner = pipeline(
      "inner",
      [`seq "$HANDOFF_LINE"`],
      fork(pipeline("l", [], foreach([leaf])), pipeline("r", ["wc -l"])),
    );
    const record = await box.run([
      pipeline(
        "n",
        ["seq 4"],
        fork(pipeline("x", [], foreach([inner], 2)), pipeline("y", ["cat"], foreach([leaf]))),
      ),
    ]);
    expect(record.error).to.equal(undefined);
    expect(box.output("n.x.inner.l.leaf").trim().split("\n")).to.have.length(1 + 2 + 3 + 4);
    expect(box.output("n.x.inner.r").trim().split("\n").map(Number).sort()).to.deep.equal([1, 2, 3, 4]);
    expect(box.output("n.y.leaf")).to.equal("1\n2\n3\n4\n");
  });
});
